"""Whether all mail of a house has arrived in the test's mail server."""

from __future__ import annotations

from collections import Counter

from sqlmodel import select

from contracts.notices.mail import mail_handler
from contracts.settings import Settings
from contracts.store.outbox import OutboxRow, run_due
from contracts.store.unit import Store
from tests.harness.smtp import Mailserver


def arrived(store: Store, settings: Settings, server: Mailserver) -> int:
    """Send what still waits; each mail that was ever asked for has come once, under its own id. Returns how many there are."""
    assert settings.mail.port == server.port, "this house sends its mail elsewhere"
    while run_due(store, {"mail": mail_handler(settings, store)}):
        pass
    with store.read() as session:
        rows = session.exec(select(OutboxRow).where(OutboxRow.kind == "mail")).all()
    host, came = settings.base_url.partition("://")[2].partition(":")[0], Counter(server.ids)
    wrong = {row.payload["subject"]: row.error for row in rows if came[f"<{row.id}-{row.generation}@{host}>"] != 1}
    assert wrong == {}
    return len(rows)

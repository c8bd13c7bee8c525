"""Mail against a real SMTP server: each notice arrives, and what is refused or greylisted comes again until it is taken."""

from __future__ import annotations

import pytest
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.notices import send
from contracts.notices.catalogue import NOTICES
from contracts.notices.mail import mail_handler
from contracts.settings import Mail, Settings
from contracts.store.outbox import Handler, OutboxRow, run_due
from contracts.store.unit import Store
from tests.harness.server import free_port
from tests.harness.smtp import Mailserver, smtp_server

TO = "ada@northfield.example"
FACTS = {"name": "Ada", "title": "Polls", "organisation": "Lab"}


def _row(store: Store) -> OutboxRow:
    with store.read() as session:
        return session.exec(select(OutboxRow)).one()


def _by(server: Mailserver, store: Store) -> dict[str, Handler]:
    return {"mail": mail_handler(Settings(mail=server.setting), store)}


def test_every_notice_arrives_with_its_subject_and_an_id_of_its_own(sqlite_store: Store) -> None:
    with sqlite_store.write() as unit:
        for template, row in NOTICES.items():
            send(unit, to=TO, template=template, facts={name: f"the {name}" for name in row.facts}, path="/partner")
    with smtp_server() as server:
        while run_due(sqlite_store, _by(server, sqlite_store)):
            pass
    assert len(server.received) == len(NOTICES) == len(set(server.ids))
    for each in server.received:
        text = each.message.get_content()
        told = (each.message["To"], "$" in each.message["Subject"] + text, f"{Settings().base_url}/partner" in text)
        assert told == (TO, False, True), each.message["Subject"]


@pytest.mark.parametrize("answer", ["451 4.7.1 greylisted, come again", "550 5.1.1 no such person", "552 5.2.2 full"])
def test_what_is_not_taken_comes_again_until_it_is(sqlite_store: Store, clock: FixedClock, answer: str) -> None:
    with sqlite_store.write() as unit:
        send(unit, to=TO, template="contract-offered", facts=FACTS)
    with smtp_server(answer, answer) as server:
        for _ in range(3):
            assert run_due(sqlite_store, _by(server, sqlite_store)) == 1
            assert run_due(sqlite_store, _by(server, sqlite_store)) == 0
            clock.advance(minutes=1)
    row = _row(sqlite_store)
    assert (server.ids, row.attempts) == ([f"<{row.id}-1@127.0.0.1>"], 3)
    assert row.done_at is not None


def test_without_a_server_it_waits_and_nothing_is_lost(sqlite_store: Store, clock: FixedClock) -> None:
    with sqlite_store.write() as unit:
        send(unit, to=TO, template="contract-offered", facts=FACTS)
    nowhere = Settings(mail=Mail(transport="smtp", port=free_port(), starttls=False))
    assert run_due(sqlite_store, {"mail": mail_handler(nowhere, sqlite_store)}) == 1
    assert (_row(sqlite_store).done_at, _row(sqlite_store).error.split(":")[0]) == (None, "ConnectionRefusedError")
    clock.advance(minutes=1)
    with smtp_server() as server:
        assert run_due(sqlite_store, _by(server, sqlite_store)) == 1
    assert len(server.received) == 1

"""Mail against a real SMTP server: each notice arrives, what is refused or greylisted comes again, and a double carries the same id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.notices import send
from contracts.notices.catalogue import NOTICES
from contracts.notices.mail import mail_handler
from contracts.settings import Mail, Settings
from contracts.store.outbox import OutboxRow, run_due
from contracts.store.unit import Store
from tests.harness.server import free_port

TO = "ada@northfield.example"
FACTS = {"name": "Ada", "title": "Polls", "organisation": "Lab"}


class Killed(BaseException):
    """The process ends here."""


class Postbox:
    """What the server took; `answers` are given to the next mails instead of taking them."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.taken = list(answers), list[EmailMessage]()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the name that aiosmtpd calls
        if self.answers:
            return self.answers.pop(0)
        self.taken.append(message_from_bytes(envelope.content, policy=default))
        return "250 taken"


@contextmanager
def serving(box: Postbox) -> Iterator[Settings]:
    """The server for the block, and settings that send through it."""
    port = free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield Settings(mail=Mail(transport="smtp", port=port, starttls=False, sender="licet@agora.example"))
    finally:
        server.stop()


def _row(store: Store) -> OutboxRow:
    with store.read() as session:
        return session.exec(select(OutboxRow)).one()


def test_every_notice_arrives_with_its_subject_and_an_id_of_its_own(sqlite_store: Store) -> None:
    box = Postbox()
    with sqlite_store.write() as unit:
        for template, row in NOTICES.items():
            send(unit, to=TO, template=template, facts={name: f"the {name}" for name in row.facts}, path="/partner")
    with serving(box) as settings:
        while run_due(sqlite_store, {"mail": mail_handler(settings, sqlite_store)}):
            pass
    assert len(box.taken) == len(NOTICES) == len({each["Message-ID"] for each in box.taken})
    for each in box.taken:
        text = each.get_content()
        assert (each["To"], "$" in each["Subject"] + text, settings.base_url + "/partner" in text) == (TO, False, True), each["Subject"]


@pytest.mark.parametrize("answer", ["451 4.7.1 greylisted, come again", "550 5.1.1 no such person", "552 5.2.2 full"])
def test_what_is_not_taken_comes_again_until_it_is(sqlite_store: Store, clock: FixedClock, answer: str) -> None:
    box = Postbox(answer, answer)
    with sqlite_store.write() as unit:
        send(unit, to=TO, template="contract-offered", facts=FACTS)
    with serving(box) as settings:
        for _ in range(3):
            assert run_due(sqlite_store, {"mail": mail_handler(settings, sqlite_store)}) == 1
            assert run_due(sqlite_store, {"mail": mail_handler(settings, sqlite_store)}) == 0
            clock.advance(minutes=1)
    row = _row(sqlite_store)
    assert ([each["Message-ID"] for each in box.taken], row.attempts) == ([f"<{row.id}-1@127.0.0.1>"], 3)
    assert row.done_at is not None


def test_killed_between_acceptance_and_its_mark_it_comes_twice_with_one_id(
    sqlite_store: Store, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Postbox()
    with sqlite_store.write() as unit:
        send(unit, to=TO, template="contract-offered", facts=FACTS)
    with serving(box) as settings:
        handler = mail_handler(settings, sqlite_store)

        def killed(_label: str = "") -> Any:
            raise Killed

        with monkeypatch.context() as dying, pytest.raises(Killed):
            run_due(sqlite_store, {"mail": lambda effect: (dying.setattr(sqlite_store, "write", killed), handler(effect))[1]})
        assert run_due(sqlite_store, {"mail": handler}) == 0, "another worker may be at it"
        clock.advance(seconds=61)
        assert run_due(sqlite_store, {"mail": handler}) == 1
    assert Counter(each["Message-ID"] for each in box.taken) == {f"<{_row(sqlite_store).id}-1@127.0.0.1>": 2}


def test_without_a_server_it_waits_and_nothing_is_lost(sqlite_store: Store, clock: FixedClock) -> None:
    with sqlite_store.write() as unit:
        send(unit, to=TO, template="contract-offered", facts=FACTS)
    nowhere = Settings(mail=Mail(transport="smtp", port=free_port(), starttls=False))
    assert run_due(sqlite_store, {"mail": mail_handler(nowhere, sqlite_store)}) == 1
    assert (_row(sqlite_store).done_at, _row(sqlite_store).error.split(":")[0]) == (None, "ConnectionRefusedError")
    box = Postbox()
    clock.advance(minutes=1)
    with serving(box) as settings:
        assert run_due(sqlite_store, {"mail": mail_handler(settings, sqlite_store)}) == 1
    assert len(box.taken) == 1

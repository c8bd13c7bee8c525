"""Mail: rendered with the deed, delivered by the outbox, once."""

from __future__ import annotations

import re
from string import Template

import pytest
from sqlmodel import select

from contracts.errors import Misconfigured
from contracts.notices import send
from contracts.notices.catalogue import DAYS, NOTICES
from contracts.notices.mail import Letter, mail_handler, mailbox, message_of
from contracts.notices.service import FOLDER, render, text_of
from contracts.settings import Mail, Settings
from contracts.store.outbox import Effect, OutboxRow, run_due
from contracts.store.unit import Store
from tests.harness.smtp import smtp_server

MAILBOX = Settings(profile="test", mail=Mail(transport="mailbox"))
FACTS = {"name": "Ada", "title": "Polls", "organisation": "Lab"}


@pytest.mark.parametrize("name", NOTICES)
def test_a_template_asks_for_exactly_the_listed_facts(name: str) -> None:
    head, _, body = text_of(name).partition("\n\n")
    assert head.startswith("Subject: ")
    assert "\n" not in head
    assert set(Template(f"{head}\n{body}").get_identifiers()) <= NOTICES[name].facts


# Everything else that a template may name. A new fact is one or the other, so that no day is left out of a subject unseen.
NO_DAYS = """
    asker address authority barred basis by coordinator count credential dataset decision event field frees left limit link name note organisation passkey person platform
    project quota reason records role roles section signer starts subject title used version what why words
"""
SPAN = re.compile(r"\b(?:within|in) (an? (?:hour|day)|\d+ (?:hours|days))\b")


@pytest.mark.parametrize("name", NOTICES)
def test_a_subject_says_by_when(name: str) -> None:
    head, _, body = text_of(name).partition("\n\n")
    assert NOTICES[name].facts <= DAYS | {*NO_DAYS.split()}
    assert NOTICES[name].facts & DAYS <= {*Template(head).get_identifiers()}
    assert {*SPAN.findall(body)} <= {*SPAN.findall(head)}


def test_every_template_is_listed() -> None:
    frames = {"frame", "frame-with-link"}
    assert {file.stem for file in FOLDER.glob("*.txt")} == set(NOTICES) | frames


def test_a_fact_is_never_a_template_and_adds_no_header() -> None:
    subject, body = render("contract-offered", {**FACTS, "title": "x\r\nBcc: all@example.org $organisation"})
    assert subject == 'Your contract "x Bcc: all@example.org $organisation" is ready to sign'
    assert body.startswith('Hello Ada,\n\nthe contract "x\r\nBcc: all@example.org $organisation" for Lab is ready.')


def test_a_missing_fact_is_an_error_where_the_deed_is_decided(sqlite_store: Store) -> None:
    with pytest.raises(KeyError), sqlite_store.write() as unit:
        send(unit, to="a@example.org", template="contract-offered", facts={"name": "Ada"})


def test_a_mail_reaches_the_mailbox_once_with_its_link(store: Store) -> None:
    with store.write() as unit:
        send(unit, to="ada@example.org", template="contract-offered", facts=FACTS, path="/partner/contracts/ctr_1")
    handler = mail_handler(MAILBOX, store)
    assert run_due(store, {"mail": handler}) == 1
    with store.read() as session:
        (mail,) = mailbox(session)
        row = session.exec(select(OutboxRow)).one()
    assert (mail.to, mail.subject) == ("ada@example.org", 'Your contract "Polls" is ready to sign')
    assert mail.body == (
        'Hello Ada,\n\nthe contract "Polls" for Lab is ready. Read it, then a person who may bind your organisation signs it on the '
        "page below.\n\nOpen it here:\nhttp://127.0.0.1:8400/partner/contracts/ctr_1\n\n-- \nAgora (Agora Networks Ltd)\n"
        "Questions: data-access@agora.example\n"
    )
    assert row.payload == {"to": mail.to, "subject": mail.subject, "path": "/partner/contracts/ctr_1"}
    handler(Effect(row.id, row.kind, row.payload, 1, 2))
    with store.read() as session:
        assert mailbox(session, "ada@example.org") == [mail]
        assert mailbox(session, "eve@example.org") == []


def test_without_a_transport_mail_waits_and_says_why(sqlite_store: Store) -> None:
    handler = mail_handler(Settings(), sqlite_store)
    with pytest.raises(Misconfigured):
        handler(Effect("out_1", "mail", {"to": "a@example.org", "subject": "s", "body": "b"}, 1, 1))


def test_smtp_sends_the_message_with_a_stable_id(sqlite_store: Store) -> None:
    with sqlite_store.write() as unit:
        send(unit, to="ada@example.org", template="contract-offered", facts={**FACTS, "title": "Ümläut"})
    with smtp_server() as server:
        assert run_due(sqlite_store, {"mail": mail_handler(Settings(mail=server.setting), sqlite_store)}) == 1
        (received,) = server.received
    with sqlite_store.read() as session:
        row = session.exec(select(OutboxRow)).one()
    assert row.done_at is not None
    assert (received.sender, received.recipients) == ("data-access@agora.example", ["ada@example.org"])
    assert received.message["Message-ID"] == f"<{row.id}-1@127.0.0.1>"
    assert received.message["Subject"] == 'Your contract "Ümläut" is ready to sign'
    assert received.message["From"] == "Agora <data-access@agora.example>"


def test_smtp_never_falls_back_to_a_clear_line(sqlite_store: Store) -> None:
    with sqlite_store.write() as unit:
        send(unit, to="ada@example.org", template="contract-offered", facts=FACTS)
    with smtp_server() as server:
        settings = Settings(mail=Mail(transport="smtp", port=server.port, starttls=True))
        run_due(sqlite_store, {"mail": mail_handler(settings, sqlite_store)})
        assert server.received == []
    with sqlite_store.read() as session:
        row = session.exec(select(OutboxRow)).one()
    assert (row.done_at, row.error) == (None, "SMTPNotSupportedError: STARTTLS extension not supported by server.")


def test_the_message_is_written_for_people_and_marked_as_automatic() -> None:
    message = message_of(Letter("out_1-1", "ada@example.org", "Hi", "Body\n"), Settings())
    assert dict(message.items()) == {
        "From": "Agora <licet@localhost.localdomain>",
        "To": "ada@example.org",
        "Reply-To": "data-access@agora.example",
        "Subject": "Hi",
        "Message-ID": "<out_1-1@127.0.0.1>",
        "Auto-Submitted": "auto-generated",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "7bit",
        "MIME-Version": "1.0",
    }

"""How mail leaves: the outbox's handler with SMTP, and the local mailbox of demos and tests."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from string import Template
from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from contracts.errors import Misconfigured
from contracts.notices.service import text_of
from contracts.notices.tables import MailRow
from contracts.settings import Mail, Settings
from contracts.store.outbox import Effect, Handler, OutboxRow
from contracts.store.unit import Store

_TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail ready to leave. `key` is the effect's idempotency key."""

    key: str
    to: str
    subject: str
    body: str


def mail_handler(settings: Settings, store: Store) -> Handler:
    """The handler of outbox kind "mail", by `mail.transport`.

    What left is stripped of its body in the outbox, because bodies carry one-time links; a row without a body has left and
    is not sent again. Where the transport is "none" every attempt raises `Misconfigured`, so the mail waits and staff see why.
    """
    deliver = _deliverer(settings, store)

    def handle(effect: Effect) -> None:
        if "body" not in effect.payload:
            return
        deliver(_letter(settings, effect))
        with store.write("mail") as unit:
            row = unit.lock(OutboxRow, effect.id)
            row.payload = {name: value for name, value in row.payload.items() if name != "body"}

    return handle


def mailbox(session: Session, to: str | None = None) -> list[MailRow]:
    """The mail kept locally, newest first; of one address where `to` is given."""
    query = select(MailRow).order_by(col(MailRow.at).desc(), col(MailRow.id).desc())
    return list(session.exec(query if to is None else query.where(MailRow.to == to)).all())


@contextmanager
def connected(mail: Mail) -> Iterator[smtplib.SMTP]:
    """The mail server, greeted, under TLS and signed in as the settings say; OSError or SMTPException where it does not let us."""
    with smtplib.SMTP(mail.host, mail.port, timeout=_TIMEOUT_SECONDS) as server:
        if mail.starttls:
            server.starttls(context=ssl.create_default_context())
        if mail.username is not None and mail.password is not None:
            server.login(mail.username, mail.password.get_secret_value())
        yield server


def message_of(letter: Letter, settings: Settings) -> EmailMessage:
    """The message as it goes over the wire. Its Message-ID is stable, so a repeated sending can be told as one (RFC 5322 3.6.4)."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(settings.platform.name, addr_spec=settings.mail.sender)
    message["To"] = letter.to
    message["Reply-To"] = settings.platform.contact
    message["Subject"] = letter.subject
    message["Message-ID"] = f"<{letter.key}@{urlsplit(settings.base_url).hostname}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.body)
    return message


def _letter(settings: Settings, effect: Effect) -> Letter:
    path = str(effect.payload.get("path", ""))
    facts = {
        "body": str(effect.payload["body"]),
        "link": settings.base_url.rstrip("/") + path,
        "platform": settings.platform.name,
        "legal_name": settings.platform.legal_name,
        "contact": settings.platform.contact,
    }
    body = Template(text_of("frame-with-link" if path else "frame")).substitute(facts)
    return Letter(effect.idempotency_key, str(effect.payload["to"]), str(effect.payload["subject"]), body)


def _deliverer(settings: Settings, store: Store) -> Callable[[Letter], None]:
    if settings.mail.transport == "mailbox":
        return lambda letter: _keep(store, letter)
    if settings.mail.transport == "smtp":
        return lambda letter: _send(settings.mail, message_of(letter, settings))
    return _refuse


def _keep(store: Store, letter: Letter) -> None:
    with store.write("mailbox") as unit:
        if unit.session.get(MailRow, letter.key) is None:
            unit.session.add(MailRow(id=letter.key, to=letter.to, subject=letter.subject, body=letter.body, at=unit.now))


def _send(mail: Mail, message: EmailMessage) -> None:
    with connected(mail) as server:
        server.send_message(message)


def _refuse(_letter: Letter) -> None:
    raise Misconfigured("setting mail.transport", "is none, so no mail leaves.", "Set it to smtp and name the server.")

"""A real SMTP server on loopback (aiosmtpd) that keeps what it is given, and holds or refuses mail where a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from contracts.settings import Mail
from tests.harness.gate import Gate
from tests.harness.server import free_port

SENDER = "data-access@agora.example"


@dataclass
class Received:
    """One mail with its envelope."""

    sender: str
    recipients: list[str]
    message: EmailMessage


@dataclass
class Mailserver:
    """Where it listens and what came. `answers` are given to the next mails instead of taking them; `gate` stands before each mail."""

    port: int
    received: list[Received] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    gate: Gate = field(default_factory=Gate)

    @property
    def setting(self) -> Mail:
        """Settings that send through it."""
        return Mail(transport="smtp", port=self.port, starttls=False, sender=SENDER)

    @property
    def toml(self) -> str:
        """The same as lines of `licet.toml` below `[mail]`."""
        return f'transport = "smtp"\nhost = "127.0.0.1"\nport = {self.port}\nstarttls = false\nsender = "{SENDER}"'

    @property
    def ids(self) -> list[str]:
        """The Message-ID of each mail, in the order in which they came."""
        return [str(each.message["Message-ID"]) for each in self.received]

    def letters(self, to: str) -> list[str]:
        """Bodies of the mail to an address, newest first."""
        return [each.message.get_content().replace("\r\n", "\n") for each in reversed(self.received) if to in each.recipients]

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        await asyncio.to_thread(self.gate.pass_through)
        envelope.mail_from = address
        return "250 go on"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answers:
            return self.answers.pop(0)
        self.received.append(Received(envelope.mail_from, envelope.rcpt_tos, message_from_bytes(envelope.content, policy=default)))
        return "250 taken"


@contextmanager
def smtp_server(*answers: str) -> Iterator[Mailserver]:
    """Run a server that offers no STARTTLS until the block ends."""
    kept = Mailserver(free_port(), answers=list(answers))
    running = Controller(kept, hostname="127.0.0.1", port=kept.port)
    running.start()
    try:
        yield kept
    finally:
        kept.gate.open()
        running.stop()

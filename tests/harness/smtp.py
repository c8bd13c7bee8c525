"""A small SMTP server on loopback that keeps what it is given (RFC 5321, just what a client sends for one mail)."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default


@dataclass
class Received:
    """One mail with its envelope."""

    sender: str
    recipients: list[str]
    message: EmailMessage


@dataclass
class Mailserver:
    """Where it listens and what came."""

    port: int
    received: list[Received] = field(default_factory=list)


@contextmanager
def smtp_server() -> Iterator[Mailserver]:
    """Run a server that offers no STARTTLS until the block ends."""
    kept = Mailserver(0)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            sender, recipients = "", []
            self._say("220 ready")
            while line := self.rfile.readline().decode().strip():
                verb = line.upper()
                if verb.startswith("MAIL FROM:"):
                    sender = _address(line)
                elif verb.startswith("RCPT TO:"):
                    recipients.append(_address(line))
                elif verb == "DATA":
                    self._say("354 go on")
                    message = message_from_bytes(self._data(), policy=default)
                    kept.received.append(Received(sender, recipients, message))
                elif verb == "QUIT":
                    self._say("221 bye")
                    return
                self._say("250 fine")

        def _data(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line)
            return b"".join(lines)

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        kept.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield kept
        server.shutdown()
        thread.join()


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]

"""`licet ledger witness`: a witness for logs of others over HTTP (C2SP tlog-witness), for a partner or a regulator to run.

It needs nothing of an installation: a folder of its own and the public keys of the logs. Whoever runs it beside a web server lets that
do TLS; with a certificate it does so by itself.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from contracts.clock import Clock, SystemClock
from contracts.errors import Misconfigured
from contracts.ledger.note import BadNote, Verifier, parse_vkey
from contracts.witness.decide import Outcome
from contracts.witness.folder import Answer, Witness, found
from contracts.witness.protocol import MOST_BYTES, SIZE_TYPE, size_text

STATUS = {
    Outcome.COSIGN: 200,
    Outcome.MALFORMED: 400,
    Outcome.UNKNOWN_LOG: 404,
    Outcome.NOT_SIGNED: 403,
    Outcome.OTHER_SIZE: 409,
    Outcome.OTHER_ROOT: 409,
    Outcome.NOT_CONSISTENT: 422,
}
PATH = "/add-checkpoint"
PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Door:
    """Where the witness listens; `certificate` is a PEM file with certificate and issuers, `key` one with the private key."""

    host: str = "127.0.0.1"
    port: int = 8470
    certificate: Path | None = None
    key: Path | None = None


def open_witness(folder: Path, name: str, logs: Sequence[str], clock: Clock | None = None) -> Witness:
    """The witness in a folder, begun where there is none, for logs given by their verifier keys; `Misconfigured` for a wrong one."""
    known = [_log(each) for each in logs]
    if not known:
        raise Misconfigured("log", "none is named, so there is nothing to witness.", "Give --log with the public key of each log.")
    found(folder, name)
    return Witness(folder, {each.name: each for each in known}, clock or SystemClock())


def server_of(witness: Witness, door: Door) -> ThreadingHTTPServer:
    """The server, listening and not yet answering; port 0 takes a free one."""
    server = _Server((door.host, door.port), _handler(witness))
    if door.certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(door.certificate, door.key)
        # The handshake belongs to the connection's thread: one that never begins must not keep others out.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server


def lines(witness: Witness) -> Iterator[str]:
    """What a witness says of itself: its public key, and the largest tree of each log that it cosigned."""
    yield witness.verifier.vkey()
    for origin, told in sorted(witness.cosigned().items()):
        yield f"{origin} {told.size} {told.root.hex()}"


def _log(vkey: str) -> Verifier:
    try:
        return parse_vkey(vkey)
    except BadNote as error:
        mend = "Give the log's public key whole, as <name>+<key id>+<key>."
        raise Misconfigured("log", f"{vkey!r} is no key of a log: {error}.", mend) from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that goes away or speaks no HTTP is no error of ours."""


def _handler(witness: Witness) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            if self.path == "/":
                self._answer(200, "".join(f"{line}\n" for line in lines(witness)))
            else:
                self._answer(404, "There is no such page.\n")

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if self.path != PATH:
                self._refuse(404, "There is no such page.\n")
            elif not (length.isascii() and length.isdigit()):
                self._refuse(411, "Say the content's length.\n")
            elif len(length) > 6 or int(length) > MOST_BYTES:
                self._refuse(413, f"A request has at most {MOST_BYTES} bytes.\n")
            else:
                self._told(witness.add_checkpoint(self.rfile.read(int(length))))

        def _told(self, answer: Answer) -> None:
            decision = answer.decision
            if decision.outcome is Outcome.COSIGN:
                self._answer(200, answer.line)
            elif decision.outcome in (Outcome.OTHER_SIZE, Outcome.OTHER_ROOT):
                self._answer(409, size_text(decision.size), SIZE_TYPE)
            else:
                self._answer(STATUS[decision.outcome], f"{decision.why}\n")

        def _refuse(self, status: int, text: str) -> None:
            """Without having read the body, so the connection ends."""
            self.close_connection = True
            self._answer(status, text)

        def _answer(self, status: int, text: str, media_type: str = PLAIN) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(body)))
            if self.close_connection:
                self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def version_string(self) -> str:
            return "Licet"

        def log_message(self, format: str, *args: object) -> None:
            """A witness keeps no list of who asks."""

    return Handler

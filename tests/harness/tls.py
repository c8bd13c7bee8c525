"""A small https server on loopback with a certificate of its own authority, for what is reached through the guarded client."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from contracts.guarded import Address, GuardedClient
from tests.harness.gate import Gate

HOST = "keys.partner.example"
Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class TlsServer:
    """The server: `answers` by path, `asked` the paths and Host headers in order. `gate` stands before each connection's first byte."""

    port: int
    trust: ssl.SSLContext
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    gate: Gate = field(default_factory=Gate)

    def url(self, path: str, host: str = HOST) -> str:
        """The address of a path."""
        return f"https://{host}:{self.port}{path}"

    def client(self, permitted: Callable[[Address], bool] | None = None, seconds: float = 5.0, most_bytes: int = 65_536) -> GuardedClient:
        """A guarded client for which every name leads to this server, and loopback alone is permitted."""
        return GuardedClient(
            resolve=lambda _host, _port: ["127.0.0.1"],
            permitted=permitted or (lambda address: address == ip_address("127.0.0.1")),
            ports=None,
            trust=self.trust,
            seconds=seconds,
            most_bytes=most_bytes,
        )

    def give(self, path: str, body: bytes, media_type: str = "application/json", status: int = 200) -> None:
        """Answer a path with a body."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            handler.send_header("content-type", media_type)
            handler.send_header("content-length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.answers[path] = answer


@contextmanager
def tls_server(folder: Path, host: str = HOST) -> Iterator[TlsServer]:
    """The server for the block; its authority is trusted by `trust` alone."""
    pem = certificate(folder, host)
    trust = ssl.create_default_context(cafile=str(pem))
    served: list[TlsServer] = []

    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            served[0].gate.pass_through()
            super().setup()

        def do_GET(self) -> None:
            served[0].asked.append((self.path, self.headers.get("host", "")))
            answer = served[0].answers.get(self.path)
            if answer is None:
                self.send_error(404)
            else:
                answer(self)

        do_POST = do_GET  # noqa: N815 - the name that the standard library calls

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A caller that goes away is what the tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    served.append(TlsServer(server.server_address[1], trust))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield served[0]
    finally:
        served[0].gate.open()
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(folder: Path, host: str) -> Path:
    """A self-signed certificate with its key, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file

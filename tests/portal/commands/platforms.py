"""A platform on loopback that answers as it is told, and notes what it was asked: for the commands of partners."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from joserfc.jwk import ECKey

from contracts.clock import SystemClock
from portal.commands.signed import Signed, keep

Said = tuple[int, dict[str, str], Any]


@dataclass
class Platform:
    """Answers to requests for records and to the token address, each list in order; the last stays."""

    base_url: str
    records: list[Said] = field(default_factory=list)
    tokens: list[Said] = field(default_factory=list)
    published: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    posted: list[dict[str, str]] = field(default_factory=list)

    def signed_in(self, home: Path, *, seconds: int = 600) -> Signed:
        """A sign-in that is kept, whose token ends in so many seconds."""
        ends_at = int(SystemClock().now().timestamp()) + seconds
        key = ECKey.generate_key("P-256").as_dict(private=True)
        signed = Signed(self.base_url, "cli_1", f"{self.base_url}/v1", f"{self.base_url}/oauth/token", key, "at-1", "rt-1", ends_at)
        keep(home, signed)
        return signed


@contextmanager
def platform() -> Iterator[Platform]:
    """Serve one."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    made = Platform(f"http://127.0.0.1:{server.server_port}")
    made.published = {
        "issuer": made.base_url,
        "authorization_endpoint": f"{made.base_url}/oauth/authorize",
        "token_endpoint": f"{made.base_url}/oauth/token",
        "protected_resources": [f"{made.base_url}/v1"],
    }
    server.RequestHandlerClass = _handler(made)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(made: Platform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/.well-known/"):
                self._answer(200, {}, made.published)
                return
            query = dict(parse_qsl(urlsplit(self.path).query))
            made.asked.append({**query, "token": self.headers["authorization"], "proofs": str(len(self.headers.get_all("dpop") or []))})
            self._answer(*_next(made.records))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            made.posted.append(dict(parse_qsl(body)))
            self._answer(*_next(made.tokens))

        def log_message(self, *_parts: object) -> None:
            """Say nothing."""

        def _answer(self, status: int, headers: dict[str, str], body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", "content-length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    return Handler


def _next(said: list[Said]) -> Said:
    return said.pop(0) if len(said) > 1 else said[0]

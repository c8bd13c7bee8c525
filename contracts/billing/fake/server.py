"""The fake behind real HTTP on 127.0.0.1, and the thread that delivers its webhooks."""

from __future__ import annotations

import json
import queue
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog

from contracts.billing.fake.service import FakeStripe
from contracts.billing.fake.shelf import Shelf
from contracts.billing.fake.webhooks import signature
from contracts.clock import Clock

log = structlog.get_logger()

MAX_BODY = 65_536
DELIVERY_PAUSES = (0.0, 1.0, 2.0, 5.0, 15.0, 30.0, 60.0)


class FakeServer:
    """A running fake: `url` is what the library is pointed at, `key` what it must send.

    `before_answer` is called with the path of each request when it has taken effect and its answer has not left, so that a test
    can lose the answer. Webhooks go to `webhook_url`, signed with `webhook_secret`, until it answers 2xx or the pauses are over.
    """

    def __init__(
        self,
        key: str,
        clock: Clock,
        *,
        file: Path | None = None,
        webhook_url: str = "",
        webhook_secret: str = "",
        before_answer: Callable[[str], None] = lambda _path: None,
        pauses: tuple[float, ...] = DELIVERY_PAUSES,
    ) -> None:
        self.key, self._clock, self._pauses = key, clock, pauses
        self._webhook_url, self._webhook_secret = webhook_url, webhook_secret
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._stop = threading.Event()
        self.stripe = FakeStripe(key, Shelf(file), clock, self._events.put)
        self._http = _Http(("127.0.0.1", 0), _handler(self.stripe, before_answer))
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._threads = [
            threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, name="stand-in", daemon=True),
            threading.Thread(target=self._deliver_all, name="stand-in-webhooks", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop serving and delivering; events that were not delivered are lost."""
        self._stop.set()
        self._events.put(None)
        self._http.shutdown()
        self._http.server_close()
        for thread in self._threads:
            thread.join()
        self.stripe.close()

    def _deliver_all(self) -> None:
        while (event := self._events.get()) is not None:
            if self._webhook_url and not any(self._deliver(event, pause) for pause in self._pauses):
                log.warning("stand_in.webhook_lost", id=event["id"], kind=event["type"])

    def _deliver(self, event: dict[str, Any], pause: float) -> bool:
        if self._stop.wait(pause):
            return True
        payload = json.dumps(event, indent=2).encode()
        signed = signature(payload, self._webhook_secret, int(self._clock.now().timestamp()))
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signed}
        request = urllib.request.Request(self._webhook_url, payload, headers)  # noqa: S310 - the address of our own inbox
        try:
            with _OPENER.open(request, timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False


# No proxy from the environment stands between us and our own inbox.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, because a client keeps it open for its next request."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening, and end every connection."""
        super().server_close()
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


def _handler(stripe: FakeStripe, before_answer: Callable[[str], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        # Head and body leave together: a client that has only the head delays its acknowledgement by 40 ms, and the body with it.
        wbufsize = -1

        def do_GET(self) -> None:
            self._answer(urlsplit(self.path).query)

        def do_DELETE(self) -> None:
            self._answer(urlsplit(self.path).query)

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > MAX_BODY:
                self.close_connection = True
                self._write(413, {"error": {"message": "Request body too large.", "type": "invalid_request_error"}})
                return
            self._answer(self.rfile.read(int(length)).decode("utf-8", "replace"))

        def _answer(self, encoded: str) -> None:
            path = urlsplit(self.path).path
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body = stripe.answer(self.command, path, encoded, headers)
            before_answer(path)
            self._write(status, body)

        def _write(self, status: int, body: dict[str, Any]) -> None:
            encoded = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        def log_message(self, format: str, *args: Any) -> None:
            """The house logs what it sends; the fake stays quiet."""

    return Handler

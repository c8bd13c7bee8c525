"""`licet login`: a partner's person signs in at the portal's own page, and this machine gets tokens for them.

The browser comes back to a port of this machine's loopback (RFC 8252 section 7.3) with a code that only this run can use: PKCE by
S256 (RFC 7636), a state that is compared, and an issuer that is the one asked (RFC 9207).
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc.jwk import ECKey

from contracts.credentials.redirects import OWN_MACHINE
from contracts.errors import Unserved
from portal.commands.signed import Signed, keep
from portal.commands.wire import Wire, hashed, told

PATH = urlsplit(OWN_MACHINE).path
# As long as the portal keeps a request that nobody answered.
PATIENCE_SECONDS = 600.0
_DONE = "Done. Go back to the terminal; you may close this window.\n"
_NOT = "This is not what licet login waits for. Go back to the terminal.\n"


class Waiting:
    """Waits on a free port of this machine for the browser to come back with the answer to one request."""

    def __init__(self, state: str) -> None:
        self._state, self._came = state, threading.Event()
        self.answer: dict[str, str] = {}
        # A thread for each connection: browsers open some ahead that say nothing.
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}{PATH}"

    def wait(self, seconds: float) -> dict[str, str]:
        """The answer's parameters. Raises `Unserved` where none came in time."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            if not self._came.wait(seconds):
                raise Unserved("Nobody answered in the browser. Run licet login again.")
        finally:
            self._server.shutdown()
            self._server.server_close()
        return self.answer

    def take(self, target: str) -> bool:
        """Take an answer, if it is to this request: another's state counts for nothing, and so does a second answer."""
        parts = urlsplit(target)
        given = dict(parse_qsl(parts.query))
        mine = parts.path == PATH and hmac.compare_digest(given.get("state", "").encode(), self._state.encode())
        if not mine or self._came.is_set():
            return False
        self.answer = given
        self._came.set()
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self.take

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                taken = take(self.path)
                body = (_DONE if taken else _NOT).encode()
                self.send_response(200 if taken else 404)
                for name, value in (("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body)))):
                    self.send_header(name, value)
                self.send_header("referrer-policy", "no-referrer")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_parts: object) -> None:
                """Nothing: the line would hold the code."""

        return Handler


def sign_in(address: str, client_id: str, home: Path, show: Callable[[str], None], patience: float = PATIENCE_SECONDS) -> Signed:
    """Sign in and keep it; `show` is given the address that the person opens. Raises `Unserved` with what went wrong."""
    key = ECKey.generate_key("P-256")
    wire = Wire(address, key)
    try:
        offered = _offered(wire)
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        waiting = Waiting(state)
        show(_request(offered, client_id, waiting.address, state, verifier))
        code = _code(waiting.wait(patience), wire.issuer)
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        answer = wire.post(offered["token_endpoint"], {**form, "redirect_uri": waiting.address, "client_id": client_id})
    finally:
        wire.close()
    if answer.status_code != 200:
        raise Unserved(f"{told(answer)} Run licet login again.")
    api = offered["protected_resources"][0]
    signed = Signed(wire.issuer, client_id, api, offered["token_endpoint"], key.as_dict(private=True), "", "").renewed(answer.json())
    keep(home, signed)
    return signed


def _offered(wire: Wire) -> dict[str, Any]:
    """The platform's metadata (RFC 8414), which must be its own (section 3.3)."""
    offered = wire.document("/.well-known/oauth-authorization-server")
    own = [offered.get(name) for name in ("authorization_endpoint", "token_endpoint")] + list(offered.get("protected_resources", []))[:1]
    if offered.get("issuer") != wire.issuer or len(own) != 3 or not all(str(each).startswith(f"{wire.issuer}/") for each in own):
        raise Unserved(f"{wire.issuer} gives itself out as another platform. Check the address.")
    return offered


def _request(offered: dict[str, Any], client_id: str, back: str, state: str, verifier: str) -> str:
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": back,
        "scope": "records:read",
        "state": state,
        "code_challenge": hashed(verifier),
        "code_challenge_method": "S256",
        "resource": offered["protected_resources"][0],
    }
    return f"{offered['authorization_endpoint']}?{urlencode(asked)}"


def _code(answer: dict[str, str], issuer: str) -> str:
    """The code of an answer. One without our issuer's name is of somebody else (RFC 9207 section 2.4)."""
    if answer.get("iss") != issuer:
        raise Unserved("The answer in the browser came from another platform and was not used. Run licet login again.")
    if answer.get("error") == "access_denied":
        raise Unserved("It was not allowed in the browser.")
    if "code" not in answer:
        raise Unserved(f"{answer.get('error_description', 'The answer in the browser holds no code')} Ask your lead.")
    return answer["code"]

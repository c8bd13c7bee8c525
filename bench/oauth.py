"""`make bench-oauth`: tokens and introspections on one core beside npm oidc-provider (JWT by ES256; store in memory).

Licet's side pays for everything: limits, a kept token, and a durable ledger entry that is in the signed log before the round's CPU is
read. One client asks each side for all of its tokens in the same words, as a program does, and that is what Licet is quick at: a request
in other words is decided by Authlib first. Each side is asked about tokens of its own making, a hundred in turn; oidc-provider answers
that for opaque tokens only.
"""

from __future__ import annotations

import base64
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from bench.harness import Peer, Requests, measure, report
from portal.demo.story import MadeClient
from tests.harness import node
from tests.harness.installation import Installation, install
from tests.harness.partner import ask
from tests.harness.server import free_port

TOKENS = 100
# A busy address: what is durable together is paid for together.
CONNECTIONS = 32
FORM = "application/x-www-form-urlencoded"
TARGETS = {"tokens_vs_oidc_provider": 1.1, "introspection_vs_oidc_provider": 1.0}
_LIMITS = ("CLIENT_TOKENS", "NETWORK_TOKENS", "CLIENT_INTROSPECTIONS", "NETWORK_INTROSPECTIONS")


@dataclass(frozen=True)
class Side:
    """One server: its client and addresses, and which resource its tokens are for."""

    port: int
    client: MadeClient
    token_path: str
    introspection_path: str
    resource: str
    introspected: str

    def token_requests(self) -> Sequence[bytes]:
        """The request for a token."""
        return [self._post(self.token_path, {"grant_type": "client_credentials", "resource": self.resource})]

    def questions(self) -> Sequence[bytes]:
        """A request about each of a hundred fresh tokens."""
        return [self._post(self.introspection_path, {"token": self._token()}) for _ in range(TOKENS)]

    def _token(self) -> str:
        form = urlencode({"grant_type": "client_credentials", "resource": self.introspected})
        headers = {"authorization": self._basic(), "content-type": FORM}
        return str(ask(f"http://127.0.0.1:{self.port}", "POST", self.token_path, form.encode(), headers).json["access_token"])

    def _basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.client.client_id}:{self.client.client_secret}".encode()).decode()

    def _post(self, path: str, form: dict[str, str]) -> bytes:
        body = urlencode(form)
        lines = [
            f"POST {path} HTTP/1.1",
            f"host: 127.0.0.1:{self.port}",
            f"authorization: {self._basic()}",
            f"content-type: {FORM}",
            f"content-length: {len(body)}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def main() -> None:
    """Prepare both servers, measure tokens, then introspections, in turns; print the result."""
    with tempfile.TemporaryDirectory() as folder:
        place = install(Path(folder), free_port(), rows=10)
        api = f"{place.settings.base_url}/v1"
        ours = Side(place.settings.port, place.client, "/oauth/token", "/oauth/introspect", api, api)
        theirs = Side(free_port(), place.client, "/token", "/token/introspection", "urn:bench:jwt", "urn:bench:opaque")
        tokens = (
            _licet(place, "licet, tokens", ours.token_requests),
            _oidc_provider(theirs, "oidc-provider, tokens", theirs.token_requests),
        )
        questions = (
            _licet(place, "licet, questions", ours.questions),
            _oidc_provider(theirs, "oidc-provider, questions", theirs.questions),
        )
        results = {**measure(tokens, connections=CONNECTIONS), **measure(questions, connections=CONNECTIONS)}
        pairs = [(mine.name, peer.name) for mine, peer in (tokens, questions)]
        report("oauth", results, dict(zip(TARGETS, pairs, strict=True)), TARGETS)


def _licet(place: Installation, name: str, requests: Requests) -> Peer:
    config, port = str(place.folder / "licet.toml"), place.settings.port
    command = [sys.executable, "-m", "portal.cli", "serve", "--config", config]
    limits = {f"LICET_LIMITS__{each}": "1000000000" for each in _LIMITS}
    settled = partial(_in_the_log, place.settings.home / "licet.db")
    return Peer(name, command, port, f"http://127.0.0.1:{port}/readyz", requests, limits, settled)


def _in_the_log(database: Path) -> bool:
    """Whether no entry waits for the tree any more."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT (SELECT written FROM ledger_counter) = (SELECT size FROM ledger_head)").fetchone() == (1,)


def _oidc_provider(side: Side, name: str, requests: Requests) -> Peer:
    environ = {
        "PACKAGES": str(node.packages()),
        "PORT": str(side.port),
        "CLIENT_ID": side.client.client_id,
        "CLIENT_SECRET": side.client.client_secret,
        "NODE_ENV": "production",
    }
    command = [str(node.binary()), str(Path(__file__).with_name("oidc_provider.mjs"))]
    return Peer(name, command, side.port, f"http://127.0.0.1:{side.port}/.well-known/openid-configuration", requests, environ)


if __name__ == "__main__":
    main()

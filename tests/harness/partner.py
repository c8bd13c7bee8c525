"""A partner's program: gets a token and asks for records, with nothing but the standard library."""

from __future__ import annotations

import base64
import http.client
import json
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from portal.demo.story import MadeClient


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def ask(base_url: str, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
    """One request on a connection of its own; a connection that breaks raises OSError or HTTPException."""
    where = urllib.parse.urlsplit(base_url)
    connection = http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})
    finally:
        connection.close()


def token(base_url: str, client: MadeClient) -> Reply:
    """POST /oauth/token with the client's credentials."""
    basic = base64.b64encode(f"{client.client_id}:{client.client_secret}".encode()).decode()
    headers = {"authorization": f"Basic {basic}", "content-type": "application/x-www-form-urlencoded"}
    return ask(base_url, "POST", "/oauth/token", b"grant_type=client_credentials", headers)


def records(base_url: str, access_token: str, dataset: str = "trees", query: str = "", key: str = "") -> Reply:
    """GET /v1/datasets/{dataset}/records, with an `Idempotency-Key` where one is given."""
    headers = {"authorization": f"Bearer {access_token}", **({"idempotency-key": key} if key else {})}
    return ask(base_url, "GET", f"/v1/datasets/{dataset}/records?{query}", headers=headers)

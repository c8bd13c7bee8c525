"""A served platform with one contract in force, the programs registered under it, and what every outcome is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlmodel import select

from contracts.clock import SystemClock
from contracts.credentials.tables import Client
from contracts.ids import new_id, new_secret, secret_hash
from contracts.people.queries import find_account
from contracts.store import epochs
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.demo.people import person
from tests.harness.installation import Installation, install
from tests.harness.server import free_port, start

RECORDS = "/v1/datasets/trees/records?limit=3"


@dataclass(frozen=True)
class Platform:
    """The running server, and its store as another process has it."""

    base_url: str
    made: Installation
    store: Store

    @property
    def resource(self) -> str:
        """The API as a resource (RFC 9728)."""
        return f"{self.base_url}/v1"

    @cached_property
    def lead(self) -> str:
        """The account of the person who allows."""
        with self.store.read() as session:
            account = find_account(session, person("lead").email)
        assert account is not None
        return account.id

    @cached_property
    def records(self) -> Any:
        """The answer that the contract's own client gets, without what differs each time."""
        form = {"grant_type": "client_credentials"}
        own = (self.made.client.client_id, self.made.client.client_secret)
        with httpx.Client(base_url=self.base_url, trust_env=False) as http:
            token = http.post("/oauth/token", data=form, auth=own).json()["access_token"]
            answer = http.get(RECORDS, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200 and len(answer.json()["data"]) == 3, answer.text
        return data_of(answer.json())

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of an access token, verified by the published keys; header as RFC 9068 section 2.1 wants it."""
        with httpx.Client(base_url=self.base_url, trust_env=False) as http:
            keys = KeySet.import_key_set(http.get("/oauth/jwks").json())
        opened = jwt.decode(token, keys, algorithms=["ES256"])
        assert opened.header["typ"] == "at+jwt"
        return dict(opened.claims)

    def register(self, method: str, *, grants: Sequence[str] = ("client_credentials",), back: str = "", **more: Any) -> dict[str, str]:
        """A program under the contract, as `{"id", "method", "secret"}`."""
        secret = new_secret("cs") if method.startswith("client_secret") else ""
        with self.store.write() as unit:
            like = unit.session.exec(select(Client).where(Client.id == self.made.client.client_id)).one()
            client = Client(
                id=new_id("cli"),
                contract_id=like.contract_id,
                organisation_id=like.organisation_id,
                name="Reader",
                audience="api",
                scopes=like.scopes,
                secret_sha256=secret_hash(secret) if secret else "",
                auth_method="client_secret" if secret else method,
                grant_types=list(grants),
                redirect_uris=[back] if back else [],
                created_by=like.created_by,
                created_at=unit.now,
                **more,
            )
            unit.session.add(client)
            unit.session.flush()
            epochs.bump(unit, "grants")
        return {"id": client.id, "method": method, **({"secret": secret} if secret else {})}


@contextmanager
def platform(folder: Path) -> Iterator[Platform]:
    """Install and serve it while the block runs."""
    port = free_port()
    made = install(folder, port, rows=60, requests_per_second=500, records_per_day=100_000)
    running = start(folder, ["serve"], {}, port)
    store = Store(open_engine(made.settings.database_url), SystemClock(), "elsewhere")
    try:
        yield Platform(running.base_url, made, store)
    finally:
        running.stop()
        store.engine.dispose()


def data_of(body: dict[str, Any]) -> Any:
    """The records of an answer of the API."""
    return body["data"]

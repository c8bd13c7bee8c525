"""A served platform with one contract in force, the programs registered under it, and what every outcome is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import text

from contracts.clock import SystemClock
from contracts.credentials.decide import ForPeople
from contracts.credentials.registration import make_registration_token
from contracts.credentials.service import create_client
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.queries import find_account
from contracts.people.roles import Role
from contracts.store import epochs
from contracts.store.engine import open_engine
from contracts.store.unit import Store, Unit
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
    _clients: dict[Any, dict[str, Any]] = field(default_factory=dict)

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
        with httpx.Client(base_url=self.base_url, timeout=60, trust_env=False) as http:
            token = http.post("/oauth/token", data=form, auth=own).json()["access_token"]
            answer = http.get(RECORDS, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200 and len(answer.json()["data"]) == 3, answer.text
        return data_of(answer.json())

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of an access token, verified by the published keys; header as RFC 9068 section 2.1 wants it."""
        with httpx.Client(base_url=self.base_url, timeout=60, trust_env=False) as http:
            keys = KeySet.import_key_set(http.get("/oauth/jwks").json())
        opened = jwt.decode(token, keys, algorithms=["ES256"])
        assert opened.header["typ"] == "at+jwt"
        return dict(opened.claims)

    def client(self, method: str, back: str = "", **more: Any) -> dict[str, Any]:
        """A program under the contract that proves itself in this way, one for each kind; `back` makes it one for people."""
        kind = (method, back, *sorted(more.items()))
        if kind not in self._clients:
            self._clients[kind] = self._made(method, back, more)
        return self._clients[kind]

    def registration_token(self, contract_id: str = "") -> str:
        """A token with which programs register themselves under the contract, or another one of the partner's."""
        with self.store.write() as unit:
            return make_registration_token(unit, self._actor(unit), contract_id or self.made.contract.id, uses=20, days=1)[1]

    def execute(self, statement: str, **values: object) -> None:
        """Change the database past every service."""
        with self.store.write() as unit:
            unit.connection.execute(text(statement), values)
            epochs.bump(unit, "grants")

    def _actor(self, unit: Unit) -> Actor:
        organisation = self.made.contract.organisation_id
        return Actor(self.lead, organisation, "Nora", person("lead").email, frozenset({Role.LEAD}), second_factor_at=unit.now)

    def _made(self, method: str, back: str, more: dict[str, Any]) -> dict[str, Any]:
        people = ForPeople((back,), secret=method != "none") if back else None
        with self.store.write() as unit:
            contract = unit.session.get_one(Contract, self.made.contract.id)
            client, secret = create_client(unit, self._actor(unit), contract, name="Reader", audience="api", people=people)
            made: dict[str, Any] = {"id": client.id, "method": method}
            if method == "private_key_jwt":
                key = ECKey.generate_key("P-256", {"kid": "own"})
                client.auth_method, client.secret_sha256 = method, ""
                client.jwks = {"keys": [key.as_dict(private=False)]}
                made["key"] = key.as_dict(private=True)
            elif secret:
                made["secret"] = secret
            for name, value in more.items():
                setattr(client, name, value)
            unit.session.flush()
        return made


@contextmanager
def platform(folder: Path) -> Iterator[Platform]:
    """Install and serve it while the block runs."""
    port = free_port()
    made = install(folder, port, rows=60, requests_per_second=500, records_per_day=100_000, others={"broken": {}})
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

"""A served installation with several contracts, on either store, with its database at hand as another process has it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from contracts.clock import FileClock, SystemClock
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.queries import find_account, platform_organisation
from contracts.people.roles import Role
from contracts.store.engine import open_engine
from contracts.store.epochs import STALE_SECONDS
from contracts.store.unit import Store
from portal.demo.people import person
from portal.demo.story import MadeClient
from tests.harness import partner, several
from tests.harness.arrived import arrived
from tests.harness.felt import within
from tests.harness.installation import Installation, Licence, install
from tests.harness.partner import Reply
from tests.harness.server import free_port, start
from tests.harness.smtp import smtp_server
from tests.harness.visitor import Visitor

RECORDS = "/v1/datasets/trees/records"
STORES = ("sqlite", "postgresql")
WHY = "Records of this contract were found on a public page."


@dataclass
class Place:
    """A served installation, with its database at hand as another process has it."""

    made: Installation
    base_url: str
    gate_url: str
    store: Store
    clock: Path
    visitors: list[Visitor] = field(default_factory=list)

    def token(self, client: MadeClient) -> str:
        """A fresh access token."""
        answer = partner.token(self.base_url, client)
        assert answer.status == 200, answer.body
        return str(answer.json["access_token"])

    def get(self, token: str, path: str = f"{RECORDS}?limit=1", **headers: str) -> Reply:
        """One request to the API."""
        return partner.ask(self.base_url, "GET", path, headers={"authorization": f"Bearer {token}", **headers})

    def fetch(self, token: str, page: str = "/trees/3") -> Reply:
        """What the gate says of one page of the site, asked as nginx asks."""
        site = self.made.settings.platform.site.removeprefix("http://")
        told = {"x-original-uri": page, "x-original-method": "GET", "x-forwarded-host": site, "x-forwarded-for": "198.51.100.9"}
        return partner.ask(self.gate_url, "GET", "/gate/nginx", headers={"authorization": f"Bearer {token}", **told})

    def soon(self, holds: Callable[[], bool]) -> bool:
        """Whether it holds: at once where one process serves everything, within two seconds where another one heard of it first."""
        return within(STALE_SECONDS, holds) if several.WORKERS > 1 else holds()

    def says(self, token: str, reason: str) -> bool:
        """Whether the gate now gives this reason for a page."""
        return self.soon(lambda: self.fetch(token).headers["x-gate-reason"] == reason)

    def entry(self, entry_id: str) -> dict[str, Any]:
        """The leaf of a ledger entry, whether or not it is in the tree yet."""
        with self.store.engine.connect() as connection:
            found = connection.execute(text("SELECT leaf FROM ledger_entry WHERE id = :id"), {"id": entry_id}).scalar_one()
        return dict(json.loads(bytes(found)))

    def refused(self, answer: Reply, status: int, code: str, licence: Licence) -> None:
        """Assert a refusal whole: status, code, and an entry that says the same of this contract and client."""
        assert (answer.status, answer.json.get("code")) == (status, code), answer.body
        leaf = self.entry(answer.json["entry"])
        told = {name: leaf.get(name) for name in ("decision", "rule", "contract", "credential")}
        client = {licence.client.client_id, licence.crawler.client_id if licence.crawler else ""}
        assert told == {"decision": "refuse", "rule": code, "contract": licence.contract.id, "credential": told["credential"]}
        assert told["credential"] in client

    def contract(self, licence: Licence) -> Contract:
        """The row as it stands."""
        with self.store.read() as session:
            return session.get_one(Contract, licence.contract.id)

    def staff(self, key: str) -> Actor:
        """A steward, as a page establishes them."""
        with self.store.read() as session:
            account, home = find_account(session, person(key).email), platform_organisation(session)
        assert account is not None and home is not None
        return Actor(account.id, home.id, account.name, account.email, frozenset({Role.STEWARD}), second_factor_at=self.store.clock.now())

    def visitor(self, key: str) -> Visitor:
        """Somebody's browser, signed in through the page."""
        made = Visitor(self.base_url)
        self.visitors.append(made)
        made.sign_in(person(key).email, person(key).password)
        return made

    def execute(self, statement: str, **values: object) -> None:
        """Change the database past every service."""
        with self.store.write() as unit:
            unit.connection.execute(text(statement), values)

    def incidents(self) -> list[tuple[str, str]]:
        """Open incidents as kind and contract; closes them, so that the next one is news."""
        with self.store.write() as unit:
            rows = unit.connection.execute(text("SELECT kind, contract_id FROM incident WHERE closed_at IS NULL")).all()
            unit.connection.execute(text("UPDATE incident SET closed_at = opened_at WHERE closed_at IS NULL"))
        return [(kind, contract) for kind, contract in rows]

    @property
    def first(self) -> Licence:
        """The contract that nothing was changed in."""
        return Licence(self.made.contract, self.made.client, self.made.crawler)


@contextmanager
def served(request: pytest.FixtureRequest, folder: Path, contracts: Mapping[str, Mapping[str, Any]]) -> Iterator[Place]:
    """`licet serve` with these contracts, on the store that the fixture's parameter names."""
    if request.param == "sqlite":
        with _served(folder, "", contracts) as place:
            yield place
        return
    from tests.harness.postgres import copied

    with copied(request.getfixturevalue("postgres_url"), "template_licet") as url, _served(folder, url, contracts) as place:
        yield place


@contextmanager
def _served(folder: Path, database: str, contracts: Mapping[str, Mapping[str, Any]]) -> Iterator[Place]:
    port, clock = free_port(), folder / "clock"
    extra = f'clock_file = "{clock}"\n[gate]\nmode = "enforce"'
    with smtp_server() as mail:
        made = install(folder, port, database=database, rows=3_000, extra=extra, mail=mail, others=contracts)
        running = start(folder, ["serve"], {}, port)
        store = Store(open_engine(made.settings.database_url), SystemClock(), "elsewhere")
        with several.gate(folder) as gate_url:
            place = Place(made, running.base_url, gate_url or running.base_url, store, clock)
            try:
                yield place
            finally:
                for each in place.visitors:
                    each.close()
                running.stop()
                store.engine.dispose()
        arrived(Store(store.engine, FileClock(clock)), made.settings, mail)
        store.engine.dispose()

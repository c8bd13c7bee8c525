"""A house with what the token address needs, its clients, and ways to ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import FastAPI
from sqlmodel import col, select
from starlette.testclient import TestClient

from api.front import Front
from api.oauth import hot_routes, router
from api.oauth.pace import PaceLimits
from api.oauth.shell import Shell
from contracts.access.writer import AccessWriter
from contracts.clock import FixedClock
from contracts.credentials import service as credentials
from contracts.credentials.client_keys import ClientKeys, use_keys
from contracts.credentials.tokens import Tokens
from contracts.house import House
from contracts.ledger.tables import LedgerEntry
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.settings import Platform, Settings
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from tests.contracts.credentials.sealed import CRAWL, RING, contract_in_force
from tests.contracts.people.people import person

ISSUER = "https://data.agora.example"
SETTINGS = Settings(profile="test", base_url=ISSUER, platform=Platform(site="https://www.agora.example", time_zone="Asia/Tokyo"))
ADDRESS = "203.0.113.9"


@dataclass
class World:
    """The house, a lead with a contract, and its two clients as (id, secret)."""

    house: House
    store: Store
    lead: Actor
    contract: Contract
    api: tuple[str, str]
    site: tuple[str, str]

    def caller(self, limits: PaceLimits | None = None, address: str = ADDRESS, keys: ClientKeys | None = None) -> TestClient:
        """A client of the served house, calling from an address. Each call makes another worker: they share the store alone."""
        app, shell = FastAPI(), Shell(self.house, keys)
        app.state.house = self.house
        app.include_router(router(self.house, shell))
        return TestClient(Front(hot_routes(self.house, limits, shell), app), base_url=ISSUER, client=(address, 1234))

    def use_keys(self, client_id: str, **keys: Any) -> None:
        """Let a client prove itself by keys from now on."""
        with self.store.write() as unit:
            use_keys(unit, self.lead, client_id, **keys)
        self.house.watch.poll()

    def entries(self, **wanted: object) -> list[dict[str, Any]]:
        """Leaves of the ledger about tokens, without what differs each time."""
        with self.store.read() as session:
            rows = session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all()
        leaves = [json.loads(row.leaf) for row in rows]
        dropped = ("v", "id", "at", "node", "n", "nonce", "commitments")
        return [
            {name: value for name, value in leaf.items() if name not in dropped} for leaf in leaves if leaf["event"].startswith("token.")
        ]


@pytest.fixture
def world(store: Store, clock: FixedClock) -> Iterator[World]:
    """The world on each store."""
    with _world(store, clock) as made:
        yield made


@pytest.fixture
def sqlite_world(sqlite_store: Store, clock: FixedClock) -> Iterator[World]:
    """The world on SQLite alone, for what the store has no part in."""
    with _world(sqlite_store, clock) as made:
        yield made


@contextmanager
def _world(store: Store, clock: FixedClock) -> Iterator[World]:
    tokens = Tokens(RING, store, clock, ISSUER, SETTINGS.platform.site)
    tokens.prepare()
    lead, steward = person(store, "ada@northfield.example", Role.LEAD), person(store, "sam@agora.example", Role.STEWARD)
    contract = contract_in_force(store, lead, steward, crawl=CRAWL)
    made = []
    with store.write() as unit:
        for audience in ("api", "site"):
            client, secret = credentials.create_client(unit, lead, contract, name="Loader", audience=audience)
            made.append((client.id, secret))
    watch = EpochWatch(store)
    tokens.follow(watch)
    watch.poll()
    access = AccessWriter(store, watch, clock)
    access.start()
    parts = SimpleNamespace(settings=SETTINGS, clock=clock, store=store, keys=RING, watch=watch, tokens=tokens, access=access)
    yield World(cast(House, parts), store, lead, contract, *made)
    access.stop()

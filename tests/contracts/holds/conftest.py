"""Two people of compliance who are independent, and a ledger with values of two persons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from contracts.holds import service
from contracts.holds.decide import Wanted
from contracts.holds.tables import Hold
from contracts.keys import KeyRing
from contracts.ledger.projection import read_leaf
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, record
from contracts.ledger.tables import LedgerEntry
from contracts.ledger.values import values_of
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.unit import Store, Unit
from tests.contracts.ledger.conftest import ORIGIN
from tests.contracts.people.people import person

MARA, TOVE, HOME, AWAY = "acc_mara@agora", "acc_tove@agora", "198.51.100.0/24", "203.0.113.0/24"
DAYS = timedelta(days=30)


def do(store: Store, act: Callable[[Unit], Any]) -> Any:
    with store.write() as unit:
        return act(unit)


def written(store: Store, organisation: str = "org_lab", **personal: str) -> str:
    with store.write() as unit:
        return record(unit, Entry(event="access.records", decision="allow", rows=1, organisation=organisation, personal=personal))


def left(store: Store, ids: list[str]) -> list[dict[str, str]]:
    with store.read() as session:
        found = values_of(session, ids)
    return [{name: kept.value for name, kept in found[each].values.items()} if each in found else {} for each in ids]


def events(store: Store) -> list[str]:
    """What happened, in order."""
    with store.read() as session:
        return [read_leaf(each)["event"] for each in session.exec(select(LedgerEntry.leaf).order_by(col(LedgerEntry.index))).all()]


def proposed(store: Store, actor: Actor, **changes: Any) -> Hold:
    last = (store.clock.now() + DAYS).date()
    usual = {"scope": "person", "person": MARA, "ground": "Case 12 of 2026", "owner": actor.account_id, "last_day": last}
    wanted = Wanted(**{**usual, **changes})
    with store.read() as session:
        handles = service.handles_of(session, wanted.person)
    made: Hold = do(store, lambda unit: service.propose(unit, actor, wanted, handles))
    return made


def placed(store: Store, cora: Actor, second: Actor, **changes: Any) -> Hold:
    """A hold in force."""
    made = proposed(store, cora, **changes)
    hold: Hold = do(store, lambda unit: service.confirm(unit, second, made.id, made.revision))
    return hold


@pytest.fixture
def cora(store: Store) -> Actor:
    return person(store, "cora@agora.example", Role.COMPLIANCE)


@pytest.fixture
def second(store: Store) -> Actor:
    return person(store, "ida@agora.example", Role.STEWARD)


@pytest.fixture
def keys() -> KeyRing:
    return KeyRing(b"m" * 32)


@pytest.fixture
def sequencer(store: Store, keys: KeyRing) -> Sequencer:
    return Sequencer(store, keys, ORIGIN)


@pytest.fixture
def history(store: Store, sequencer: Sequencer) -> list[str]:
    """Mara read for two partners; Tove from Mara's network."""
    ids = [
        written(store, account=MARA, network=HOME, query="all"),
        written(store, "org_rival", account=MARA, network=AWAY),
        written(store, "org_rival", account=TOVE, network=HOME),
    ]
    sequencer.integrate()
    return ids

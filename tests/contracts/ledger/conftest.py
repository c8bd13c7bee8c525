"""A ledger to read and to attack."""

from __future__ import annotations

import pytest

from contracts.keys import KeyRing
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, record
from contracts.store.unit import Store

ORIGIN = "agora.example/ledger"


def access(number: int, **changes: str) -> Entry:
    """One delivered page of records, numbered so that each leaf differs."""
    facts = {"organisation": "org_1", "contract": "ctr_1", "dataset": "posts", "credential": "cli_1", **changes}
    return Entry(event="access.records", decision="allow", rows=number, personal={"network": f"192.0.{number}.0/24"}, **facts)


def fill(store: Store, count: int) -> list[str]:
    """Stage entries, each in a unit of its own; returns their ids in order."""
    ids = []
    for number in range(count):
        with store.write() as unit:
            ids.append(record(unit, access(number)))
    return ids


@pytest.fixture
def keys() -> KeyRing:
    return KeyRing(b"m" * 32)


@pytest.fixture
def sequencer(store: Store, keys: KeyRing) -> Sequencer:
    """A sequencer that already has its key, whose making is entry 0."""
    made = Sequencer(store, keys, ORIGIN)
    made.ensure_key()
    made.integrate()
    return made

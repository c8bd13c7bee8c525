"""Staging on both stores, where several begin at once."""

from __future__ import annotations

import json

from sqlmodel import col, select

from contracts.ledger.stage import stage
from contracts.ledger.tables import LedgerEntry
from contracts.store.unit import Store
from tests.contracts.ledger.conftest import access
from tests.harness.held import overlapping

NODE = "begins"


def test_the_first_entries_of_a_node_may_be_written_at_once(store: Store) -> None:
    overlapping(store, lambda connection: stage(connection, NODE, store.clock.now(), [access(1)]))
    with store.read() as session:
        leaves = [json.loads(leaf) for leaf in session.exec(select(LedgerEntry.leaf).order_by(col(LedgerEntry.index))).all()]
    assert [(leaf["node"], leaf["n"]) for leaf in leaves] == [(NODE, 1), (NODE, 2)]

"""A reader killed at any moment: what left has its entry, and entries, deliveries, quota and bill agree."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import select

from contracts.billing.tables import UsageRow
from contracts.clock import FixedClock
from contracts.deliveries.ordinals import fingerprint
from contracts.deliveries.tables import Delivery
from contracts.ledger.tables import LedgerEntry
from contracts.quotas.tables import QuotaDay
from contracts.store.unit import Store
from tests.contracts.access import reading_process
from tests.harness.data import world

ROUNDS = 3


@pytest.mark.faults
def test_a_killed_reader_leaves_books_that_agree(store: Store, clock: FixedClock, tmp_path: Path) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    with world(store, clock, tmp_path, posts=60) as data:
        contract, client = data.contract(records_per_day=10_000_000, price={"per_1000": "0.40", "currency": "EUR"})
    left: list[tuple[str, int]] = []
    for round_ in range(ROUNDS):
        left += _read_and_kill([url, str(tmp_path), contract, client], after=round_ * 7 + 20)
    with store.read() as session:
        leaves = [json.loads(row.leaf) for row in session.exec(select(LedgerEntry)).all()]
        deliveries = session.exec(select(Delivery)).all()
        used = session.exec(select(QuotaDay.used)).all()
        billed = session.exec(select(UsageRow)).all()
    entries = {leaf["id"]: leaf for leaf in leaves if leaf["event"] == "access.records"}
    assert {entry: entries[entry]["rows"] for entry, _ in left} == dict(left)
    assert {row.entry_id: (row.count, fingerprint(row.ordinals)) for row in deliveries} == {
        entry: (leaf["rows"], leaf["records_hash"]) for entry, leaf in entries.items()
    }
    charged = [row for row in deliveries if not row.free]
    assert {row.entry_id for row in deliveries if row.free} == {entry for entry, leaf in entries.items() if leaf.get("facts")}
    assert 0 < len(charged) < len(deliveries)
    assert {row.entry_id: row.rows for row in billed} == {row.entry_id: row.count for row in charged}
    assert used == [sum(row.count for row in charged)]
    numbers = sorted(leaf["n"] for leaf in leaves if leaf["node"] == "crashing")
    assert numbers == list(range(1, len(numbers) + 1))


def _read_and_kill(arguments: list[str], after: int) -> list[tuple[str, int]]:
    """What had left when the process was killed in the middle of its work."""
    with subprocess.Popen(
        [sys.executable, "-m", reading_process.__name__, *arguments], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(after)]
        process.kill()
        lines += process.stdout.readlines()
    whole = [line.split() for line in lines if line.endswith("\n")]
    return [(entry, int(count)) for entry, count in whole]

"""The one writer: batches, their isolation, and what happens without a store."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from contracts.access import batch
from contracts.access.answers import Committed, Item, Recorded
from contracts.access.writer import FEW, MOST_WEIGHT, PACE, RECORDS_WEIGHT, AccessWriter
from contracts.clock import FixedClock
from contracts.errors import StoreUnavailable
from contracts.ledger.stage import Entry
from contracts.ledger.tables import LedgerEntry
from contracts.store import epochs
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from tests.harness.data import World, run, world
from tests.harness.speed import slowness

GOOD = Entry(event="access.catalogue", facts={"asked": "contract"})
TOO_LARGE = Entry(event="access.catalogue", facts={"asked": "x" * 70_000})


@pytest.fixture
def writer(store: Store, clock: FixedClock) -> Iterator[AccessWriter]:
    made = AccessWriter(store, EpochWatch(store), clock)
    made.start()
    yield made
    made.stop()


def staged(store: Store) -> list[str]:
    with store.read() as session:
        return [row.id for row in session.exec(select(LedgerEntry).order_by(LedgerEntry.index)).all()]  # type: ignore[arg-type]  # a column


def test_entries_are_durable_when_their_ids_come_back(writer: AccessWriter, store: Store) -> None:
    async def both() -> list[str]:
        first, second = await asyncio.gather(writer.record_entries([GOOD, GOOD]), writer.record_entries([GOOD]))
        return [*first, *second]

    assert sorted(run(both())) == sorted(staged(store))
    assert run(writer.record_entries([])) == []


def test_an_item_at_fault_hurts_no_other_of_its_batch(store: Store, clock: FixedClock) -> None:
    items = [Recorded([GOOD]), Recorded([TOO_LARGE]), Recorded([GOOD])]
    with store.write() as unit:
        batch.ensure_epochs(unit)
    with pytest.raises(batch.OWN_FAULTS), store.write() as unit:
        batch.write(unit, items)
    assert staged(store) == []
    with store.write() as unit:
        first, faulty, last = batch.write(unit, items, singly=True)
    assert isinstance(faulty, StoreUnavailable)
    assert not isinstance(first, Exception) and not isinstance(last, Exception)
    assert [first.entry_id, last.entry_id] == staged(store)
    with store.read() as session:
        numbers = [json.loads(row.leaf)["n"] for row in session.exec(select(LedgerEntry)).all()]
    assert numbers == [1, 2]


def test_who_was_written_together_with_an_item_at_fault_is_answered(writer: AccessWriter, store: Store) -> None:
    async def together() -> list[list[str] | BaseException]:
        entries = (GOOD, TOO_LARGE, GOOD)
        return await asyncio.gather(*(writer.record_entries([each]) for each in entries), return_exceptions=True)

    first, faulty, last = run(together())
    assert isinstance(faulty, StoreUnavailable)
    assert [first, last] == [[each] for each in staged(store)]


def test_the_key_of_someone_new_is_kept_before_the_write_lock_is_taken(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.write_text("a file in the place of the folder: no key can be kept in it")
    store = Store(sqlite_store.engine.execution_options(licet_subjects=folder), clock)
    writer = AccessWriter(store, EpochWatch(store), clock)
    writer.start()
    with pytest.raises(StoreUnavailable):
        run(writer.record_entries([GOOD._replace(personal={"network": "192.0.2.0/24"})]))
    writer.stop()
    assert ([each.label for each in store.holds], staged(store)) == (["epochs"], [])


def test_requests_of_several_loops_are_written_by_one_thread(writer: AccessWriter, store: Store) -> None:
    async def many() -> None:
        await asyncio.gather(*(writer.record_entries([GOOD]) for _ in range(40)))

    threads = [threading.Thread(target=lambda: asyncio.run(many())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(staged(store))) == 160


def test_a_batch_of_few_begins_a_moment_after_the_one_before_and_a_crowd_at_once(sqlite_store: Store, clock: FixedClock) -> None:
    paused = list[float]()
    writer = AccessWriter(sqlite_store, EpochWatch(sqlite_store), clock, paused.append)
    writer.start()

    async def one_by_one(crowd: int) -> None:
        for _ in range(3):
            await asyncio.gather(*(writer.record_entries([GOOD]) for _ in range(crowd)))

    run(one_by_one(FEW - 1))
    few = len(paused)
    run(one_by_one(FEW))
    writer.stop()
    assert (few, len(paused) - few) == (3, 0)
    assert (paused[0], all(0 <= each <= PACE for each in paused)) == (0.0, True)
    assert len(staged(sqlite_store)) == 3 * (2 * FEW - 1)


def test_a_stopped_writer_takes_nothing(writer: AccessWriter, store: Store) -> None:
    writer.stop()
    with pytest.raises(StoreUnavailable):
        run(writer.record_entries([GOOD]))
    assert staged(store) == []


def test_a_suspension_waits_for_a_batch_that_has_read_the_epochs(store: Store) -> None:
    with store.write() as unit:
        batch.ensure_epochs(unit)
    order, reading = [], threading.Event()

    def suspend() -> None:
        reading.wait(5)
        with store.write() as unit:
            epochs.bump(unit, "grants")
        order.append("suspended")

    thread = threading.Thread(target=suspend)
    thread.start()
    with store.write() as unit:
        batch.write(unit, [Recorded([GOOD])])
        reading.set()
        thread.join(0.3)
        order.append("answered")
    thread.join()
    assert order == ["answered", "suspended"]


def test_a_full_batch_holds_the_write_lock_briefly(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> None:
    with world(sqlite_store, clock, tmp_path, posts=2_000) as data:
        contract, client = data.contract(records_per_day=1_000_000)
        item = _caught(data, contract, client)
        for _ in range(12):
            with sqlite_store.write("full batch") as unit:
                outcomes = batch.write(unit, [item] * (MOST_WEIGHT // RECORDS_WEIGHT))
            assert not any(isinstance(outcome, Exception) for outcome in outcomes)
    # The least of several: what it costs, not what neighbours on the machine add.
    assert min(hold.busy for hold in sqlite_store.holds if hold.label == "full batch") / slowness() < 0.020


def _caught(data: World, contract: str, client: str) -> Item:
    """An answer of 500 records as it waits to be let out."""
    caught: list[Item] = []
    commit = data.writer.commit

    async def watched(item: Item) -> Committed:
        caught.append(item)
        return await commit(item)

    data.writer.commit = watched  # type: ignore[method-assign]  # stands where the item passes
    data.get(data.caller(contract, client), limit="500")
    return caught[0]

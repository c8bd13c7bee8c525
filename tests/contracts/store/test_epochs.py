"""Epochs: news of a commit is at once in the process that made it, within half a second in others, and never goes back."""

from __future__ import annotations

import threading

from contracts.clock import FixedClock
from contracts.store import epochs
from contracts.store.engine import open_engine
from contracts.store.epochs import Epochs, EpochWatch
from contracts.store.unit import Store, Unit
from tests.harness.felt import within
from tests.harness.held import overlapping


def bump(store: Store, name: str = "grants") -> None:
    with store.write() as unit:
        epochs.bump(unit, name)


def test_a_commit_is_known_at_once_in_its_own_process(store: Store) -> None:
    watch, heard = EpochWatch(store), []
    watch.on_change(lambda before, after: heard.append((before, after)))
    bump(store)
    assert (watch.epochs, watch.fresh(), heard) == (Epochs(grants=1), True, [(Epochs(), Epochs(grants=1))])


def test_the_first_moves_of_a_counter_may_be_made_at_once(store: Store) -> None:
    overlapping(store, lambda connection: epochs.bump(Unit(connection, store.clock.now(), "main"), "grants"))
    with store.engine.connect() as connection:
        assert epochs.current(connection) == Epochs(grants=2)


def test_processes_that_start_at_once_make_the_counters_once(store: Store) -> None:
    overlapping(store, epochs.ensure)
    with store.engine.connect() as connection:
        assert epochs.current(connection) == Epochs()


def test_a_unit_that_fails_is_no_news(store: Store) -> None:
    watch = EpochWatch(store)
    bump(store)
    try:
        with store.write() as unit:
            epochs.bump(unit, "grants")
            raise KeyError
    except KeyError:
        pass
    assert watch.epochs == Epochs(grants=1)


def test_a_commit_is_known_in_other_processes_with_their_next_look(store: Store, database_url: str, clock: FixedClock) -> None:
    other = Store(open_engine(database_url), clock, "other")
    watch = EpochWatch(other)
    watch.start()
    bump(store)
    assert within(2, lambda: watch.epochs.grants == 1), "within two seconds everywhere"
    watch.stop()
    other.engine.dispose()


def test_looks_at_once_never_turn_a_counter_back(store: Store) -> None:
    watch, heard = EpochWatch(store), []
    watch.on_change(lambda before, after: heard.append((before.grants, after.grants)))
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            watch.poll()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for each in threads:
        each.start()
    for _ in range(40):
        bump(store)
    done.set()
    for each in threads:
        each.join()
    assert [after for before, after in heard if after <= before] == []
    assert watch.epochs == Epochs(grants=40)


def test_a_store_that_cannot_be_read_hurts_no_commit(store: Store) -> None:
    broken = Store(open_engine("sqlite:////nowhere/at/all.db"), store.clock)
    watch = EpochWatch(broken)
    store.news.append(watch.look)
    bump(store)
    assert (watch.fresh(), EpochWatch(store).poll()) == (False, Epochs(grants=1))
    broken.engine.dispose()

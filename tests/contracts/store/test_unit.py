"""The unit of work, on both stores."""

from __future__ import annotations

import threading

import psutil
import pytest

from contracts.errors import Refused
from contracts.store import epochs
from contracts.store.epochs import Epochs, EpochWatch
from contracts.store.unit import Store


def _epochs(store: Store) -> Epochs:
    with store.engine.connect() as connection:
        return epochs.current(connection)


def test_a_unit_commits_when_its_block_ends(store: Store) -> None:
    with store.write() as unit:
        epochs.bump(unit, "grants")
    assert _epochs(store) == Epochs(grants=1)


def test_a_unit_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write() as unit:
        epochs.bump(unit, "grants")
        raise ZeroDivisionError
    assert _epochs(store) == Epochs()


def test_a_read_session_changes_nothing(store: Store) -> None:
    with store.read() as session:
        session.add(epochs.Epoch(name="gate", value=9))
        session.flush()
    assert _epochs(store) == Epochs()


def test_locking_what_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(Refused) as refused, store.write() as unit:
        unit.lock(epochs.Epoch, "nothing")
    assert refused.value.refusal.code == "not_found"


def test_racing_units_lose_no_update(store: Store) -> None:
    with store.write() as unit:
        epochs.bump(unit, "erasures")

    def bump_many() -> None:
        for _ in range(25):
            with store.write() as unit:
                epochs.bump(unit, "erasures")

    threads = [threading.Thread(target=bump_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _epochs(store) == Epochs(erasures=201)


def test_the_watch_tells_of_a_change_and_is_fresh_only_after_reading(store: Store) -> None:
    watch, heard = EpochWatch(store), []
    assert not watch.fresh()
    watch.on_change(lambda before, after: heard.append((before, after)))
    watch.poll()
    assert watch.fresh()
    with store.write() as unit:
        epochs.bump(unit, "gate")
    watch.poll()
    assert heard == [(Epochs(), Epochs(gate=1))]


def test_a_unit_inside_another_is_a_fault_and_not_a_wait_for_ever(store: Store) -> None:
    with store.write("outer"):
        assert store.writing
        with pytest.raises(RuntimeError, match="'inner' begins inside another"), store.write("inner"):
            pass
        assert store.writing
    assert not store.writing
    with store.write("next"):
        pass


def test_units_on_sqlite_share_a_connection_until_one_fails_or_the_engine_lets_go(sqlite_store: Store) -> None:
    def written(*, fails: bool = False) -> object:
        with sqlite_store.write() as unit:
            epochs.bump(unit, "grants")
            used = unit.connection.connection.dbapi_connection
            if fails:
                raise ZeroDivisionError
        return used

    first = written()
    assert written() is first
    with pytest.raises(ZeroDivisionError):
        written(fails=True)
    second = written()
    assert second is not first
    file = str(sqlite_store.engine.url.database)
    sqlite_store.engine.dispose()
    assert [each.path for each in psutil.Process().open_files() if each.path.startswith(file)] == []
    assert written() is not second
    assert _epochs(sqlite_store) == Epochs(grants=4)

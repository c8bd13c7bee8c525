"""One leads at a time; another takes over when its session ends, in order or not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from contracts.clock import FixedClock
from contracts.store.engine import open_engine
from contracts.store.leader import SEQUENCER, Leader
from contracts.store.unit import Store


@pytest.fixture
def stores(new_postgres: str, clock: FixedClock) -> Iterator[tuple[Store, Store]]:
    """Two processes' stores over one PostgreSQL database."""
    engines = open_engine(new_postgres), open_engine(new_postgres)
    yield Store(engines[0], clock), Store(engines[1], clock)
    for engine in engines:
        engine.dispose()


def test_one_of_two_leads_until_it_resigns(stores: tuple[Store, Store]) -> None:
    first, second = (Leader(store, SEQUENCER) for store in stores)
    assert [first.leads(), second.leads(), first.leads(), second.leads()] == [True, False, True, False]
    first.resign()
    assert [second.leads(), first.leads()] == [True, False]
    second.resign()


def test_a_leader_whose_session_ended_leads_no_more(stores: tuple[Store, Store]) -> None:
    first, second = (Leader(store, SEQUENCER) for store in stores)
    assert first.leads()
    ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    with stores[1].engine.connect() as connection:
        assert connection.execute(text(ended)).scalar_one() == 1
    while not second.leads():
        pass
    with pytest.raises(DBAPIError):
        first.leads()
    assert not first.leads()
    second.resign()


def test_locks_of_other_things_are_apart_and_sqlite_has_one_process(stores: tuple[Store, Store], sqlite_store: Store) -> None:
    first, other = Leader(stores[0], SEQUENCER), Leader(stores[1], SEQUENCER + 1)
    assert (first.leads(), other.leads()) == (True, True)
    first.resign()
    other.resign()
    assert [Leader(sqlite_store, SEQUENCER).leads() for _ in range(2)] == [True, True]

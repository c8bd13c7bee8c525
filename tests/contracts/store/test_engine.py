"""Stores that would confirm a write before it is safe are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import event, text

from contracts.clock import FixedClock
from contracts.errors import Misconfigured
from contracts.store.engine import check_durable, open_engine
from contracts.store.unit import Store


def test_the_stores_of_the_house_are_durable(store: Store) -> None:
    check_durable(store.engine)


def test_sqlite_without_full_synchronisation_is_refused(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'licet.db'}")
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=NORMAL"))
    with pytest.raises(Misconfigured, match="before they are durable"):
        check_durable(engine)
    engine.dispose()


def test_postgresql_without_synchronous_commit_is_refused(postgres_url: str) -> None:
    engine = open_engine(postgres_url)

    @event.listens_for(engine, "begin")
    def loosen(connection: object) -> None:
        connection.execute(text("SET LOCAL synchronous_commit = off"))  # type: ignore[attr-defined]  # the event's argument is untyped

    with pytest.raises(Misconfigured, match="before they are durable"):
        check_durable(engine)
    engine.dispose()


def test_other_databases_are_refused() -> None:
    with pytest.raises(Misconfigured, match="not supported"):
        open_engine("mysql://localhost/licet")


def test_a_hold_of_the_write_lock_is_measured(sqlite_store: Store, clock: FixedClock) -> None:
    with sqlite_store.write("example"):
        pass
    assert [hold.label for hold in sqlite_store.holds] == ["example"]

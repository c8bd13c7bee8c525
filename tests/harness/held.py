"""The store held still by a test, as seen by another process: in the middle of a transaction, or before it writes at all."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

from sqlalchemy import Connection, make_url, text

from contracts.store.unit import Store
from tests.harness.felt import within

PATIENCE = 60.0
# A trigger takes no endless query, but a view of one.
_FOREVER = "CREATE VIEW forever AS WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"


class Stop:
    """Transactions that add a row to a table do not get past that, and never to their commit."""

    def __init__(self, store: Store, table: str) -> None:
        self._store, self._table = store, table

    def wait_for_one(self) -> None:
        """Return once a transaction has come to it."""
        deadline, is_there = time.monotonic() + PATIENCE, self._is_written if self._store.is_sqlite else self._is_awaited
        while not is_there():
            assert time.monotonic() < deadline, f"nothing was added to {self._table}"
            time.sleep(0.05)

    def _is_written(self) -> bool:
        """Whether SQLite's one write lock stays taken for a second: every other transaction lets go of it within milliseconds."""
        with closing(_file(self._store, seconds=1)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            other.execute("ROLLBACK")
        return False

    def _is_awaited(self) -> bool:
        query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = to_regclass(:name)"
        with self._store.engine.connect() as connection:
            return bool(connection.execute(text(query), {"name": self._table}).scalar_one())


@contextmanager
def stopped(store: Store, table: str) -> Iterator[Stop]:
    """While the block runs, whoever adds a row to the table stands still in the middle of its transaction."""
    if store.is_sqlite:
        _change(store, _FOREVER, f"CREATE TRIGGER stop BEFORE INSERT ON {table} BEGIN SELECT count(*) FROM forever; END")
        yield Stop(store, table)
        _change(store, "DROP TRIGGER stop", "DROP VIEW forever")
        return
    with store.engine.begin() as connection:
        connection.execute(text(f"LOCK TABLE {table} IN SHARE MODE"))
        yield Stop(store, table)


def overlapping(store: Store, act: Callable[[Connection], object]) -> None:
    """Run an act in two transactions, of which the second begins before the first has ended; raises what either raises.

    On PostgreSQL the second gets as far as the first lets it, on SQLite it waits to begin.
    """
    done, going_on = threading.Event(), threading.Event()

    def once() -> None:
        with store.engine.execution_options(licet_begin="IMMEDIATE").begin() as connection:
            act(connection)
            done.set()
            going_on.wait()

    with ThreadPoolExecutor(2) as both:
        try:
            acts = [both.submit(once)]
            assert done.wait(PATIENCE)
            acts.append(both.submit(once))
            assert store.is_sqlite or within(PATIENCE, lambda: _somebody_waits(store))
        finally:
            going_on.set()
    for each in acts:
        each.result()


def _somebody_waits(store: Store) -> bool:
    with store.engine.connect() as connection:
        return bool(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


@contextmanager
def unwritable(store: Store, *tables: str) -> Iterator[None]:
    """While the block runs, nobody else locks or changes a row of the tables."""
    if store.is_sqlite:
        with closing(_file(store, seconds=PATIENCE)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        return
    with store.engine.begin() as connection:
        connection.execute(text(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE"))
        yield


def _change(store: Store, *statements: str) -> None:
    with closing(_file(store, seconds=PATIENCE)) as connection:
        for each in statements:
            connection.execute(each)


def _file(store: Store, seconds: float) -> sqlite3.Connection:
    name = make_url(str(store.engine.url)).database
    assert name is not None
    return sqlite3.connect(name, timeout=seconds, isolation_level=None)

"""The write-ahead log of SQLite: folded into the file beside the commits, and by them where nothing else does it."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from contracts.clock import FixedClock
from contracts.store import write_ahead
from contracts.store.engine import BUSY, MOST_PAGES, open_engine
from contracts.store.unit import Store

PAGE = 4096


@pytest.fixture
def store(tmp_path: Path, clock: FixedClock) -> Iterator[Store]:
    made = Store(open_engine(f"sqlite:///{tmp_path / 'a.db'}"), clock)
    with made.write() as unit:
        unit.connection.execute(text("CREATE TABLE told (what TEXT)"))
    yield made
    made.engine.dispose()


def tell(store: Store, what: str) -> None:
    with store.write() as unit:
        unit.connection.execute(text("INSERT INTO told VALUES (:what)"), {"what": what})


def in_the_file(folder: Path) -> list[str]:
    """What the file alone holds, without the log beside it."""
    alone = folder / "alone" / "a.db"
    alone.parent.mkdir(exist_ok=True)
    shutil.copyfile(folder / "a.db", alone)
    connection = sqlite3.connect(alone)
    try:
        return [what for (what,) in connection.execute("SELECT what FROM told")]
    except sqlite3.OperationalError:
        return []
    finally:
        connection.close()


def test_the_job_brings_what_was_written_into_the_file(store: Store, tmp_path: Path) -> None:
    tell(store, "first")
    assert in_the_file(tmp_path) == []
    write_ahead.tick(store)
    assert in_the_file(tmp_path) == ["first"]
    tell(store, "second")
    assert in_the_file(tmp_path) == ["first"]
    write_ahead.tick(store)
    assert in_the_file(tmp_path) == ["first", "second"]


def test_the_job_waits_for_nobody_who_writes(store: Store, tmp_path: Path) -> None:
    tell(store, "first")
    with store.write() as unit:
        unit.connection.execute(text("INSERT INTO told VALUES ('unfinished')"))
        write_ahead.tick(store)
        assert in_the_file(tmp_path) == ["first"]
    write_ahead.tick(store)
    assert in_the_file(tmp_path) == ["first", "unfinished"]


def test_the_log_is_emptied_unless_somebody_reads_for_whom_writers_wait_a_moment_only(store: Store, tmp_path: Path) -> None:
    tell(store, "first")
    with store.read() as session:
        session.execute(text("SELECT what FROM told")).all()
        tell(store, "second")
        begun = time.monotonic()
        assert not write_ahead.fold(store, "TRUNCATE")
        assert time.monotonic() - begun < BUSY / 2_000
    assert write_ahead.fold(store, "TRUNCATE")
    assert ((tmp_path / "a.db-wal").stat().st_size, in_the_file(tmp_path)) == (0, ["first", "second"])


def test_a_commit_folds_where_the_job_does_not_run(store: Store, tmp_path: Path) -> None:
    large = "x" * PAGE
    for _ in range(3):
        for _ in range(4):
            with store.write() as unit:
                unit.connection.execute(text("INSERT INTO told VALUES (:what)"), [{"what": large}] * (MOST_PAGES // 4))
        assert (tmp_path / "a.db-wal").stat().st_size < 3 * MOST_PAGES * PAGE
    assert len(in_the_file(tmp_path)) >= 2 * MOST_PAGES


def test_postgresql_has_no_such_log(empty_postgres: str, clock: FixedClock) -> None:
    store = Store(open_engine(empty_postgres), clock)
    assert write_ahead.tick(store) == 0
    store.engine.dispose()

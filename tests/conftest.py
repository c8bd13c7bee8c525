"""The harness: hostile by default (empty environment, warnings are errors), real stores, time injected."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

import contracts.tables  # noqa: F401 - knows every table
from contracts.clock import FixedClock
from contracts.store.engine import open_engine
from contracts.store.unit import Store

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting leaks in from the machine."""
    for name in [name for name in os.environ if name.startswith("LICET_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def clock() -> FixedClock:
    """A Monday morning that stands still."""
    return FixedClock(START)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL server of this test process."""
    from tests.harness.postgres import running

    with running(tmp_path_factory.mktemp("pg")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind, with every table."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'licet.db'}"
        _make_tables(url)
        yield url
        return
    server: str = request.getfixturevalue("postgres_url")
    name = f"t_{uuid.uuid4().hex[:12]}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = server.replace("/postgres?", f"/{name}?")
    _make_tables(url)
    yield url
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def store(database_url: str, clock: FixedClock) -> Iterator[Store]:
    """The store on each database; a test that uses it runs once on SQLite and once on PostgreSQL."""
    engine = open_engine(database_url)
    yield Store(engine, clock)
    engine.dispose()


@pytest.fixture
def sqlite_store(tmp_path: Path, clock: FixedClock) -> Iterator[Store]:
    """The store on SQLite alone, for what does not touch the database's own behaviour."""
    url = f"sqlite:///{tmp_path / 'licet.db'}"
    _make_tables(url)
    engine = open_engine(url)
    yield Store(engine, clock)
    engine.dispose()


def _make_tables(url: str) -> None:
    engine = open_engine(url)
    SQLModel.metadata.create_all(engine)
    engine.dispose()

"""The harness: hostile by default (empty environment, warnings are errors), real stores, time injected."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi.dependencies import models
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from contracts.clock import FixedClock
from contracts.ledger.values import keep_keys_in
from contracts.people.passwords import QUICK, hash_with
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.memory import look_seldom
from tests.harness import migrated

if TYPE_CHECKING:
    from tests.harness.postgres import Lent

# SQLite and PostgreSQL wait for the disk at each commit. Where there is memory to spare, everything that tests write lies there instead.
MEMORY, ROOM = Path("/dev/shm"), 4 << 30
if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# Whole journeys take longest, so they begin first: two workers then end at about the same time (`make test` keeps this order).
LONGEST = ("journeys", "faults", "processes", "clients")
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def pytest_configure() -> None:
    """Nothing that is imported and collected goes away again: looking for cycles in it would take a third of the time that it takes."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first."""
    items.sort(key=lambda item: item.path.relative_to(Path(__file__).parent).parts[0] not in LONGEST)


def pytest_collection_finish() -> None:
    """Leave what was imported and collected to itself: looking for cycles in it would take a fifth of all the time of the tests."""
    gc.collect()
    gc.freeze()
    look_seldom()
    gc.enable()


def pytest_sessionfinish() -> None:
    """Give it back, so that the interpreter ends as it always does."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting leaks in from the machine."""
    for name in [name for name in os.environ if name.startswith("LICET_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def apps_let_go() -> Iterator[None]:
    """FastAPI remembers the functions of the last apps, and they keep all that they reach: engines of DuckDB with eight threads each."""
    yield
    for each in vars(models).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> None:
    """People of tests are invented, and sign in thousands of times."""
    hash_with(QUICK)


@pytest.fixture(autouse=True, scope="session")
def keys_of_subjects(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Stores on PostgreSQL that a test opens by their address alone have no folder of their own."""
    keep_keys_in(tmp_path_factory.mktemp("subjects"))


@pytest.fixture
def clock() -> FixedClock:
    """A Monday morning that stands still."""
    return FixedClock(START)


@pytest.fixture(scope="session")
def sqlite_template() -> Path:
    """An SQLite file that was migrated once; tests copy it."""
    return migrated.template()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL server of this test process, with a migrated database `template_licet` to copy."""
    from tests.harness.postgres import execute, running

    with running() as url:
        execute(url, "CREATE DATABASE template_licet")
        migrated.migrate(url.replace("/postgres?", "/template_licet?"))
        yield url


@pytest.fixture
def new_postgres(postgres_url: str) -> Iterator[str]:
    """A migrated PostgreSQL database of this test's own."""
    from tests.harness.postgres import copied

    with copied(postgres_url, "template_licet") as url:
        yield url


@pytest.fixture(scope="session")
def lent_postgres(postgres_url: str) -> Iterator[Lent]:
    """A migrated PostgreSQL database that goes from test to test, empty each time."""
    from tests.harness.postgres import Lent

    lent = Lent(postgres_url, "template_licet")
    yield lent
    lent.close()


@pytest.fixture
def empty_postgres(lent_postgres: Lent) -> Iterator[str]:
    """It, for this test."""
    with lent_postgres.out() as url:
        yield url


@pytest.fixture
def new_sqlite(tmp_path: Path) -> str:
    """A migrated SQLite database of this test's own."""
    return f"sqlite:///{migrated.copy_to(tmp_path / 'licet.db')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of each kind."""
    found: str = request.getfixturevalue("new_sqlite" if request.param == "sqlite" else "empty_postgres")
    return found


@pytest.fixture
def store(database_url: str, clock: FixedClock) -> Iterator[Store]:
    """The store on each database; a test that uses it runs once on SQLite and once on PostgreSQL."""
    engine = quick_engine(database_url)
    yield Store(engine, clock)
    engine.dispose()


@pytest.fixture
def sqlite_store(new_sqlite: str, clock: FixedClock) -> Iterator[Store]:
    """The store on SQLite alone, for what does not touch the database's own behaviour."""
    engine = quick_engine(new_sqlite)
    yield Store(engine, clock)
    engine.dispose()


_FIRST: dict[str, Engine] = {}


def quick_engine(url: str) -> Engine:
    """An engine of this test's own that compiles no statement again which an engine of an earlier test compiled."""
    engine = open_engine(url)
    first = _FIRST.setdefault(engine.name, engine)
    engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
    return engine

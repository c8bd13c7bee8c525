"""The migrations make exactly the schema that the tables describe."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

import contracts.tables
from contracts.errors import Misconfigured
from contracts.store.engine import open_engine
from contracts.store.schema import check_current, upgrade
from contracts.store.unit import Store


def test_the_migrated_schema_is_the_described_one(store: Store) -> None:
    with store.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
    assert differences == []


def test_a_migrated_database_is_current(store: Store) -> None:
    check_current(store.engine)


def test_an_empty_database_is_refused_until_it_is_migrated(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(Misconfigured, match="licet migrate"):
        check_current(engine)
    upgrade(engine)
    upgrade(engine)
    check_current(engine)
    engine.dispose()


def test_every_table_is_known(store: Store) -> None:
    described = {path.parent.name for path in Path(contracts.__file__).parent.rglob("tables.py")} if contracts.__file__ else set()
    known = {
        line.split(".")[1]
        for line in Path(contracts.tables.__file__).read_text().splitlines()
        if line.startswith("import contracts.") and ".tables" in line
    }
    assert described - {"contracts"} == known

"""Rows that add up: what several processes counted in memory, added to the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, case
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from contracts.store.unit import Unit


def add(
    unit: Unit,
    table: type[SQLModel],
    rows: Sequence[Mapping[str, Any]],
    *,
    sums: Sequence[str],
    latest: Sequence[str] = (),
    most: Sequence[str] = (),
) -> None:
    """Insert rows, or add each to the one that has its key, in one statement that cannot lose to another process."""
    if not rows:
        return
    into: Table = table.__table__  # type: ignore[attr-defined]  # SQLModel sets it on every table class
    dialect = sqlite if unit.connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(into)
    new = statement.excluded
    changes: dict[str, Any] = {name: into.c[name] + new[name] for name in sums} | {name: new[name] for name in latest}
    changes |= {name: case((new[name] > into.c[name], new[name]), else_=into.c[name]) for name in most}
    key = [column.name for column in into.primary_key]
    unit.connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changes), rows)

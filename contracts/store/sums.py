"""Rows that add up: what several processes counted in memory, added to the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Insert, Table, case
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
    if rows:
        unit.connection.execute(_adding(table, unit.connection.dialect.name, tuple(sums), tuple(latest), tuple(most)), rows)


@cache
def _adding(table: type[SQLModel], dialect: str, sums: Sequence[str], latest: Sequence[str], most: Sequence[str]) -> Insert:
    """Built once for each table: building it costs more than running it."""
    into: Table = table.__table__  # type: ignore[attr-defined]  # SQLModel sets it on every table class
    statement = (sqlite if dialect == "sqlite" else postgresql).insert(into)
    new = statement.excluded
    changes: dict[str, Any] = {name: into.c[name] + new[name] for name in sums} | {name: new[name] for name in latest}
    changes |= {name: case((new[name] > into.c[name], new[name]), else_=into.c[name]) for name in most}
    key = [column.name for column in into.primary_key]
    built: Insert = statement.on_conflict_do_update(index_elements=key, set_=changes)
    return built

"""Reads a table of PostgreSQL where it lies. PostgreSQL writes the JSON; Python passes text on.

Every session plans each statement for its values (`plan_cache_mode=force_custom_plan`): a generic plan of a page reads the whole table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from sqlalchemy import ColumnElement, Connection, Select, Text, case, cast, func, literal_column, select, true
from sqlalchemy.exc import SQLAlchemyError

from contracts.datasets.engines.inplace import InPlaceEngine
from contracts.datasets.engines.inplace_coarse import began_of, place_of
from contracts.datasets.engines.inplace_where import Dictionaries
from contracts.datasets.engines.sought import Sought
from contracts.datasets.place import Place
from contracts.datasets.plan import Column, Plan

_LARGEST = 1.7976931348623157e308


class PostgresEngine(InPlaceEngine):
    """The engine of one dataset in PostgreSQL."""

    def statement(self, place: Place, plan: Plan, inner: Select[Any]) -> Select[Any]:
        """The rows that `inner` finds, each written by the database."""
        found = inner.subquery("q")
        fields = select(*[found.c[column.name] for column in plan.columns]).correlate(found).lateral("f")
        written = cast(func.row_to_json(literal_column("f")), Text)
        time, ordinal = found.c["_t"], found.c["_ord"]
        order = [time, ordinal] if plan.shuffle is None else [began_of(plan.shuffle, time), place_of(plan.shuffle, ordinal), ordinal]
        return select(time, ordinal, written).select_from(found.join(fields, true())).order_by(*order)

    def rows(self, connection: Connection, sought: Sought, given: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """The rows as psycopg makes them: a thousand rows cost SQLAlchemy more than the statement costs Python."""
        cursor: Any = connection.exec_driver_sql(sought.text, sought.values(given)).cursor
        try:
            found: list[tuple[Any, ...]] = cursor.fetchall()
        except psycopg.Error as error:
            raise SQLAlchemyError(type(error).__name__) from error
        return found

    def written(self, rows: Sequence[Sequence[Any]], columns: Sequence[Column]) -> list[str]:
        """Rows as JSON: the text that the database wrote."""
        return [row[2] for row in rows]

    def shown(self, place: Place, column: Column, dictionaries: Dictionaries) -> ColumnElement[Any]:
        """A field in the form in which JSON holds it."""
        value = super().shown(place, column, dictionaries)
        if column.pseudonym or column.type not in ("timestamp", "number"):
            return value
        if column.type == "timestamp":
            # The session is in UTC, so this holds for times with and without a zone.
            return func.to_char(value, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        # JSON has no infinities, and NaN is larger than every number here.
        return case((func.abs(value) <= _LARGEST, value))

"""Reads a table of PostgreSQL where it lies. PostgreSQL writes the JSON; Python passes text on.

Every session plans each statement for its values (`plan_cache_mode=force_custom_plan`): a generic plan of a page reads the whole table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, Text, case, cast, func, literal_column, select, true

from contracts.datasets.engines.inplace import Dictionaries, InPlaceEngine
from contracts.datasets.engines.inplace_coarse import began_of, place_of
from contracts.datasets.place import Place
from contracts.datasets.plan import Column, Plan

_LARGEST = 1.7976931348623157e308


class PostgresEngine(InPlaceEngine):
    """The engine of one dataset in PostgreSQL."""

    def statement(self, place: Place, plan: Plan, inner: Select[Any]) -> Executable:
        """The rows that `inner` finds, each written by the database."""
        found = inner.subquery("q")
        fields = select(*[found.c[column.name] for column in plan.columns]).correlate(found).lateral("f")
        written = cast(func.row_to_json(literal_column("f")), Text)
        time, ordinal = found.c["_t"], found.c["_ord"]
        order = [time, ordinal] if plan.shuffle is None else [began_of(plan.shuffle, time), place_of(plan.shuffle, ordinal), ordinal]
        return select(time, ordinal, written).select_from(found.join(fields, true())).order_by(*order)

    def written(self, values: Any, columns: Sequence[Column]) -> str:
        """One row as JSON: as it came."""
        return str(values)

    def values(self, row: Sequence[Any]) -> Any:
        """The text that the database wrote."""
        return row[2]

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

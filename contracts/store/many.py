"""One statement over many rows, for the hot path: values go to the driver as they are.

SQLAlchemy prepares each row of such a statement by itself, which costs more than the database needs to store it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam, insert
from sqlalchemy.sql.elements import ClauseElement
from sqlmodel import SQLModel

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The text with a placeholder a value, which value of a row stands at each, and how the driver wants it where not as it is."""

    text: str
    places: tuple[int, ...]
    processors: tuple[tuple[int, Callable[[Any], Any]], ...]

    def bound(self, row: Row) -> list[Any]:
        values = [row[place] for place in self.places]
        for place, processor in self.processors:
            values[place] = processor(values[place])
        return values


class Many:
    """A statement that is run for each of many rows: tuples whose values are those of the bound parameters `names`, in that order."""

    def __init__(self, statement: ClauseElement, *names: str) -> None:
        self._statement, self._names = statement, names
        self._prepared: dict[str, _Prepared] = {}

    def execute(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Run it for every row; returns how many rows of the table were touched. ValueError where a parameter has no name here."""
        if not rows:
            return 0
        prepared = self._for(connection.dialect)
        return connection.exec_driver_sql(prepared.text, [tuple(prepared.bound(row)) for row in rows]).rowcount

    def _for(self, dialect: Dialect) -> _Prepared:
        known = self._prepared.get(dialect.name)
        if known is None:
            known = self._prepared[dialect.name] = self._prepare(dialect)
        return known

    def _prepare(self, dialect: Dialect) -> _Prepared:
        style = dialect.paramstyle if dialect.positional else "format"
        positional = type(dialect)(paramstyle=style)  # type: ignore[call-arg]  # every dialect of a DBAPI takes it
        compiled = self._statement.compile(dialect=positional)
        wanted = list(getattr(compiled, "positiontup", None) or ())
        binds = getattr(compiled, "binds", {})
        processors = [binds[name].type.dialect_impl(positional).bind_processor(positional) for name in wanted]
        return _Prepared(
            str(compiled),
            tuple(self._names.index(name) for name in wanted),
            tuple((place, each) for place, each in enumerate(processors) if each is not None),
        )


def inserting(table: type[SQLModel], *columns: str) -> Many:
    """The insertion of rows into a table, as tuples of these columns; only what the database itself gives may be left out."""
    return Many(insert(table).values({name: bindparam(name) for name in columns}), *columns)

"""Insertion of many rows at once, for the hot path: values go to the driver as they are.

SQLAlchemy prepares each row of such an insertion by itself, which costs more than the database needs to store it. SQLite besides
takes several rows in one statement for less than it takes them one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam, insert
from sqlmodel import SQLModel

Row = tuple[Any, ...]

# Few sizes, so that the driver meets the same few statements again; below SQLite's bound of 32,766 values a statement.
TOGETHER = (64, 16, 4, 1)
# Rows of one batch share their moments, and making a text of one costs as much as the rest of its row.
REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The statement up to its values, the placeholders of one row, which value of a row stands at each, and how it has to be made."""

    head: str
    group: str
    places: tuple[int, ...]
    processors: tuple[tuple[int, Callable[[Any], Any]], ...]

    def text(self, rows: int) -> str:
        return self.head + ", ".join([self.group] * rows)

    def bound(self, row: Row) -> Row:
        values = [row[place] for place in self.places]
        for place, processor in self.processors:
            values[place] = processor(values[place])
        return tuple(values)


class Insertion:
    """Puts rows into a table, as tuples of the columns that are named; only what the database itself gives may be left out.

    `conflict` is what follows the values, in the SQL that both stores read: `ON CONFLICT ...`.
    """

    def __init__(self, table: type[SQLModel], *columns: str, conflict: str = "") -> None:
        self._columns, self._conflict = columns, f" {conflict}" if conflict else ""
        self._statement = insert(table).values({name: bindparam(name) for name in columns})
        self._prepared: dict[str, _Prepared] = {}

    def execute(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Insert every row. Raises ValueError where a column has a default of Python's and is not named."""
        if not rows:
            return
        prepared = self._for(connection.dialect)
        bound = [prepared.bound(row) for row in rows]
        if connection.dialect.name != "sqlite":
            connection.exec_driver_sql(prepared.text(1) + self._conflict, bound)
            return
        for group in _groups(bound):
            connection.exec_driver_sql(prepared.text(len(group)) + self._conflict, tuple(chain.from_iterable(group)))

    def _for(self, dialect: Dialect) -> _Prepared:
        known = self._prepared.get(dialect.name)
        if known is None:
            known = self._prepared[dialect.name] = self._prepare(dialect)
        return known

    def _prepare(self, dialect: Dialect) -> _Prepared:
        style = dialect.paramstyle if dialect.positional else "format"
        positional = type(dialect)(paramstyle=style)  # type: ignore[call-arg]  # every dialect of a DBAPI takes it
        compiled = self._statement.compile(dialect=positional)
        wanted, binds = list(getattr(compiled, "positiontup", None) or ()), compiled.binds
        head, _, group = str(compiled).partition(" VALUES ")
        processors = [binds[name].type.dialect_impl(positional).bind_processor(positional) for name in wanted]
        return _Prepared(
            f"{head} VALUES ",
            group,
            tuple(self._columns.index(name) for name in wanted),
            tuple((place, lru_cache(REMEMBERED)(each)) for place, each in enumerate(processors) if each is not None),
        )


def _groups(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The rows in order, as many together as still fit."""
    done = 0
    while done < len(rows):
        size = next(each for each in TOGETHER if each <= len(rows) - done)
        yield rows[done : done + size]
        done += size

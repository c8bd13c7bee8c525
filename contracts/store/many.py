"""Insertion of many rows at once, for the hot path: values go to the driver as they are.

SQLite takes several rows in one statement for less than it takes them one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from sqlalchemy import Connection, Dialect, bindparam, insert
from sqlmodel import SQLModel

from contracts.store.driver import Rendered, Row, render, run, run_each

# Few sizes, so that the driver meets the same few statements again; below SQLite's bound of 32,766 values a statement.
TOGETHER = (64, 16, 4, 1)


class Insertion:
    """Puts rows into a table, as tuples of the columns that are named; only what the database itself gives may be left out.

    `conflict` is what follows the values, in the SQL that both stores read: `ON CONFLICT ...`.
    """

    def __init__(self, table: type[SQLModel], *columns: str, conflict: str = "") -> None:
        self._columns, self._conflict = columns, f" {conflict}" if conflict else ""
        self._statement = insert(table).values({name: bindparam(name) for name in columns}).inline()  # asks for no key back
        self._rendered: dict[str, Rendered] = {}
        self._texts: dict[int, str] = {}

    def execute(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Insert every row. Raises ValueError where a column has a default of Python's and is not named."""
        if not rows:
            return
        rendered = self._for(connection.dialect)
        bound = [rendered.bound(row) for row in rows]
        if connection.dialect.name != "sqlite":
            run_each(connection, rendered.text + self._conflict, bound)
            return
        for group in _groups(bound):
            run(connection, self._text(rendered, len(group)), tuple(chain.from_iterable(group)))

    def _for(self, dialect: Dialect) -> Rendered:
        known = self._rendered.get(dialect.name)
        if known is None:
            known = self._rendered[dialect.name] = render(self._statement, self._columns, dialect)
        return known

    def _text(self, rendered: Rendered, rows: int) -> str:
        if rows not in self._texts:
            head, _, group = rendered.text.partition(" VALUES ")
            self._texts[rows] = f"{head} VALUES {', '.join([group] * rows)}{self._conflict}"
        return self._texts[rows]


def _groups(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The rows in order, as many together as still fit."""
    done = 0
    while done < len(rows):
        size = next(each for each in TOGETHER if each <= len(rows) - done)
        yield rows[done : done + size]
        done += size

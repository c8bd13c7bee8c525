"""Statements of the hot path, rendered once and given to the database's driver as they are.

SQLAlchemy prepares each execution anew, which costs more than SQLite needs to do what it says. Values and rows here are those of the
driver: numbers, text, bytes, and what a column's type makes of a value on its way in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

# Rows of one batch share their moments, and making a text of one costs as much as the rest of its row.
REMEMBERED = 256

Row = tuple[Any, ...]
Place = tuple[int, Callable[[Any], Any] | None]


def run(connection: Connection, statement: str, values: Sequence[Any] = ()) -> Any:
    """Execute in the connection's transaction; returns the driver's cursor. Raises what SQLAlchemy raises."""
    cursor = connection.connection.cursor()
    _tell(connection, cursor, statement, values, several=False)
    try:
        cursor.execute(statement, values)
        return cursor
    except connection.dialect.loaded_dbapi.Error as error:
        raise _told(connection, error) from error


def run_each(connection: Connection, statement: str, rows: Sequence[Row]) -> None:
    """Execute once for each row, together."""
    cursor = connection.connection.cursor()
    _tell(connection, cursor, statement, rows, several=True)
    try:
        cursor.executemany(statement, rows)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _told(connection, error) from error


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text of a statement for one dialect, which of the named values stands at each placeholder, and how it has to be made."""

    text: str
    places: tuple[Place, ...]
    as_given: bool
    """Whether the driver takes the values just as they are, in their order."""

    def bound(self, values: Row) -> Row:
        """The values in the order of the placeholders, as the driver takes them."""
        if self.as_given:
            return values
        return tuple([values[place] if make is None else make(values[place]) for place, make in self.places])


def render(statement: Executable, names: Sequence[str], dialect: Dialect) -> Rendered:
    """Render for a driver that counts placeholders. Raises ValueError where the statement binds a value that has no name here."""
    positional = type(dialect)(paramstyle=dialect.paramstyle if dialect.positional else "format")  # type: ignore[call-arg]  # every dialect of a DBAPI takes it
    if not isinstance(statement, ClauseElement):
        raise TypeError("only what SQLAlchemy compiles can be rendered")
    compiled = statement.compile(dialect=positional)
    if not isinstance(compiled, SQLCompiler):
        raise TypeError("only SQL can be rendered")
    places = tuple(_place(compiled, name, names, positional) for name in compiled.positiontup or ())
    return Rendered(str(compiled), places, places == tuple((number, None) for number in range(len(names))))


class Ready:
    """A statement with the names of its values in the order in which `run` gets them."""

    def __init__(self, statement: Executable, *names: str) -> None:
        self._statement, self._names = statement, names
        self._rendered: dict[str, Rendered] = {}

    def run(self, connection: Connection, *values: Any) -> Any:
        """Execute; returns the driver's cursor, whose rows are the driver's."""
        rendered = self._rendered.get(connection.dialect.name)
        if rendered is None:
            rendered = self._rendered[connection.dialect.name] = render(self._statement, self._names, connection.dialect)
        return run(connection, rendered.text, rendered.bound(values))


def _place(compiled: SQLCompiler, name: str, names: Sequence[str], dialect: Dialect) -> Place:
    processor = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
    return names.index(name), None if processor is None else lru_cache(REMEMBERED)(processor)


def _tell(connection: Connection, cursor: Any, statement: str, values: Sequence[Any], *, several: bool) -> None:
    """Whoever listens to the engine's statements hears of these too."""
    listeners = connection.dispatch.before_cursor_execute
    if listeners:
        listeners(connection, cursor, statement, values, None, several)


def _told(connection: Connection, error: Exception) -> BaseException:
    dialect = connection.dialect
    return DBAPIError.instance(None, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect)

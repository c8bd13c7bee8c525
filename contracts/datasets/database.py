"""Databases that hold datasets: opened by the operator's address, read in one snapshot, never written by a load.

What a load takes is put into a file of NDJSON first and then read as any other file of text, so that one rule converts every source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, TableClause, column, create_engine, event, func, inspect, make_url, select, table
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchTableError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.types import TypeEngine

from contracts.errors import Misconfigured
from contracts.sections import DatasetSource

_BATCH = 5_000
_POSTGRESQL = "-c timezone=UTC -c plan_cache_mode=force_custom_plan"
# A page ends after its thousand rows: workers and machine code, which are made ready for all that might come, cost more than it does.
_PAGES = "-c default_transaction_read_only=on -c max_parallel_workers_per_gather=0 -c jit=off"


def open_database(dataset_id: str, described: DatasetSource, *, writes: bool = False, pooled: bool = True, alone: bool = False) -> Engine:
    """An engine for the dataset's database; only the engines that keep tables beside the dataset's may write.

    One that is not `pooled` opens a connection for each use and leaves none open. Where each statement stands `alone`, PostgreSQL is not
    told when a transaction begins and ends, nor asked whether a connection lives: who uses it asks again on another one.
    PostgreSQL and SQLite refuse writes by themselves then. `Misconfigured` for an address that names no database, and for an
    SQLite file that is not there, which opening would make.
    """
    address = described.source.get_secret_value() if described.source else ""
    try:
        url = make_url(address)
        backend = url.get_backend_name()
        options: dict[str, Any] = {"hide_parameters": True}
        if backend == "postgresql":
            options["connect_args"] = {"options": _POSTGRESQL if writes else f"{_POSTGRESQL} {_PAGES}"}
            options |= {"pool_pre_ping": not alone, "pool_size": 8} if pooled else {}
            options |= {"isolation_level": "AUTOCOMMIT"} if alone else {}
        options |= {} if pooled else {"poolclass": NullPool}
        engine = create_engine(url, **options)
    except (ArgumentError, ImportError) as error:
        mend = "Give an SQLAlchemy address, such as postgresql+psycopg://USER:PASSWORD@HOST/NAME, and install its driver."
        raise Misconfigured(f"setting datasets.{dataset_id}.source", "is not an address that can be opened.", mend) from error
    if described.engine == "postgresql" and backend != "postgresql":
        raise Misconfigured(f"dataset {dataset_id}", f"its engine is postgresql and its database {backend}.", 'Set engine = "sqlalchemy".')
    if backend == "sqlite":
        if not url.database or not Path(url.database).exists():
            raise Misconfigured(f"dataset {dataset_id}", "its SQLite file is not there.", "Check `source`: sqlite:////absolute/path.")
        if not writes:
            event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """A session that cannot write, with the function by which texts are masked, which SQLite has not."""
    connection.execute("PRAGMA query_only = ON")
    connection.create_function("regexp_replace", 3, _replaced, deterministic=True)


def _replaced(text: str | None, pattern: str, by: str) -> str | None:
    return None if text is None else re.sub(pattern, by, text)


@contextmanager
def reading(dataset_id: str, described: DatasetSource) -> Iterator[Connection]:
    """A connection that cannot write; what the database says against it becomes `Misconfigured`."""
    engine = open_database(dataset_id, described)
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise unreadable(dataset_id, error) from error
    finally:
        engine.dispose()


def table_of(described: DatasetSource, columns: Sequence[str] = ()) -> TableClause:
    """The dataset's table, with these columns."""
    schema, _, name = described.table.rpartition(".")
    return table(name, *[column(each) for each in columns], schema=schema or None)


def column_types(connection: Connection, dataset_id: str, described: DatasetSource) -> dict[str, TypeEngine[Any]]:
    """Columns of the dataset's table or view and their types; `Misconfigured` where there is none of its name."""
    schema, _, name = described.table.rpartition(".")
    try:
        return {str(each["name"]): each["type"] for each in inspect(connection).get_columns(name, schema or None)}
    except NoSuchTableError as error:
        mend = "Set `table`, with its schema where it has one, and let the account read it."
        raise Misconfigured(f"dataset {dataset_id}", f"its database has no table {described.table}.", mend) from error


def count(connection: Connection, described: DatasetSource) -> int:
    """How many rows the table has."""
    return int(connection.execute(select(func.count()).select_from(table_of(described))).scalar_one())


def extract(dataset_id: str, described: DatasetSource, columns: Sequence[str], target: Path) -> None:
    """Write the columns of every row to an NDJSON file, in batches: memory holds one.

    One statement reads them, so they are of one moment. Times without a zone are in UTC. `Misconfigured` for a missing column,
    for one that holds bytes, and where the database fails.
    """
    query = select(table_of(described, columns))
    with reading(dataset_id, described) as connection, target.open("wb") as file:
        check_columns(dataset_id, described.table, columns, list(column_types(connection, dataset_id, described)))
        rows = connection.execution_options(yield_per=_BATCH).execute(query)
        try:
            for batch in rows.mappings().partitions():
                file.write(b"".join(orjson.dumps(dict(row), default=_plain, option=orjson.OPT_APPEND_NEWLINE) for row in batch))
        except orjson.JSONEncodeError as error:
            said = f"{described.table} has a column that is no text, number, time or boolean."
            raise Misconfigured(f"dataset {dataset_id}", said, "Name a view that turns it into one of them.") from error


def check_columns(dataset_id: str, where: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    """`Misconfigured` for the first column that the fields name and the source does not have."""
    missing = [column for column in wanted if column not in known]
    if missing:
        raise Misconfigured(
            f"dataset {dataset_id}",
            f"{where} has no column {missing[0]!r}; it has {', '.join(known)}.",
            "Correct the field's name in licet.toml, or name its column with `column`.",
        )


def unreadable(dataset_id: str, error: SQLAlchemyError) -> Misconfigured:
    """What a database answered instead of rows, as one line."""
    said = str(error.orig if isinstance(error, DBAPIError) else error).splitlines() or [type(error).__name__]
    return Misconfigured(f"dataset {dataset_id}", f"its database does not answer: {said[0].rstrip('.')}.", "Check `source` and `table`.")


def _plain(value: Any) -> str:
    """What JSON has no form for, decimals among it, as text. Bytes are no value of a field."""
    if isinstance(value, bytes | bytearray | memoryview):
        raise TypeError("bytes")
    return str(value)

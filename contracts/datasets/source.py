"""Reads a dataset's source (CSV, Parquet, NDJSON, or a table elsewhere) into the table `source`, every field in its declared type.

Text formats are read as text and then converted, so that an id such as 007 stays as it is and a value that does not fit its
field's type stops the load instead of becoming something else.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from contracts.datasets import database
from contracts.datasets.describe import columns_of
from contracts.datasets.files import SQL_TYPES, literal, quoted
from contracts.errors import Misconfigured
from contracts.sections import FieldSettings
from contracts.settings import DatasetSettings

_NO_TIME = -(2**63)


@contextmanager
def located(dataset_id: str, described: DatasetSettings, folder: Path) -> Iterator[Path]:
    """The file to load: the dataset's own, or what its database holds, taken into a file in `folder` that goes with the block."""
    if described.source is None:
        yield Path(described.location)
        return
    taken = folder / f"taken-{secrets.token_hex(4)}.ndjson"
    taken.touch(mode=0o600)
    try:
        database.extract(dataset_id, described, wanted(described), taken)
        yield taken
    finally:
        taken.unlink(missing_ok=True)


def wanted(described: DatasetSettings) -> list[str]:
    """Columns of the source that a load reads: of fields, and of marks."""
    columns = [field.column or name for name, field in described.fields.items()]
    return list(dict.fromkeys([*columns, *(mark for mark in (described.deleted, described.objects) if mark is not None)]))


def read_into(connection: duckdb.DuckDBPyConnection, dataset_id: str, described: DatasetSettings, location: Path) -> None:
    """Make the table `source`: the fields, `_key` (text), `_t` (order), `_deleted` and `_objects`.

    `Misconfigured` for a missing column and for a key that is empty or not unique.
    """
    connection.execute(f"CREATE TABLE source AS {_query(connection, dataset_id, described, location)}", [str(location)])
    _check_key(connection, dataset_id, described.key, "source", [])


def survey(dataset_id: str, described: DatasetSettings) -> int:
    """How many records the source has. A file is read whole as a load would, and nothing of it kept; a database is asked.

    `Misconfigured` for what would stop the load: the file, a column, a value, the key; of a database its answer and columns.
    """
    if described.source is not None:
        with database.reading(dataset_id, described) as connection:
            known = list(database.column_types(connection, dataset_id, described))
            database.check_columns(dataset_id, described.table, wanted(described), known)
            return database.count(connection, described)
    location = Path(described.location)
    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute("SET TimeZone = 'UTC'")
            query = _query(connection, dataset_id, described, location)
            # Only a column that is counted is converted.
            counts = ", ".join(["count(*)", "count(_t)", *[f"count({quoted(name)})" for name in described.fields]])
            row = connection.execute(f"SELECT {counts} FROM ({query})", [str(location)]).fetchone()
            _check_key(connection, dataset_id, described.key, f"({query})", [str(location)])
    except duckdb.Error as error:
        raise unloadable(dataset_id, error) from error
    return int(row[0]) if row else 0


def unloadable(dataset_id: str, error: duckdb.Error) -> Misconfigured:
    """What DuckDB could not read or convert, as one line."""
    text = str(error).splitlines()[0].rstrip(".")
    return Misconfigured(f"dataset {dataset_id}", f"cannot be loaded: {text}.", "Compare the file with the types of the fields.")


def _query(connection: duckdb.DuckDBPyConnection, dataset_id: str, described: DatasetSettings, location: Path) -> str:
    """The SELECT of `read_into`, with the file's name as its one bound parameter."""
    needed = wanted(described)
    if described.source is None:
        database.check_columns(dataset_id, location.name, needed, list(columns_of(location)))
    reader = _reader(location, needed)
    kinds = {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE SELECT * FROM {reader}", [str(location)]).fetchall()}
    columns = {name: field.column or name for name, field in described.fields.items()}
    parts = [
        f"{_converted(quoted(columns[name]), kinds[columns[name]], field)} AS {quoted(name)}" for name, field in described.fields.items()
    ]
    inner = f"SELECT {', '.join([*parts, _mark(described.deleted, '_deleted'), _mark(described.objects, '_objects')])} FROM {reader}"
    return f"SELECT *, {quoted(described.key)}::VARCHAR AS _key, {_order(dataset_id, described)} AS _t FROM ({inner})"


def _reader(location: Path, columns: list[str]) -> str:
    ending = location.suffix.lower()
    if ending == ".parquet":
        return "read_parquet(?)"
    if ending in (".ndjson", ".jsonl", ".json"):
        texts = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
        return f"read_json(?, columns = {{{texts}}})"
    return "read_csv(?, all_varchar = true, header = true)"


def _converted(column: str, kind: str, field: FieldSettings) -> str:
    if field.type == "timestamp":
        # Text without an offset and times without a zone are taken as UTC.
        zoned = f"{column}::TIMESTAMPTZ" if kind == "VARCHAR" else column
        return f"(({zoned}) AT TIME ZONE 'UTC')" if kind in ("VARCHAR", "TIMESTAMP WITH TIME ZONE") else f"{column}::TIMESTAMP"
    if field.type == "number":
        # JSON has no infinities.
        return f"CASE WHEN isfinite({column}::DOUBLE) THEN {column}::DOUBLE END"
    return f"{column}::{SQL_TYPES[field.type]}"


def _mark(column: str | None, name: str) -> str:
    return f"false AS {name}" if column is None else f"coalesce({quoted(column)}::BOOLEAN, false) AS {name}"


def _order(dataset_id: str, described: DatasetSettings) -> str:
    if described.time is None:
        return "0::BIGINT"
    kind, name = described.fields[described.time].type, quoted(described.time)
    orders = {"timestamp": f"epoch_us({name})", "date": f"epoch_us({name}::TIMESTAMP)", "integer": name}
    if kind not in orders:
        raise Misconfigured(f"dataset {dataset_id}", f"time names a field of type {kind}.", "Name a timestamp, date or integer.")
    return f"coalesce({orders[kind]}, {_NO_TIME})::BIGINT"


def _check_key(connection: duckdb.DuckDBPyConnection, dataset_id: str, key: str, relation: str, bound: list[str]) -> None:
    if connection.execute(f"SELECT 1 FROM {relation} WHERE _key IS NULL LIMIT 1", bound).fetchone():
        raise Misconfigured(f"dataset {dataset_id}", f"a row has no {key}.", "Every record needs its key.")
    twice = connection.execute(f"SELECT _key FROM {relation} GROUP BY _key HAVING count(*) > 1 LIMIT 1", bound).fetchone()
    if twice:
        raise Misconfigured(f"dataset {dataset_id}", f"two rows have the {key} {twice[0]!r}.", "Name a field that is unique as key.")

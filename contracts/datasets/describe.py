"""Reads a data file's columns and proposes its section of `licet.toml`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb

from contracts.errors import Misconfigured

_TYPES = {
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "number",
    "FLOAT": "number",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
}

_CLASSES = (
    "# class: plain, key (a record's id), subject (a person's id), personal, special (such as health or religion).",
    "# key and subject leave as pseudonyms. Every other field starts as personal: make plain what says nothing about a person.",
    '# description is one line for the catalogue; examples = ["...", "..."] are invented values for its sample rows.',
)


def columns_of(location: Path) -> dict[str, str]:
    """Column names and our types of a CSV, Parquet or NDJSON file; `Misconfigured` where it cannot be read."""
    if not location.exists() and not any(location.parent.glob(location.name)):
        raise Misconfigured(f"file {location.name}", f"is not in {location.parent}.", "Check its name and folder.")
    try:
        with duckdb.connect(":memory:") as connection:
            rows = connection.execute("DESCRIBE SELECT * FROM " + reader_of(location), [str(location)]).fetchall()
    except duckdb.Error as error:
        raise Misconfigured(
            f"file {location.name}", f"cannot be read: {str(error).splitlines()[0]}.", "Give a CSV, Parquet or NDJSON file."
        ) from error
    return {name: _type_of(kind) for name, kind, *_ in rows}


def reader_of(location: Path) -> str:
    """The DuckDB table function for a file, by its ending, with the file's name as bound parameter."""
    ending = location.suffix.lower()
    if ending == ".parquet":
        return "read_parquet(?)"
    if ending in (".ndjson", ".jsonl", ".json"):
        return "read_json_auto(?)"
    if ending in (".csv", ".tsv", ".gz"):
        return "read_csv_auto(?)"
    raise Misconfigured(f"file {location.name}", "has an unknown ending.", "Give a .csv, .tsv, .parquet, .ndjson or .jsonl file.")


def proposal(location: Path, name: str, shown: str = "") -> str:
    """A section of `licet.toml` for the file, named there as `shown`: a key, a time column where there is one, and every field.

    Every field but key and time starts as class personal, the careful choice: whoever pastes it says which are plain.
    """
    columns = columns_of(location)
    names = _field_names(list(columns))
    key = _key_of(location, columns)
    moment = next((each for each, kind in columns.items() if kind in ("timestamp", "date")), None)
    title = name.replace("_", " ").replace("-", " ").capitalize()
    lines = [
        f"[datasets.{name}]",
        f"title = {json.dumps(title, ensure_ascii=False)}",
        'summary = ""  # what it holds and where it comes from, for the catalogue',
        f"location = {json.dumps(shown or str(location), ensure_ascii=False)}",
        f'key = "{names[key]}"',
    ]
    if moment is not None:
        lines.append(f'time = "{names[moment]}"')
    lines += ['purposes = ["research"]', "", f"[datasets.{name}.fields]", *_CLASSES]
    width = max(len(each) for each in names.values())
    for column, kind in columns.items():
        field_class = "key" if column == key else "plain" if column == moment else "personal"
        source = "" if names[column] == column else f", column = {json.dumps(column, ensure_ascii=False)}"
        lines.append(f'{names[column].ljust(width)} = {{ type = "{kind}", class = "{field_class}"{source}, description = "" }}')
    return "\n".join(lines) + "\n"


def _key_of(location: Path, columns: dict[str, str]) -> str:
    """The first column whose values are all there and all different; a file without one is refused."""
    counts = ", ".join(f"count(DISTINCT {_quoted(column)})" for column in columns)
    with duckdb.connect(":memory:") as connection:
        row = connection.execute(f"SELECT count(*), {counts} FROM {reader_of(location)}", [str(location)]).fetchone()
    total, *distinct = row or (0,)
    for column, different in zip(columns, distinct, strict=True):
        if different == total:
            return column
    raise Misconfigured(
        f"file {location.name}",
        "has no column that identifies a record.",
        "Add one whose values are all different, such as a running number.",
    )


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _field_names(columns: list[str]) -> dict[str, str]:
    """Field names that terms and addresses can carry: lower case, letters, digits and _; no two alike."""
    names: dict[str, str] = {}
    for column in columns:
        slug = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_") or "field"
        slug = slug if slug[0].isalpha() else f"f_{slug}"
        while slug in names.values():
            slug += "_"
        names[column] = slug[:60]
    return names


def _type_of(duckdb_type: str) -> str:
    if duckdb_type in _TYPES:
        return _TYPES[duckdb_type]
    if "INT" in duckdb_type:
        return "integer"
    if duckdb_type.startswith("DECIMAL"):
        return "number"
    if duckdb_type.startswith("TIMESTAMP"):
        return "timestamp"
    return "string"

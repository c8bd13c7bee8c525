"""Where a dataset's files lie, and how SQL names things."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

SQL_TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}


def folder_of(home: Path, dataset: str) -> Path:
    """The folder of one dataset's files."""
    return home / "datasets" / dataset


def version_file(home: Path, dataset: str, version: str) -> Path:
    """The records of one version: served rows, ordinals of every key ever seen, counts of what is withheld."""
    return folder_of(home, dataset) / f"{version}.duckdb"


def pseudonym_file(home: Path, dataset: str, version: str, contract_id: str, fields: Sequence[str]) -> Path:
    """The pseudonyms of one contract for one version. Other fields make another file, so that none in use ever changes."""
    shape = hashlib.sha256("\0".join(fields).encode()).hexdigest()[:8]
    return folder_of(home, dataset) / f"{version}.{contract_id}.{shape}.duckdb"


def lines_file(records: Path) -> Path:
    """The same records as lines of JSON, beside the version file; pages are read from it where it is there."""
    return records.with_suffix(".lines")


def codes_file(pseudonyms: Path) -> Path:
    """The same pseudonyms as plain bytes, beside the pseudonym file, where the version has lines."""
    return pseudonyms.with_suffix(".codes")


def quoted(name: str) -> str:
    """An identifier for SQL, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string for SQL where a parameter is not possible (ATTACH, JSON keys)."""
    return "'" + text.replace("'", "''") + "'"


def settle(made: Path, final: Path) -> None:
    """Put a finished file in its place so that a crash leaves the old one or the new one, never half of it."""
    descriptor = os.open(made, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    made.replace(final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

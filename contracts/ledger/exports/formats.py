"""Entries as files for other programs: CSV, Parquet, OCSF. Each takes entries in order and holds a bounded number of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import IO, Any, Protocol

import orjson

from contracts.ledger.exports import ocsf
from contracts.ledger.tree import leaf_hash

ROW_GROUP = 5_000
COLUMNS = (
    "event",
    "decision",
    "rule",
    "rows",
    "bytes",
    "new_records",
    "organisation",
    "contract",
    "contract_version",
    "purpose",
    "dataset",
    "dataset_version",
    "credential",
    "subject",
    "node",
)
"""What is copied from the leaf as it stands there; index, id, time and leaf hash come before."""
NUMBERS = frozenset({"rows", "bytes", "new_records", "contract_version"})


class Writer(Protocol):
    """Writes one file."""

    name: str

    def add(self, index: int, leaf: bytes, facts: Mapping[str, Any]) -> None:
        """The next entry: its place, its exact leaf and the object that the leaf holds."""

    def end(self) -> None:
        """Everything was added."""


class Csv:
    """Comma-separated values (RFC 4180). A value that a spreadsheet would run as a formula gets an apostrophe before it."""

    name = "entries.csv"

    def __init__(self, file: IO[bytes]) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._csv = csv.writer(self._text)
        self._csv.writerow(("index", "entry", "time", *COLUMNS, "leaf_hash"))

    def add(self, index: int, leaf: bytes, facts: Mapping[str, Any]) -> None:
        """One line."""
        row = (index, facts["id"], facts["at"], *(facts.get(name, "") for name in COLUMNS), leaf_hash(leaf).hex())
        self._csv.writerow([plain(value) for value in row])

    def end(self) -> None:
        """Let go of the file without closing it."""
        self._text.detach()


class Parquet:
    """Apache Parquet with typed columns and the whole leaf, in groups of 5,000 entries."""

    name = "entries.parquet"

    def __init__(self, file: IO[bytes], group: int = ROW_GROUP) -> None:
        # pyarrow takes 0.1 s and 50 MiB, which a process that exports no Parquet is spared.
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - pyarrow has no types
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415 - as above

        text, count = pa.string(), pa.int64()
        copied = [(name, count if name in NUMBERS else text) for name in COLUMNS]
        moment = pa.timestamp("us", tz="UTC")
        self._schema = pa.schema([("index", count), ("entry", text), ("time", moment), *copied, ("leaf_hash", text), ("leaf", text)])
        self._table, self._writer = pa.Table.from_pylist, pq.ParquetWriter(file, self._schema, compression="zstd")
        self._group = group
        self._rows: list[dict[str, Any]] = []

    def add(self, index: int, leaf: bytes, facts: Mapping[str, Any]) -> None:
        """One row; a full group is written."""
        row = {"index": index, "entry": facts["id"], "time": datetime.fromisoformat(facts["at"])}
        own = {"leaf_hash": leaf_hash(leaf).hex(), "leaf": leaf.decode()}
        self._rows.append(row | {name: facts.get(name) for name in COLUMNS} | own)
        if len(self._rows) == self._group:
            self._flush()

    def end(self) -> None:
        """The last group and the file's footer."""
        if self._rows:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(self._table(self._rows, schema=self._schema))
        self._rows.clear()


class Ocsf:
    """Events of OCSF, one JSON object a line."""

    name = "entries.ocsf.jsonl"

    def __init__(self, file: IO[bytes], origin: str, platform: str) -> None:
        self._file, self._origin, self._platform = file, origin, platform

    def add(self, index: int, leaf: bytes, facts: Mapping[str, Any]) -> None:
        """One line."""
        self._file.write(orjson.dumps(ocsf.event(index, facts, leaf_hash(leaf).hex(), self._origin, self._platform)) + b"\n")

    def end(self) -> None:
        """Nothing is left to write."""


def plain(value: object) -> str:
    """A value as a cell that no spreadsheet runs."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text

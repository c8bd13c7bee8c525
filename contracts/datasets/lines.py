"""Writes a version's records as lines whose fields are JSON already, with the sets of records that have each common value.

One file, four parts: the lines in the order of answers (ordinal, time, then `"name":value` for each field, a unit separator between,
which JSON never holds); where each begins, 64 bits each in the order of the machine; for each field of few values the set of places
that have each, as roaring bitmaps; an index in JSON. Its place, 64 bits, and `MAGIC` end the file.
"""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import BinaryIO

import duckdb
import orjson

from contracts.datasets.engines.duckdb import written
from contracts.datasets.files import literal, quoted
from contracts.datasets.plan import Column
from contracts.datasets.shuffle import NO_TIME
from contracts.deliveries.ordinals import Ordinals, pack
from contracts.settings import DatasetSettings

MAGIC = b"licetln1"
SEPARATOR = "\x1f"
FEW = 1_000
"""A field of at most so many values has a set of places for each."""

_LISTED = ("string", "integer", "number", "boolean")
_BLOCK = 1_000_000
_Sets = dict[str, list[tuple[object, bytes]]]


def write(connection: duckdb.DuckDBPyConnection, described: DatasetSettings, target: Path) -> None:
    """Write the lines of the connection's table `record`, which lies in the order of answers."""
    columns = [Column(name, field.type) for name, field in described.fields.items()]
    parts = ", ".join(f"'{_named(each.name)}' || coalesce(to_json({written(each)})::VARCHAR, 'null')" for each in columns)
    line = f"SELECT concat_ws(chr(31), r._ord::VARCHAR, r._t::VARCHAR, {parts}) FROM record r"
    # Neither quotes nor a separator that occurs: each line is the text as it is.
    connection.execute(f"COPY ({line}) TO {literal(str(target))} (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')")
    with target.open("ab") as file:
        starts = file.tell()
        rows = _note_starts(target, file, starts)
        values = {}
        for name, sets in _sets(connection, described, rows).items():
            values[name] = [(value, file.tell(), len(packed), file.write(packed))[:3] for value, packed in sets]
        index = {
            "rows": rows,
            "starts": starts,
            "types": {each.name: each.type for each in columns},
            "values": values,
            "time": described.time if described.time and _orders(connection, described.time) else None,
        }
        place = file.tell()
        file.write(orjson.dumps(index) + place.to_bytes(8, "little") + MAGIC)


def _named(field: str) -> str:
    # The settings let names of fields hold neither quotes nor what JSON escapes.
    return f'"{field}":'


def _note_starts(target: Path, file: BinaryIO, size: int) -> int:
    """Append where each line begins, and where the last ends; returns how many there are."""
    rows, place, starts = 0, 0, array("Q", [0])
    with target.open("rb") as lines:
        while place < size:
            place += len(lines.readline())
            starts.append(place)
            rows += 1
            if len(starts) >= _BLOCK:
                file.write(starts.tobytes())
                del starts[:]
    file.write(starts.tobytes())
    return rows


def _sets(connection: duckdb.DuckDBPyConnection, described: DatasetSettings, rows: int) -> _Sets:
    found: _Sets = {}
    for name, field in described.fields.items():
        if field.type in _LISTED and _is_of_few(connection, name):
            sets: dict[object, Ordinals] = {}
            for first in range(0, rows, _BLOCK):
                query = f"SELECT {quoted(name)}, list(_pos) FROM record WHERE _pos >= ? AND _pos < ? GROUP BY 1"
                for value, places in connection.execute(query, [first, first + _BLOCK]).fetchall():
                    sets.setdefault(value, Ordinals()).update(places)
            # A record without a value meets no test.
            found[name] = [(value, pack(places)) for value, places in sets.items() if value is not None]
    return found


def _is_of_few(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    row = connection.execute(f"SELECT count(*) FROM (SELECT DISTINCT {quoted(name)} FROM record LIMIT {FEW + 1})").fetchone()
    return row is not None and row[0] <= FEW


def _orders(connection: duckdb.DuckDBPyConnection, time: str) -> bool:
    """Whether the order is that of the field of time in every row; not so for moments that no number stands for, such as infinity."""
    row = connection.execute(f"SELECT count(*) FROM record WHERE ({quoted(time)} IS NULL) <> (_t = {NO_TIME})").fetchone()
    return row == (0,)

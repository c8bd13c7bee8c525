"""Records as an Arrow IPC stream (https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format), written by pyarrow.

Every field may be missing. How the stream ended is the metadata `licet` of its last batch, which has no rows.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import orjson
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow has no types

from contracts.access.formats import End
from contracts.datasets.plan import Column

_TYPES: dict[str, Any] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}
_AS_TEXT = ("timestamp", "date")


class Arrow:
    """One stream; keeps pyarrow's writer between its parts."""

    def __init__(self, columns: Sequence[Column]) -> None:
        """The columns in their order; pseudonyms are text."""
        self._columns = [(column.name, "string" if column.pseudonym else column.type) for column in columns]
        self._schema = pa.schema([pa.field(name, _TYPES[kind]) for name, kind in self._columns])
        self._sink = _Sink()
        self._writer = pa.ipc.new_stream(self._sink, self._schema)

    def head(self) -> bytes:
        """The schema."""
        return self._sink.taken()

    def records(self, rows: Sequence[str]) -> bytes:
        """One batch."""
        found = orjson.loads(f"[{','.join(rows)}]")
        arrays = [_array([row[name] for row in found], kind) for name, kind in self._columns]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
        return self._sink.taken()

    def tail(self, end: End) -> bytes:
        """An empty batch that tells the end, and the mark of the stream's end."""
        empty = pa.record_batch([pa.array([], type=field.type) for field in self._schema], schema=self._schema)
        self._writer.write_batch(empty, custom_metadata={"licet": orjson.dumps(end.told())})
        self._writer.close()
        return self._sink.taken()


def _array(values: list[Any], kind: str) -> Any:
    if kind in _AS_TEXT:
        return pa.array(values, type=pa.string()).cast(_TYPES[kind])
    return pa.array(values, type=_TYPES[kind])


class _Sink(io.RawIOBase):
    """Collects what is written until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def taken(self) -> bytes:
        """What was written since it was last taken."""
        found, self._parts = b"".join(self._parts), []
        return found

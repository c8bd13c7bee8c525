"""The forms in which a stream of records leaves: NDJSON, CSV and Arrow. Each is fed the records as the engine wrote them in JSON.

A stream can end before its query does, and what was sent cannot be taken back: so each form says at its end why it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from contracts.datasets.plan import Column

FORMATS = ("json", "ndjson", "csv", "arrow")
MEDIA_TYPES = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
}
# Of text without a charset some clients think that it is Latin-1 (RFC 7111 section 5.1 has UTF-8).
CONTENT_TYPES = {**MEDIA_TYPES, "csv": "text/csv; charset=utf-8; header=present"}
CHUNK = 10_000
"""Records of a stream that are committed together, with one entry, before any of them is sent."""

# What spreadsheets run when a cell begins with it (OWASP, "CSV Injection"), also in full width.
_RUN = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


@dataclass(frozen=True, slots=True)
class End:
    """How a stream ended: `complete`, `limit`, or the code of a refusal; where to go on, and the entries of all its parts."""

    reason: str
    sentence: str
    following: str
    records: int
    entries: tuple[str, ...]
    withheld: bytes
    quotas: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def is_cut(self) -> bool:
        """Whether records that were asked for are missing."""
        return self.reason not in ("complete", "limit")

    def told(self) -> dict[str, Any]:
        """The end as NDJSON and Arrow hold it."""
        return {
            "reason": self.reason,
            "sentence": self.sentence,
            "next": self.following or None,
            "records": self.records,
            "withheld": orjson.loads(self.withheld),
            "entries": list(self.entries),
            "quotas": dict(self.quotas),
        }


class Format(Protocol):
    """Writes one stream; make one for each. Pure but for what Arrow keeps of its own stream."""

    def head(self) -> bytes:
        """What stands before the first record."""
        ...

    def records(self, rows: Sequence[str]) -> bytes:
        """Some records, each given as a JSON object."""
        ...

    def tail(self, end: End) -> bytes:
        """What stands after the last record."""
        ...


def writer_of(form: str, columns: Sequence[Column]) -> Format:
    """A writer of one stream of these columns; KeyError for what is no form of streams."""
    return _WRITERS[form](columns)


class Ndjson:
    """One JSON object a line. The last line has the one member `_end`, which no field is named."""

    def __init__(self, columns: Sequence[Column]) -> None:
        """JSON names its members itself."""

    def head(self) -> bytes:
        """Nothing."""
        return b""

    def records(self, rows: Sequence[str]) -> bytes:
        """The objects as they are."""
        return "".join(f"{row}\n" for row in rows).encode()

    def tail(self, end: End) -> bytes:
        """The end, also of a complete stream: without this line a stream was cut on its way."""
        return orjson.dumps({"_end": end.told()}) + b"\n"


class Csv:
    """RFC 4180 with a header line. Every text is quoted; one that a spreadsheet would run has an apostrophe before it.

    A missing value is an empty cell without quotes. Where a refusal cut the stream, its last line is one cell that begins with `# `.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        """The columns in their order."""
        self._names = [column.name for column in columns]

    def head(self) -> bytes:
        """The names."""
        return _line([_cell(name) for name in self._names])

    def records(self, rows: Sequence[str]) -> bytes:
        """One line each."""
        found: list[Mapping[str, Any]] = orjson.loads(f"[{','.join(rows)}]")
        return b"".join(_line([_cell(row[name]) for name in self._names]) for row in found)

    def tail(self, end: End) -> bytes:
        """Why records are missing, if any are."""
        return _line([_cell(f"# {end.sentence} cursor={end.following}")]) if end.is_cut else b""


def _cell(value: Any) -> str:
    if not isinstance(value, str):
        return "" if value is None else orjson.dumps(value).decode()
    runs = value.lstrip(" \u00a0").startswith(_RUN) or value.startswith(_RUN)
    text = f"'{value}" if runs else value
    return '"' + text.replace('"', '""') + '"'


def _line(cells: Sequence[str]) -> bytes:
    # An empty line would be no record at all.
    return (",".join(cells) or '""').encode() + b"\r\n"


def _arrow(columns: Sequence[Column]) -> Format:
    # pyarrow takes 0.1 s and 50 MiB, which a process that sends no Arrow is spared.
    from contracts.access.arrow import Arrow  # noqa: PLC0415 - see above

    return Arrow(columns)


_WRITERS: dict[str, Callable[[Sequence[Column]], Format]] = {"ndjson": Ndjson, "csv": Csv, "arrow": _arrow}

"""Opens what `contracts.datasets.lines` and `contracts.datasets.codes` write, mapped into memory: a page reads only what it shows."""

from __future__ import annotations

import mmap
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from contracts.datasets.codes import DIGITS, NO_CODE
from contracts.datasets.lines import MAGIC, SEPARATOR
from contracts.datasets.plan import Mark
from contracts.datasets.pseudonyms import PREFIX
from contracts.deliveries.ordinals import Ordinals, unpack

_TAIL = 8 + len(MAGIC)
# Of the ordinal and the time, with a separator behind each, at most.
_NUMBERS = 40


class Lines:
    """The lines of one version. Places are counted from 0 in the order of answers; safe for threads, as nothing ever changes."""

    def __init__(self, file: Path) -> None:
        """OSError where there is no such file, ValueError where it is none of lines."""
        self._data = _mapped(file)
        if self._data[-len(MAGIC) :] != MAGIC:
            raise ValueError("is no file of lines")
        end = len(self._data) - _TAIL
        index = orjson.loads(self._data[int.from_bytes(self._data[end : end + 8], "little") : end])
        self.rows: int = index["rows"]
        self._starts = memoryview(self._data)[index["starts"] :][: 8 * (self.rows + 1)].cast("Q")
        self.types: Mapping[str, str] = index["types"]
        self.time: str | None = index["time"]
        self._values: Mapping[str, Sequence[tuple[Any, int, int]]] = index["values"]

    def read(self, places: Sequence[int], fields: Sequence[int]) -> tuple[list[int], list[int], list[list[str]]]:
        """Ordinals and times of the records at some places, and, for each of the fields, by its number in `types`, theirs as `"name":value`.

        One split takes all lines apart: a page so takes half of what it would line by line.
        """
        if not places:
            return [], [], [[] for _ in fields]
        starts, width = self._starts, len(self.types) + 2
        parts = b"\x1f".join([self._data[starts[each] : starts[each + 1] - 1] for each in places]).decode().split(SEPARATOR)
        return list(map(int, parts[::width])), list(map(int, parts[1::width])), [parts[2 + each :: width] for each in fields]

    def order(self, place: int) -> tuple[int, int]:
        """Time and ordinal of the record at a place."""
        start = self._starts[place]
        ordinal, time, *_ = self._data[start : start + _NUMBERS].split(b"\x1f", 2)
        return int(time), int(ordinal)

    def behind(self, mark: Mark | None, version: str) -> int:
        """The first place behind a mark, which may be of another version."""
        if mark is None:
            return 0
        return mark.pos + 1 if mark.version == version else bisect_right(range(self.rows), (mark.time, mark.ordinal), key=self.order)

    def since(self, time: int) -> int:
        """The first place whose time is not before a moment, as marks have it."""
        return bisect_left(range(self.rows), (time, -1), key=self.order)

    def values(self, field: str) -> Sequence[tuple[Any, int, int]] | None:
        """The values of a field, each with what `having` takes; None for a field of many."""
        return self._values.get(field)

    def having(self, start: int, size: int) -> Ordinals:
        """The places of records that have a value."""
        return unpack(self._data[start : start + size])


class Codes:
    """A contract's pseudonyms of one version, of so many fields a record."""

    def __init__(self, file: Path, fields: int) -> None:
        """OSError where there is no such file."""
        self._data, self._size = _mapped(file), DIGITS // 2 * fields

    def read(self, places: Sequence[int]) -> list[str]:
        """The codes of the records at some places, each record's in hexadecimal, one after the other."""
        data, size = self._data, self._size
        return [data[each * size : (each + 1) * size].hex() for each in places]


def named(field: str, code: str) -> str:
    """A pseudonymised field as lines have fields."""
    return f'"{field}":null' if code == NO_CODE else f'"{field}":"{PREFIX}{code}"'


def _mapped(file: Path) -> mmap.mmap:
    with file.open("rb") as opened:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)

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

    def read(self, place: int) -> tuple[int, int, list[str]]:
        """Ordinal and time of the record at a place, and its fields in the order of `types`, each as `"name":value`."""
        ordinal, time, *fields = self._data[self._starts[place] : self._starts[place + 1] - 1].decode().split(SEPARATOR)
        return int(ordinal), int(time), fields

    def behind(self, mark: Mark | None, version: str) -> int:
        """The first place behind a mark, which may be of another version."""
        if mark is None:
            return 0
        return mark.pos + 1 if mark.version == version else bisect_right(range(self.rows), (mark.time, mark.ordinal), key=self._order)

    def since(self, time: int) -> int:
        """The first place whose time is not before a moment, as marks have it."""
        return bisect_left(range(self.rows), (time, -1), key=self._order)

    def values(self, field: str) -> Sequence[tuple[Any, int, int]] | None:
        """The values of a field, each with what `having` takes; None for a field of many."""
        return self._values.get(field)

    def having(self, start: int, size: int) -> Ordinals:
        """The places of records that have a value."""
        return unpack(self._data[start : start + size])

    def _order(self, place: int) -> tuple[int, int]:
        ordinal, time, _ = self.read(place)
        return time, ordinal


class Codes:
    """A contract's pseudonyms of one version, of so many fields a record."""

    def __init__(self, file: Path, fields: int) -> None:
        """OSError where there is no such file."""
        self._data, self._size = _mapped(file), DIGITS // 2 * fields

    def read(self, place: int) -> str:
        """The codes of the record at a place, in hexadecimal, one after the other."""
        return self._data[place * self._size : (place + 1) * self._size].hex()


def told(code: str) -> str:
    """A code as JSON."""
    return "null" if code == NO_CODE else f'"{PREFIX}{code}"'


def _mapped(file: Path) -> mmap.mmap:
    with file.open("rb") as opened:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)

"""The order of records where the field of time is generalised: by its days or months, and within one by a keyed hash. Pure.

Ordinals are given in order of time, so within a day or month they would tell what the field no longer does: which of two records is
the older. The hash is of the contract's key, the same in every request and version, so that pages follow each other as ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from contracts.datasets.coarse import Span
from contracts.datasets.marks import moment_of, to_mark
from contracts.datasets.samples import drawn, mixed, mixed_in_sql

# What a version's rows without a time are ordered by; the first and last moment that has a day and month here, and what comes after.
NO_TIME = -(2**63)
FIRST, LAST = to_mark(date.min), to_mark(datetime.max)  # noqa: DTZ901 - values of fields carry no zone
NEVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Shuffle:
    """Order by `grain` of time, then by the hash of the ordinal, then by the ordinal. Times are microseconds since 1970 in UTC."""

    grain: Span
    numbers: tuple[int, ...]

    def place(self, ordinal: Any) -> Any:
        """A record's place within its day or month; or that of whatever calculates like an ordinal of 64 bits."""
        return mixed(ordinal, self.numbers)

    def place_in_sql(self, ordinal: str) -> str:
        """The same of a 64-bit column of DuckDB's."""
        return mixed_in_sql(ordinal, self.numbers)

    def began(self, time: int) -> int:
        """When the day or month of a moment began; what lies before the year 1 is one with what has no time."""
        if time < FIRST:
            return NO_TIME
        moment = moment_of(min(time, LAST))
        return to_mark(date(moment.year, moment.month, moment.day if self.grain == "day" else 1))

    def ends(self, began: int) -> int:
        """When the next one begins."""
        if began < FIRST:
            return FIRST
        try:
            return self.began(to_mark(moment_of(began) + timedelta(days=1 if self.grain == "day" else 31)))
        except OverflowError:
            return NEVER


def shuffle_of(grain: Span, key: bytes) -> Shuffle:
    """The order under a contract's key."""
    return Shuffle(grain, drawn(key, "licet/order"))

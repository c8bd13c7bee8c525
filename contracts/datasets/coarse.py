"""Generalisation: a field's value told coarser than it is, by its day or month, its region, or with accounts and links masked. Pure.

What is said here of one value every engine does in its own SQL. A request sees the coarser value and nothing else: it is what is
written, compared, grouped and ordered by.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args

Grain = Literal["day", "month", "masked", "region"]
Span = Literal["day", "month"]

# From fine to coarse; a field takes grains of one kind, so that of two the later one tells nothing that the earlier one hides.
GRAINS: tuple[Grain, ...] = get_args(Grain)
# What a day is to a date, it already is.
_TAKE: dict[str, frozenset[str]] = {
    "timestamp": frozenset(get_args(Span)),
    "date": frozenset({"month"}),
    "string": frozenset({"masked", "region"}),
}

# Everything that is not one of these may be part of a name: better a sign too many is masked than a name told in part.
_BLANK = " \t\r\n\f\v"
_ENDS = f'{_BLANK}<>(),;:"'
_REST = f'[^{_BLANK}<>"]'
_AT = "@\uff20"
_PART = f"[^{_ENDS}{_AT}]"
_LINK, _ACCOUNT = "[link]", "[account]"
# In order. Only what RE2, PostgreSQL and Python read alike: classes, repetition, no alternative, and one way alone to match.
MASKS: tuple[tuple[str, str], ...] = (
    (f"[A-Za-z][A-Za-z0-9+.-]*://{_REST}+", _LINK),
    (f"[Ww][Ww][Ww][.]{_REST}+", _LINK),
    (f"[A-Za-z0-9.-]+[.][A-Za-z][A-Za-z]+/{_REST}*", _LINK),
    (f"{_PART}*([{_AT}]{_PART}*[^.{_ENDS}{_AT}])+", _ACCOUNT),
)


@dataclass(frozen=True, slots=True)
class Coarse:
    """How one field is generalised. A region is that of a map, by value, or else the first letters; a value of no region has none."""

    grain: Grain
    regions: tuple[tuple[str, str], ...] = ()
    letters: int = 0

    @property
    def type(self) -> str:
        """The type of what is told: a day is a date, a month such as 2026-01 a text."""
        return "date" if self.grain == "day" else "string"

    @property
    def reads(self) -> str:
        """How `values.read` reads what a request compares it with."""
        return "month" if self.grain == "month" else self.type

    @property
    def span(self) -> Span | None:
        """The span of time that is told, in whose order values are; None for texts."""
        return self.grain if self.grain == "day" or self.grain == "month" else None  # noqa: PLR1714 - so that types are narrowed

    def of(self, value: Any) -> Any:
        """The value as it is told; None for none."""
        if value is None:
            return None
        return _RULES[self.grain](self, value)


def takes(kind: str, grain: str) -> bool:
    """Whether a field of this type can be told by this grain."""
    return grain in _TAKE.get(kind, ())


def coarser(one: Grain | None, other: Grain | None) -> Grain | None:
    """The coarser of two; None is the exact value."""
    found = [each for each in (one, other) if each is not None]
    return max(found, key=GRAINS.index, default=None)


def masked(text: str) -> str:
    """The text with handles, mail addresses and links masked: what looks like one, and so no name in plain words."""
    for pattern, mark in MASKS:
        text = re.sub(pattern, mark, text)
    return text


def _day(_coarse: Coarse, value: Any) -> date:
    return value.date() if isinstance(value, datetime) else value


def _month(_coarse: Coarse, value: Any) -> str:
    return f"{value.year:04}-{value.month:02}"


def _masked(_coarse: Coarse, value: Any) -> str:
    return masked(value)


def _region(coarse: Coarse, value: Any) -> str | None:
    return dict(coarse.regions).get(value) if coarse.regions else value[: coarse.letters]


_RULES = {"day": _day, "month": _month, "masked": _masked, "region": _region}

"""Values of fields: read strictly from a request's text and from terms, one form a type. What does not fit is refused."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import Any

Value = str | int | float | bool | datetime | date

MAX_TEXT = 1_000
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_BOUND = 2**63

# Types whose values have an order that a range filter may use.
ORDERED = frozenset({"integer", "number", "timestamp", "date"})


def read(kind: str, given: str | int | bool) -> Value:
    """The value of a field of this type; ValueError with a sentence for the caller where it is none.

    `given` is text of a request or a value of terms. Timestamps are RFC 3339 with an offset, or a date, which means its first
    moment in UTC; they come back without offset, in UTC, as the engine stores them.
    """
    text = ("true" if given else "false") if isinstance(given, bool) else str(given)
    if len(text) > MAX_TEXT or "\0" in text:
        raise ValueError(f"is longer than {MAX_TEXT} characters or holds a NUL")
    return _READERS[kind](text)


def read_typed(kind: str, given: str | int | float | bool) -> Value:
    """As `read`, for a value as JSON has it: numbers for numbers, true and false for booleans, text for everything else."""
    fits = isinstance(given, _JSON.get(kind, str)) and (kind == "boolean" or not isinstance(given, bool))
    if not fits:
        raise ValueError(f"is not the JSON that a field of type {kind} takes")
    return read(kind, given if isinstance(given, str | int) else repr(given))


def _string(text: str) -> Value:
    return text


def _integer(text: str) -> Value:
    if not _INTEGER.fullmatch(text) or not -_BOUND <= int(text) < _BOUND:
        raise ValueError("is not an integer, such as 42")
    return int(text)


def _number(text: str) -> Value:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError("is not a number, such as 4.2")
    return float(text)


def _boolean(text: str) -> Value:
    if text not in ("true", "false"):
        raise ValueError("is not true or false")
    return text == "true"


def _timestamp(text: str) -> Value:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a time as in RFC 3339, such as 2026-01-31T00:00:00Z") from None
    if moment.tzinfo is None:
        if len(text) != len("2026-01-31"):
            raise ValueError("has no offset from UTC: end it with Z or such as +01:00")
        return moment
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999") from None


def _date(text: str) -> Value:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a date, such as 2026-01-31") from None


def _month(text: str) -> Value:
    # A month is told and compared as text, whose order is that of time.
    if not _MONTH.fullmatch(text):
        raise ValueError("is not a month, such as 2026-01, and by month alone the field is given")
    return text


_JSON: dict[str, type[Any] | tuple[type[Any], ...]] = {"integer": int, "number": (int, float), "boolean": bool}
_READERS = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "date": _date,
    "month": _month,
}

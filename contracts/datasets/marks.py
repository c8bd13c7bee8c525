"""The number by which a row's time is ordered in marks and shuffles. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - values of fields carry no zone: they are in UTC
_MICROSECOND = timedelta(microseconds=1)


def to_mark(value: object) -> int:
    """The number by which a row's time is ordered in marks: microseconds since 1970 in UTC, or the integer itself."""
    if isinstance(value, datetime):
        return (value.replace(tzinfo=None) - _EPOCH) // _MICROSECOND
    if isinstance(value, date):
        return (datetime(value.year, value.month, value.day) - _EPOCH) // _MICROSECOND  # noqa: DTZ001 - as _EPOCH
    return value if isinstance(value, int) else 0


def from_mark(kind: str, number: int) -> datetime | date | int:
    """What `to_mark` was made of."""
    if kind == "integer":
        return number
    moment = moment_of(number)
    return moment if kind == "timestamp" else moment.date()


def moment_of(number: int) -> datetime:
    """The moment in UTC, without offset; OverflowError outside the years 1 to 9999."""
    return _EPOCH + number * _MICROSECOND

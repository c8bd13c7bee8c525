"""Working days: Monday to Friday, without the holidays that the platform's settings list."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

_SATURDAY = 5


def after(day: date, working_days: int, holidays: Collection[date]) -> date:
    """The day that lies so many working days after `day`."""
    left = working_days
    while left > 0:
        day += timedelta(days=1)
        left -= _is_worked(day, holidays)
    return day


def between(start: date, end: date, holidays: Collection[date]) -> int:
    """Working days after `start` up to and with `end`; negative where `end` lies before."""
    if end < start:
        return -between(end, start, holidays)
    return sum(_is_worked(start + timedelta(days=n), holidays) for n in range(1, (end - start).days + 1))


def _is_worked(day: date, holidays: Collection[date]) -> bool:
    return day.weekday() < _SATURDAY and day not in holidays

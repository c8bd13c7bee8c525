"""Working days: Monday to Friday. Public holidays differ by place and are not known here."""

from __future__ import annotations

from datetime import date, timedelta

_SATURDAY = 5


def after(day: date, working_days: int) -> date:
    """The day that lies so many working days after `day`."""
    left = working_days
    while left > 0:
        day += timedelta(days=1)
        left -= day.weekday() < _SATURDAY
    return day


def between(start: date, end: date) -> int:
    """Working days after `start` up to and with `end`; negative where `end` lies before."""
    if end < start:
        return -between(end, start)
    return sum((start + timedelta(days=n)).weekday() < _SATURDAY for n in range(1, (end - start).days + 1))

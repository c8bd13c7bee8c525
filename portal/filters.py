"""How values are written on pages: times, numbers, money, and the coordinates of charts. All times are UTC."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def as_utc(moment: datetime) -> datetime:
    """The moment with its zone; the database gives moments in UTC without one."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def day(value: date | datetime | None) -> str:
    """ "3 Nov 2026", or a dash where there is none."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        value = as_utc(value).date()
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def moment(value: datetime | None) -> str:
    """ "3 Nov 2026, 19:02 UTC", or a dash."""
    return "–" if value is None else f"{day(value)}, {as_utc(value):%H:%M} UTC"


def exact(value: datetime) -> str:
    """RFC 3339 to the second, for the `datetime` attribute."""
    return as_utc(value).isoformat(timespec="seconds").replace("+00:00", "Z")


def ago(value: datetime, now: datetime) -> str:
    """How long ago or ahead, in the largest unit that is not 0; beyond 30 days the date."""
    away = as_utc(now) - as_utc(value)
    size = abs(away)
    if size < timedelta(seconds=45):
        return "just now" if away >= timedelta(0) else "in a moment"
    if size > timedelta(days=30):
        return day(value)
    count, unit = _largest(size)
    words = f"{count} {unit}" + ("" if count == 1 else "s")
    return f"{words} ago" if away >= timedelta(0) else f"in {words}"


def _largest(size: timedelta) -> tuple[int, str]:
    seconds = size.total_seconds()
    for unit, length in (("day", 86_400), ("hour", 3_600)):
        if seconds >= length:
            return round(seconds / length), unit
    return max(1, round(seconds / 60)), "minute"


def number(value: float | Decimal | None) -> str:
    """1234567 as "1,234,567"; a dash for none."""
    return "–" if value is None else f"{value:,}"


def percent(share: float) -> str:
    """A share of 0.0125 as "1.25 %"; one too small for two decimals as "under 0.01 %"."""
    if 0 < share < 0.0001:
        return "under 0.01 %"
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %"


def in_words(count: int) -> str:
    """A small count as it begins a sentence: "Three"; larger ones in digits."""
    small = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
    return small[count] if 0 <= count < len(small) else number(count)


def money(value: Decimal | str, currency: str) -> str:
    """Two decimals, or as many as the amount has: "EUR 1,234.50"."""
    amount = Decimal(value)
    places = max(2, -int(amount.normalize().as_tuple().exponent)) if amount else 2
    return f"{currency} {amount:,.{places}f}"


def short_hash(value: str) -> str:
    """The first 12 hex digits in groups of four, as people compare them."""
    return " ".join(value[at : at + 4] for at in (0, 4, 8))


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar in the chart's own units, with what it says."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """A bar chart of 640 by 206 units, ready to be drawn: bars, gridlines as (y, text) and labels as (x, text)."""

    bars: tuple[Bar, ...]
    grid: tuple[tuple[float, str], ...]
    labels: tuple[tuple[float, str], ...]
    width: int = 640
    height: int = 206


def bar_chart(series: Sequence[tuple[str, float | Decimal]]) -> BarChart:
    """Lay out (label, value) pairs, values 0 or more; at most eight labels are written, and no half of a count."""
    left, top, right, bottom = 48, 10, 640, 172
    top_value = nice_ceiling(max((float(value) for _, value in series), default=0.0))
    step = (right - left) / max(1, len(series))
    bars = []
    for at, (label, value) in enumerate(series):
        height = (bottom - top) * float(value) / top_value
        bars.append(
            Bar(
                round(left + at * step + step * 0.12, 2),
                round(bottom - height, 2),
                round(step * 0.76, 2),
                round(height, 2),
                label,
                number(value),
            )
        )
    every = max(1, math.ceil(len(series) / 8))
    labels = tuple((round(left + (at + 0.5) * step, 2), label) for at, (label, _) in enumerate(series) if at % every == 0)
    counts = all(float(value).is_integer() for _, value in series)
    parts = [part for part in (0, 1, 2) if not counts or (top_value * part / 2).is_integer()]
    grid = tuple((round(bottom - (bottom - top) * part / 2, 2), _tick(top_value * part / 2)) for part in parts)
    return BarChart(tuple(bars), grid, labels)


def nice_ceiling(value: float) -> float:
    """The next of 1, 2, 4, 5, 10 times a power of ten, so that half of it is a round number too; 1 for 0."""
    if value <= 0:
        return 1.0
    power = float(10 ** math.floor(math.log10(value)))
    return next(factor * power for factor in (1, 2, 4, 5, 10) if value <= factor * power * 1.0000001)


def _tick(value: float) -> str:
    for size, letter in ((1e9, " bn"), (1e6, " M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"

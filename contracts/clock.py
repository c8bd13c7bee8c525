"""Time, injected. Nothing else in the house reads the system clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the time as an aware datetime in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FileClock:
    """The machine's clock moved by the seconds written in a file.

    Tests move the time of several processes at once by rewriting that file. A production start refuses it
    (`contracts.settings`), because whoever can write the file could revive an ended contract.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        try:
            offset = float(self._path.read_text(encoding="ascii").strip() or "0")
        except FileNotFoundError:
            offset = 0.0
        return datetime.now(UTC) + timedelta(seconds=offset)


class FixedClock:
    """A clock that stands still until it is moved; for tests within one process."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, **parts: float) -> None:
        """Move the time on by the parts of a `timedelta`."""
        self._at += timedelta(**parts)


def rfc3339(moment: datetime) -> str:
    """The moment as RFC 3339 in UTC with milliseconds, as every face of the house writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day_in(moment: datetime, zone: str) -> date:
    """The calendar day of the moment in a time zone such as `Europe/Berlin`; quota days and contract dates go by it."""
    return moment.astimezone(ZoneInfo(zone)).date()


def long_day(day: date) -> str:
    """A day as people read it in mails and contracts: 2 November 2026."""
    return f"{day.day} {day:%B %Y}"

"""How often requests are refused, and how often we fail: written down every few seconds, read by pages and by partners' programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col

from contracts.errors import LicetError
from contracts.health.tables import HealthDay, HealthMinute
from contracts.health.tally import Counted, Tally
from contracts.quotas.service import day_of
from contracts.store.jobs import Job
from contracts.store.sums import add
from contracts.store.unit import Store

log = structlog.get_logger()

SECONDS = 5.0
KEPT_MINUTES, KEPT_DAYS = timedelta(hours=25), timedelta(days=366)
_ENDS = ("answered", "refused", "failed")


@dataclass(frozen=True, slots=True)
class Ends:
    """How requests ended. `failed` are errors of ours."""

    answered: int = 0
    refused: int = 0
    failed: int = 0

    @property
    def requests(self) -> int:
        """All of them."""
        return self.answered + self.refused + self.failed

    def share(self, count: int) -> float:
        """A part of all, from 0 to 1 with six decimals; 0 where there were none."""
        return round(count / self.requests, 6) if self.requests else 0.0

    def plus(self, other: Ends) -> Ends:
        """Both together."""
        return Ends(self.answered + other.answered, self.refused + other.refused, self.failed + other.failed)

    def told(self) -> dict[str, Any]:
        """For programs: counts, and the shares of refusals and of our errors."""
        shares = {"refused_share": self.share(self.refused), "failed_share": self.share(self.failed)}
        return {"requests": self.requests, "refused": self.refused, "failed": self.failed, **shares}


def jobs(store: Store, tally: Tally, zone: str) -> list[Job]:
    """The recurring work of a process that answers /v1: what it counted is in its own memory."""

    def write() -> int:
        flush(store, tally, zone)
        return 0  # whatever was written, the pause is kept

    return [Job("health", SECONDS, write), Job("health-prune", 3_600.0, lambda: prune(store))]


def flush(store: Store, tally: Tally, zone: str) -> None:
    """Write down what was counted; what cannot be written stays in memory."""

    def write(counted: Counted) -> None:
        minute, day = counted.at.replace(second=0, microsecond=0), day_of(counted.at, zone)
        every, by_contract = Counter[str](), dict[str, Counter[str]]()
        for (contract_id, outcome), count in counted.ends.items():
            every[outcome] += count
            if contract_id:
                by_contract.setdefault(contract_id, Counter())[outcome] += count
        with store.write("health") as unit:
            add(unit, HealthMinute, [{"minute": minute, **_row(every)}], sums=_ENDS)
            rows = [{"contract_id": each, "day": day, **_row(ends)} for each, ends in sorted(by_contract.items())]
            add(unit, HealthDay, rows, sums=_ENDS)

    tally.hand_over(store.clock.now(), write)


def close(store: Store, tally: Tally, zone: str) -> None:
    """Write down the last of it before the process ends. Where the store is away they are lost, and the rest of the house still ends."""
    try:
        flush(store, tally, zone)
    except (SQLAlchemyError, LicetError) as error:
        log.warning("health.lost", error=type(error).__name__)


def prune(store: Store) -> int:
    """Delete minutes older than a day and days older than a year; returns how many rows."""
    with store.write("health prune") as unit:
        minutes = unit.connection.execute(delete(HealthMinute).where(col(HealthMinute.minute) < unit.now - KEPT_MINUTES)).rowcount
        oldest = (unit.now - KEPT_DAYS).date()
        return int(minutes + unit.connection.execute(delete(HealthDay).where(col(HealthDay.day) < oldest)).rowcount)


def since(session: Session, moment: datetime) -> Ends:
    """How requests of everybody ended, from the minute of a moment on."""
    sums = [func.coalesce(func.sum(getattr(HealthMinute, name)), 0) for name in _ENDS]
    minute = moment.replace(second=0, microsecond=0)
    return Ends(*map(int, session.connection().execute(select(*sums).where(col(HealthMinute.minute) >= minute)).one()))


def of_platform(session: Session, now: datetime) -> dict[str, Ends]:
    """How requests of everybody ended in the last five minutes and in the last day."""
    return {"five_minutes": since(session, now - timedelta(minutes=5)), "day": since(session, now - timedelta(days=1))}


def by_day(session: Session, contract_id: str, first: date) -> dict[date, Ends]:
    """How a contract's requests ended on each day from the first on; days without requests are left out."""
    columns = [col(getattr(HealthDay, name)) for name in ("day", *_ENDS)]
    query = select(*columns).where(col(HealthDay.contract_id) == contract_id, col(HealthDay.day) >= first)
    return {day: Ends(*counts) for day, *counts in session.connection().execute(query)}


def in_all(days: dict[date, Ends]) -> Ends:
    """All days together."""
    found = Ends()
    for each in days.values():
        found = found.plus(each)
    return found


def _row(ends: Counter[str]) -> dict[str, int]:
    return {name: ends[name] for name in _ENDS}

"""What the operator's page reads: recent counts, and whom the gate stopped or would have stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from contracts.gate.naming import Named
from contracts.gate.tables import GateCount, GateStop
from contracts.gate.tally import OUTCOMES

HOURS = 24


@dataclass(frozen=True, slots=True)
class Hour:
    """Requests by outcome of one hour; every outcome of `OUTCOMES` is there."""

    begins: datetime
    requests: dict[str, int]

    @property
    def total(self) -> int:
        """All requests of the hour."""
        return sum(self.requests.values())


@dataclass(frozen=True, slots=True)
class Effect:
    """One kind of effect: rows of `stops`, identities and requests that it concerned, and the contracts among them."""

    rows: int = 0
    identities: int = 0
    requests: int = 0
    contracts: int = 0


def hours(session: Session, now: datetime) -> list[Hour]:
    """The last 24 hours, oldest first, the present one last."""
    last = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    begins = [last - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]
    sums = {begin: dict.fromkeys(OUTCOMES, 0) for begin in begins}
    rows = session.exec(select(GateCount).where(col(GateCount.minute) >= begins[0])).all()
    for row in rows:
        hour = row.minute.astimezone(UTC).replace(minute=0)
        if hour in sums and row.outcome in OUTCOMES:
            sums[hour][row.outcome] += row.requests
    return [Hour(begin, requests) for begin, requests in sums.items()]


def stops(session: Session, now: datetime, effect: str = "", reason: str = "", limit: int = 100) -> list[GateStop]:
    """Who was or would have been stopped in the last 24 hours, latest first; `effect` and `reason` narrow, empty for all."""
    recent = select(GateStop).where(*_wanted(now, effect, reason))
    return list(session.exec(recent.order_by(col(GateStop.last_at).desc(), col(GateStop.identity)).limit(limit)).all())


def stop_of(session: Session, decision: Named) -> GateStop | None:
    """The sum of that day which a decision is part of.

    None in the second before it is written, once it is pruned, and where so many were stopped at once that others stand for it.
    """
    same = (GateStop.mark == decision.mark, GateStop.reason == decision.reason, GateStop.effect == decision.effect)
    return session.exec(select(GateStop).where(*same, GateStop.day == decision.at.astimezone(UTC).date())).first()


def effects(session: Session, now: datetime) -> dict[str, Effect]:
    """`stopped` and `would_stop` of the last 24 hours in numbers."""
    found = {"stopped": Effect(), "would_stop": Effect()}
    asked = select_columns(
        col(GateStop.effect),
        func.count(),
        func.count(func.distinct(col(GateStop.identity))),
        func.sum(col(GateStop.requests)),
        func.count(func.distinct(func.nullif(col(GateStop.contract_id), ""))),
    ).where(*_wanted(now))
    for effect, rows, identities, requests, contracts in session.connection().execute(asked.group_by(col(GateStop.effect))):
        found[effect] = Effect(int(rows), int(identities), int(requests), int(contracts))
    return found


def by_reason(session: Session, now: datetime, effect: str = "") -> dict[str, int]:
    """How many rows of `stops` each reason has, most first."""
    asked = select_columns(col(GateStop.reason), func.count()).where(*_wanted(now, effect)).group_by(col(GateStop.reason))
    counted = [(reason, int(rows)) for reason, rows in session.connection().execute(asked)]
    return dict(sorted(counted, key=lambda each: (-each[1], each[0])))


def _wanted(now: datetime, effect: str = "", reason: str = "") -> list[ColumnElement[bool]]:
    wanted = [col(GateStop.last_at) >= now - timedelta(hours=HOURS)]
    if effect:
        wanted.append(col(GateStop.effect) == effect)
    if reason:
        wanted.append(col(GateStop.reason) == reason)
    return wanted

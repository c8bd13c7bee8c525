"""What the operator's page reads: recent counts, and whom the gate stopped or would have stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

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
    """One kind of effect over a span: how many identities and requests it concerned, and the licensed ones among them."""

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


def stops(session: Session, now: datetime, limit: int = 100) -> list[GateStop]:
    """Who was or would have been stopped in the last 24 hours, latest first."""
    recent = select(GateStop).where(col(GateStop.last_at) >= now - timedelta(hours=HOURS))
    return list(session.exec(recent.order_by(col(GateStop.last_at).desc(), col(GateStop.identity)).limit(limit)).all())


def effects(session: Session, now: datetime) -> dict[str, Effect]:
    """`stopped` and `would_stop` of the last 24 hours in numbers."""
    found = {"stopped": Effect(), "would_stop": Effect()}
    asked = select(
        GateStop.effect,
        func.count(func.distinct(GateStop.identity)),
        func.sum(GateStop.requests),
        func.count(func.distinct(func.nullif(GateStop.contract_id, ""))),
    ).where(col(GateStop.last_at) >= now - timedelta(hours=HOURS))
    for effect, identities, requests, contracts in session.exec(asked.group_by(col(GateStop.effect))).all():
        found[effect] = Effect(int(identities), int(requests), int(contracts))
    return found


def by_reason(rows: Sequence[GateStop]) -> dict[str, int]:
    """Requests by reason, most first."""
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.reason] = sums.get(row.reason, 0) + row.requests
    return dict(sorted(sums.items(), key=lambda each: -each[1]))

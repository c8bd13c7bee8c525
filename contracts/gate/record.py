"""How the gate keeps what it saw of visitors without a licence: counts, and sums of stops. Licensed fetches are in `metering`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import delete
from sqlmodel import col

from contracts.clock import rfc3339
from contracts.gate.naming import KEEP, mark_of
from contracts.gate.tables import GateCount, GateStop
from contracts.gate.tally import Sums
from contracts.ledger.stage import Entry
from contracts.store.sums import add
from contracts.store.unit import Unit


def count_entry(counts: Mapping[str, int], since: datetime, until: datetime) -> Entry:
    """Visitors of a span of time as numbers alone."""
    return Entry(event="gate.counted", facts={"from": rfc3339(since), "until": rfc3339(until), **dict(sorted(counts.items()))})


def write_sums(unit: Unit, sums: Sums) -> None:
    """Add counts and stops to their rows."""
    counts = [{"minute": minute, "outcome": outcome, "requests": requests} for (minute, outcome), requests in sorted(sums.counts.items())]
    add(unit, GateCount, counts, sums=("requests",))
    stops = [
        {
            "day": stop.last_at.astimezone(UTC).date(),
            **{"identity": key.identity, "reason": key.reason, "effect": key.effect},
            **{"network": stop.network, "agent": stop.agent, "contract_id": stop.contract_id, "first_at": stop.first_at},
            **{"last_at": stop.last_at, "last_decision": stop.last_decision, "requests": stop.requests, "pages": stop.pages},
            "mark": mark_of(key.identity),
        }
        for key, stop in sums.stops.items()
    ]
    add(unit, GateStop, stops, sums=("requests",), latest=("last_at", "last_decision"), most=("pages",))


def by_outcome(sums: Sums) -> Counter[str]:
    """Requests by outcome, whatever their minute."""
    total: Counter[str] = Counter()
    for (_minute, outcome), requests in sums.counts.items():
        total[outcome] += requests
    return total


def prune(unit: Unit) -> int:
    """Delete counts and stops older than 30 days; returns how many rows."""
    oldest = unit.now - KEEP
    counts = unit.connection.execute(delete(GateCount).where(col(GateCount.minute) < oldest)).rowcount
    return int(counts + unit.connection.execute(delete(GateStop).where(col(GateStop.last_at) < oldest)).rowcount)

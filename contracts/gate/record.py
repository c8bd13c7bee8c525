"""How what the gate saw becomes durable: licensed fetches as ledger entries, everyone else as counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlmodel import col

from contracts.clock import rfc3339
from contracts.gate.tables import GateCount, GateStop
from contracts.gate.tally import Fetch, Sums
from contracts.ledger.stage import Entry
from contracts.store.sums import add
from contracts.store.unit import Unit

PATHS_AN_ENTRY = 100
KEEP = timedelta(days=30)


def fetch_entries(fetches: Sequence[Fetch]) -> list[Entry]:
    """One entry for each client, outcome and network of a batch, at most 100 fetches each.

    Paths of the site may name people, so they stand beside the leaf as an erasable value, in the order of the fetches.
    """
    groups: dict[Fetch, list[str]] = defaultdict(list)
    for fetch in fetches:
        groups[_without_path(fetch)].append(fetch.path)
    return [_entry(group, paths) for group, all_paths in groups.items() for paths in _chunks(all_paths)]


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


def _without_path(fetch: Fetch) -> Fetch:
    return Fetch(
        fetch.contract_id,
        fetch.contract_version,
        fetch.terms_sha256,
        fetch.organisation_id,
        fetch.client_id,
        fetch.allowed,
        fetch.reason,
        "",
        fetch.network,
    )


def _chunks(paths: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(paths), PATHS_AN_ENTRY):
        yield paths[start : start + PATHS_AN_ENTRY]


def _entry(group: Fetch, paths: list[str]) -> Entry:
    listed = "\n".join(paths)
    return Entry(
        event="gate.fetched",
        decision="allow" if group.allowed else "refuse",
        rule=group.reason,
        organisation=group.organisation_id,
        contract=group.contract_id,
        contract_version=group.contract_version,
        contract_hash=group.terms_sha256,
        credential=group.client_id,
        credential_kind="client",
        facts={"fetches": len(paths), "different": len(set(paths))},
        personal={"paths": listed, "network": group.network},
    )

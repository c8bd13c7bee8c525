"""Reconciles one day after the other, in an entry of its own that says where the next one goes on.

A leaf that was never written leaves no trace in the tree. What can show it are a node's own numbers, which are given without gap in the
transaction that writes, and counts that somebody else made: a proxy's. Both are compared here; what neither has, nobody finds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlmodel import Session, col, select

from contracts.completeness.counts import Counts, counts_of
from contracts.credentials.tables import Followed
from contracts.errors import Misconfigured
from contracts.incidents.service import open_incident
from contracts.ledger.projection import UNREADABLE, read_leaf
from contracts.ledger.queries import Search, entry, search
from contracts.ledger.stage import Entry, record
from contracts.ledger.tables import LedgerEntry, LedgerHead
from contracts.settings import Settings
from contracts.store.unit import Store, Unit

EVENT = "completeness.checked"
SETTLED = timedelta(hours=3)
"""So long after its end a day is reconciled: proxies have turned their logs over by then."""
EDGE = 20
"""Requests that the two sides may count on different days, because they ran over midnight."""
GAPS_TOLD = 20
DATA = frozenset({"access.records", "access.aggregate", "access.estimate", "sandbox.records"})
OUTCOMES = ("visitor", "licensed", "open", "stopped", "would_stop")
_BLOCK = 2_000


@dataclass(slots=True)
class Found:
    """What the ledger says of a day: entries, each node's last number, gaps, and what can be compared."""

    day: date
    next: int
    nodes: dict[str, int]
    entries: int = 0
    gaps: list[dict[str, Any]] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)


def tick(store: Store, settings: Settings) -> int:
    """Reconcile the next day that is over; 1 where there was one, so that days which were missed follow at once. The job `completeness`."""
    with store.read() as session:
        before = last(session)
        start = int(before["next"]) if before else 0
        day = date.fromisoformat(before["day"]) + timedelta(days=1) if before else _first_day(session)
        if day is None or store.clock.now() < _midnight(day + timedelta(days=1)) + SETTLED:
            return 0
        found = _read(session, day, start, dict(before["nodes"]) if before else {})
    counts, wrong = _counts(settings, day)
    with store.write("completeness") as unit:
        if not _first_of(unit, day):
            return 0
        facts = told(found, *counts) | ({"unreadable": wrong} if wrong else {})
        record(unit, Entry(event=EVENT, decision="done", facts=facts))
        if missing := lost(facts):
            open_incident(unit, "entries_missing", f"Entries of {day.isoformat()} are missing", {"reason": missing, "day": day.isoformat()})
    return 1


def last(session: Session) -> dict[str, Any] | None:
    """What the newest entry of this kind says; None before the first."""
    rows = search(session, Search(event=EVENT, limit=1)).rows
    return None if not rows else dict(entry(session, rows[0].entry_id).facts["facts"])


def told(found: Found, counts: Counts | None, file: str) -> dict[str, Any]:
    """What the entry says of a day."""
    proxies = {name: value for name in ("data", "gate") if counts is not None and (value := getattr(counts, name)) is not None}
    return {
        **{"day": found.day.isoformat(), "next": found.next, "nodes": found.nodes, "entries": found.entries},
        **{"gaps": found.gaps[:GAPS_TOLD], "gaps_in_all": len(found.gaps)},
        "ledger": {name: found.counted[name] for name in ("data", "gate")},
        **({"proxies": proxies, "source": counts.source, "file_sha256": file} if counts is not None else {}),
    }


def lost(facts: Mapping[str, Any]) -> str:
    """What is missing by an entry's facts, as a sentence; empty where nothing is."""
    if facts["gaps_in_all"]:
        first = facts["gaps"][0]
        return f"{facts['gaps_in_all']} gaps in the numbers of nodes; the first at {first['node']}, after its number {first['after']}."
    for name, what in (("data", "answers with data"), ("gate", "requests to the gate")):
        there, here = facts.get("proxies", {}).get(name, 0), facts["ledger"][name]
        if there - here > EDGE:
            return f"The proxies counted {there:,} {what}, and the ledger has {here:,}."
    return ""


def _first_of(unit: Unit, day: date) -> bool:
    """Whether no other worker has reconciled the day: its row is locked until the result stands, which search knows a moment later."""
    done = unit.session.get(Followed, EVENT, with_for_update=True, populate_existing=True)
    if done is not None and done.next >= day.toordinal():
        return False
    unit.session.merge(Followed(name=EVENT, next=day.toordinal()))
    return True


def _read(session: Session, day: date, start: int, nodes: dict[str, int]) -> Found:
    """Entries from a place on, up to the first that was written on the day after."""
    found, end = Found(day, start, nodes), _midnight(day + timedelta(days=1))
    for row in _leaves(session, start):
        try:
            facts = read_leaf(row.leaf)
            at, node, number = datetime.fromisoformat(facts["at"]), str(facts["node"]), int(facts["n"])
        except UNREADABLE:
            found.gaps.append({"node": "", "after": row.index, "next": row.index})
            continue
        if at >= end:
            break
        known = found.nodes.get(node, 0)
        if number != known + 1:
            found.gaps.append({"node": node, "after": known, "next": number})
        found.nodes[node], found.next, found.entries = number, row.index + 1, found.entries + 1
        _count(found.counted, facts)
    return found


def _count(counted: Counter[str], facts: Mapping[str, Any]) -> None:
    if facts["event"] in DATA and facts["decision"] == "allow":
        counted["data"] += 1
    elif facts["event"] == "gate.counted":
        counted["gate"] += sum(int(facts.get("facts", {}).get(name, 0)) for name in OUTCOMES)


def _leaves(session: Session, start: int) -> Iterator[LedgerEntry]:
    size = session.exec(select(LedgerHead.size)).first() or 0
    for first in range(start, size, _BLOCK):
        number = col(LedgerEntry.index)
        yield from session.exec(select(LedgerEntry).where(number >= first, number < min(first + _BLOCK, size)).order_by(number)).all()
        session.expunge_all()


def _first_day(session: Session) -> date | None:
    row = next(_leaves(session, 0), None)
    try:
        return None if row is None else datetime.fromisoformat(read_leaf(row.leaf)["at"]).astimezone(UTC).date()
    except UNREADABLE:
        return None


def _counts(settings: Settings, day: date) -> tuple[tuple[Counts | None, str], str]:
    try:
        return counts_of(settings.home, day) or (None, ""), ""
    except Misconfigured as error:
        return (None, ""), f"{error.where} {error.problem}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

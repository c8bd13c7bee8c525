"""A day's reconciliation: what fits, what is missing, and that each day has one result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlmodel import col

from contracts.clock import FixedClock
from contracts.completeness.service import EDGE, last, tick
from contracts.incidents.tables import Incident
from contracts.keys import KeyRing
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, record
from contracts.ledger.tables import LedgerEntry
from contracts.settings import Settings
from contracts.store.unit import Store
from tests.portal.house import settings


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    return settings(home=str(tmp_path))


def answered(store: Store, count: int, **facts: Any) -> None:
    with store.write() as unit:
        for _ in range(count):
            record(unit, Entry(event="access.records", decision="allow", rows=1))
        if facts:
            record(unit, Entry(event="gate.counted", facts=facts))


def integrate(store: Store) -> None:
    sequencer = Sequencer(store, KeyRing(bytes(range(32))), "test/ledger")
    while sequencer.integrate():
        pass


def counted(chosen: Settings, day: str, **counts: Any) -> None:
    folder = chosen.home / "counts"
    folder.mkdir(exist_ok=True)
    (folder / f"{day}.json").write_text(json.dumps({"source": "nginx"} | counts))


def results(store: Store, chosen: Settings) -> list[dict[str, Any]]:
    """Reconcile every day that is over; what each said."""
    found = []
    while tick(store, chosen):
        integrate(store)
        with store.read() as session:
            found.append(last(session) or {})
    return found


def incidents(store: Store) -> list[tuple[str, str]]:
    with store.read() as session:
        return [(each.title, str(each.facts["reason"])) for each in session.execute(select(Incident)).scalars()]


def test_a_day_is_compared_once_it_is_over_and_once(store: Store, chosen: Settings, clock: FixedClock) -> None:
    answered(store, 3, visitor=5, stopped=2)
    integrate(store)
    assert tick(store, chosen) == 0
    day = clock.now().date().isoformat()
    clock.advance(days=1)
    answered(store, 2)
    integrate(store)
    counted(chosen, day, data=3, gate=7)
    clock.advance(hours=20)
    found = results(store, chosen)
    first = found[0]
    assert (first["day"], first["ledger"], first.get("proxies"), first["gaps_in_all"]) == (
        day,
        {"data": 3, "gate": 7},
        {"data": 3, "gate": 7},
        0,
    )
    assert (len({each["day"] for each in found}), tick(store, chosen), incidents(store)) == (len(found), 0, [])


def test_days_that_nobody_ran_follow_each_other_without_a_false_gap(store: Store, chosen: Settings, clock: FixedClock) -> None:
    for _ in range(4):
        answered(store, 2)
        clock.advance(days=1)
    integrate(store)
    clock.advance(hours=5)
    found = results(store, chosen)
    assert [each["ledger"]["data"] for each in found] == [2, 2, 2, 2]
    assert ([each["gaps_in_all"] for each in found], incidents(store)) == ([0, 0, 0, 0], [])


@pytest.mark.parametrize(("more", "missing"), [(EDGE, False), (EDGE + 1, True)])
def test_more_at_the_proxies_than_in_the_ledger_opens_an_incident(
    store: Store, chosen: Settings, clock: FixedClock, more: int, missing: bool
) -> None:
    answered(store, 4)
    integrate(store)
    day = clock.now().date().isoformat()
    counted(chosen, day, data=4 + more)
    clock.advance(days=1, hours=5)
    assert len(results(store, chosen)) == 1
    said = [(f"Entries of {day} are missing", f"The proxies counted {4 + more:,} answers with data, and the ledger has 4.")]
    assert incidents(store) == (said if missing else [])


def test_a_missing_stretch_opens_an_incident_and_is_told_once(store: Store, chosen: Settings, clock: FixedClock) -> None:
    answered(store, 6)
    integrate(store)
    with store.write() as unit:
        unit.connection.execute(delete(LedgerEntry).where(col(LedgerEntry.index).in_([2, 3])))
    clock.advance(days=1, hours=5)
    (found,) = results(store, chosen)
    assert found["gaps"] == [{"node": "main", "after": 2, "next": 5}]
    assert [title for title, _ in incidents(store)] == [f"Entries of {found['day']} are missing"]
    clock.advance(days=1)
    assert [each["gaps_in_all"] for each in results(store, chosen)] == [0]


@pytest.mark.parametrize("counts", ["no JSON", '{"data": -1, "source": "x"}', '{"data": 1}', '{"records": 1, "source": "x"}'])
def test_counts_that_cannot_be_read_are_said_to_be_so(store: Store, chosen: Settings, clock: FixedClock, counts: str) -> None:
    answered(store, 1)
    integrate(store)
    counted(chosen, clock.now().date().isoformat())
    (chosen.home / "counts" / f"{clock.now().date().isoformat()}.json").write_text(counts)
    clock.advance(days=1, hours=5)
    (found,) = results(store, chosen)
    assert ("cannot be read as counts" in found["unreadable"], "proxies" in found, incidents(store)) == (True, False, [])


def test_two_workers_leave_one_result(store: Store, chosen: Settings, clock: FixedClock) -> None:
    answered(store, 1)
    integrate(store)
    clock.advance(days=1, hours=5)
    # The second asks before search knows of the first one's result.
    assert (tick(store, chosen), tick(store, chosen)) == (1, 0)
    integrate(store)
    assert tick(store, chosen) == 0

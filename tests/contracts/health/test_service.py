"""How requests ended: what several processes counted adds up, and nothing is lost where it cannot be written at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.health import service
from contracts.health.service import Ends
from contracts.health.tables import HealthDay, HealthMinute
from contracts.health.tally import Tally, outcome_of
from contracts.store.engine import open_engine
from contracts.store.unit import Store

DAY = date(2026, 11, 2)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "answered"),
        (304, "answered"),
        (399, "answered"),
        (400, "refused"),
        (429, "refused"),
        (499, "refused"),
        (500, "failed"),
        (503, "failed"),
    ],
)
def test_outcomes_by_status(status: int, outcome: str) -> None:
    assert outcome_of(status) == outcome


def test_shares_are_of_all_requests() -> None:
    ends = Ends(answered=995, refused=4, failed=1)
    assert ends.told() == {"requests": 1_000, "refused": 4, "failed": 1, "refused_share": 0.004, "failed_share": 0.001}
    assert Ends().told() == {"requests": 0, "refused": 0, "failed": 0, "refused_share": 0.0, "failed_share": 0.0}


def test_what_several_processes_counted_adds_up(store: Store) -> None:
    tallies = [Tally() for _ in range(3)]
    for tally in tallies:
        for _ in range(5):
            tally.count("ctr_1", "answered")
        tally.count("ctr_2", "refused")
        tally.count("", "failed")
        tally.count("", "refused")  # nobody's: a flood without tokens makes no failure look rare
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda tally: service.flush(store, tally, "UTC"), tallies))
        list(pool.map(lambda tally: service.flush(store, tally, "UTC"), tallies))  # there is nothing more
    with store.read() as session:
        assert service.since(session, store.clock.now()) == Ends(15, 3, 3)
        assert service.by_day(session, "ctr_1", DAY) == {DAY: Ends(15, 0, 0)}
        assert service.by_day(session, "ctr_2", DAY) == {DAY: Ends(0, 3, 0)}


def test_spans_and_days_of_the_platforms_zone(sqlite_store: Store, clock: FixedClock) -> None:
    tally = Tally()
    for minutes in (0, 1_000, 600, 4, 1):
        clock.advance(minutes=minutes)
        tally.count("ctr_1", "answered")
        service.flush(sqlite_store, tally, "Pacific/Auckland")
    with sqlite_store.read() as session:
        told = service.of_platform(session, clock.now())
        days = service.by_day(session, "ctr_1", date(2026, 1, 1))
    assert told == {"five_minutes": Ends(3), "day": Ends(4)}
    assert (sum(each.answered for each in days.values()), service.in_all(days)) == (5, Ends(5))
    assert len(days) == 3


def test_what_cannot_be_written_is_kept_with_its_moment(sqlite_store: Store, clock: FixedClock) -> None:
    tally, before = Tally(), clock.now()
    tally.count("ctr_1", "answered")

    def fail(_counted: object) -> None:
        raise OSError("the store is away")

    with pytest.raises(OSError, match="away"):
        tally.hand_over(clock.now(), fail)
    clock.advance(minutes=30)
    tally.count("ctr_1", "failed")
    service.flush(sqlite_store, tally, "UTC")
    with sqlite_store.read() as session:
        rows = {row.minute: (row.answered, row.failed) for row in session.exec(select(HealthMinute)).all()}
    assert rows == {before.replace(second=0, microsecond=0): (1, 0), clock.now().replace(second=0, microsecond=0): (0, 1)}


def test_a_process_ends_though_its_store_is_away(tmp_path: Path, clock: FixedClock) -> None:
    tally, engine = Tally(), open_engine(f"sqlite:///{tmp_path}/none/licet.db")
    tally.count("ctr_1", "answered")
    service.close(Store(engine, clock), tally, "UTC")
    engine.dispose()


def test_minutes_go_after_a_day_and_days_after_a_year(store: Store, clock: FixedClock) -> None:
    tally = Tally()
    tally.count("ctr_1", "answered")
    service.flush(store, tally, "UTC")
    clock.advance(hours=25)
    assert service.prune(store) == 0
    clock.advance(minutes=2)
    assert service.prune(store) == 1
    clock.advance(days=366)
    assert service.prune(store) == 1
    with store.read() as session:
        assert session.exec(select(HealthDay)).all() == []

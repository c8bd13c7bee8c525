"""Quota days, and exactness over several processes' writers."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlmodel import select

from contracts.access.grants import GrantCache
from contracts.access.reader import Reader
from contracts.access.writer import AccessWriter
from contracts.clock import FixedClock
from contracts.deliveries.tables import Delivery
from contracts.quotas.service import Used, day_of, locked, resets_at, settle, used_on
from contracts.quotas.tables import QuotaDay
from contracts.store.engine import open_engine
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from tests.harness.data import World, run, world


@pytest.mark.parametrize(
    ("moment", "zone", "day", "reset"),
    [
        (datetime(2026, 11, 2, 23, 59, tzinfo=UTC), "UTC", date(2026, 11, 2), datetime(2026, 11, 3, tzinfo=UTC)),
        (datetime(2026, 11, 2, 23, 30, tzinfo=UTC), "Europe/Berlin", date(2026, 11, 3), datetime(2026, 11, 3, 23, tzinfo=UTC)),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/Berlin", date(2026, 10, 25), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), "Europe/Berlin", date(2026, 3, 29), datetime(2026, 3, 29, 22, tzinfo=UTC)),
    ],
)
def test_days_begin_at_midnight_of_the_platforms_zone(moment: datetime, zone: str, day: date, reset: datetime) -> None:
    assert day_of(moment, zone) == day
    assert resets_at(day, zone) == reset


def test_accounts_move_only_from_what_was_locked(store: Store) -> None:
    day = date(2026, 11, 2)
    with store.write() as unit:
        before = locked(unit, [("ctr_2", day), ("ctr_1", day), ("ctr_1", day)])
        assert before == {("ctr_1", day): Used(), ("ctr_2", day): Used()}
        settle(unit, before, {("ctr_1", day): Used(7, 900), ("ctr_2", day): Used()})
    with store.write() as unit:
        assert locked(unit, [("ctr_1", day)]) == {("ctr_1", day): Used(7, 900)}
        for seen in (Used(6, 900), Used(7, 899)):
            with pytest.raises(RuntimeError, match="moved under its lock"):
                settle(unit, {("ctr_1", day): seen}, {("ctr_1", day): Used(9, 990)})
    with store.read() as session:
        assert (used_on(session, "ctr_1", day), used_on(session, "ctr_3", day)) == (Used(7, 900), Used())


def test_several_writers_give_out_exactly_the_quota(store: Store, clock: FixedClock, tmp_path: Path) -> None:
    with world(store, clock, tmp_path, posts=100) as data, ExitStack() as ends:
        contract, client = data.contract(records_per_day=100)
        others = [_beside(data, f"node-{number}", ends) for number in range(2)]
        caller = data.caller(contract, client)

        async def all_at_once() -> list[int]:
            readers = [data, *others]
            answers = await asyncio.gather(*(readers[number % 3].ask(caller, limit="9") for number in range(45)))
            assert {answer.refusal.code for answer in answers if answer.refusal} <= {"quota_exhausted"}
            return [answer.quotas.standings[0].used for answer in answers if answer.quotas and not answer.refusal]

        assert max(run(all_at_once())) == 100
        with store.read() as session:
            assert sum(row.count for row in session.exec(select(Delivery)).all()) == 100
            assert session.exec(select(QuotaDay.used)).all() == [100]
        assert {leaf["node"] for leaf in data.leaves()} == {"main", "node-0", "node-1"}
        assert len({(leaf["node"], leaf["n"]) for leaf in data.leaves()}) == len(data.leaves()) == 45


def _beside(data: World, node: str, ends: ExitStack) -> World:
    """The same platform as another process sees it: own engine, own lock, own writer."""
    engine = open_engine(data.store.engine.url.render_as_string(hide_password=False))
    ends.callback(engine.dispose)
    store = Store(engine, data.clock, node)
    watch = EpochWatch(store)
    writer = AccessWriter(store, watch, data.clock)
    writer.start()
    ends.callback(writer.stop)
    grants = GrantCache(store, data.keys, data.clock, watch)
    reader = Reader(store, data.settings, data.clock, watch, data.keys, data.catalogue, grants, writer)
    ends.callback(reader.close)
    return World(store, data.clock, data.settings, data.keys, data.cast, data.posts, watch, data.catalogue, grants, writer, reader)

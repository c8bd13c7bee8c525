"""Alerts at 80 and 100 percent: once each for a day or a period, whoever looks, on both stores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.quotas.alerts import AlertWatch, percent_reached, told_of
from contracts.quotas.tables import QuotaAlert
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store
from contracts.webhooks.events import PARTNERS
from tests.harness.data import World, world

STARTS = "2026-11-02"
DAY = date(2026, 11, 2)


@pytest.fixture
def data(store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    with world(store, clock, tmp_path, posts=120) as made:
        yield made


def told(data: World) -> list[dict[str, Any]]:
    return [leaf["facts"] for leaf in data.leaves("quota.reached")]


def mails(data: World) -> list[tuple[str, str]]:
    with data.store.read() as session:
        rows = session.exec(select(OutboxRow.payload).where(OutboxRow.kind == "mail")).all()
    return sorted((row["to"], row["subject"]) for row in rows)


@pytest.mark.parametrize(
    ("used", "least", "percent"), [(0, 1, 0), (79, 1, 0), (80, 1, 80), (99, 1, 80), (100, 1, 100), (120, 1, 100), (95, 6, 100), (94, 6, 80)]
)
def test_parts_are_reached_at_their_limit(used: int, least: int, percent: int) -> None:
    assert percent_reached(used, 100, least) == percent


def test_each_part_of_a_day_is_told_once_by_mail_and_webhook(data: World) -> None:
    contract, client = data.contract(records_per_day=50)
    watch = AlertWatch(data.store, data.settings)
    for limit, before in ((39, []), (1, [80]), (9, [80]), (1, [80, 100])):
        data.get(data.caller(contract, client), limit=str(limit))
        watch.tick()
        assert [each["percent"] for each in told(data)] == before
        assert (watch.tick(), AlertWatch(data.store, data.settings).tick()) == (0, 0)
    assert told(data)[0] == {"term": "records_per_day", "percent": 80, "used": 40, "limit": 50, "since": "2026-11-02"}
    assert [subject for _, subject in mails(data)] == ['80 % of a quota of "Posts" is used', 'A quota of "Posts" is used up'] * 2
    assert {to for to, _ in mails(data)} == {data.cast.tove.email, data.cast.dev.email}
    assert "quota.reached" in PARTNERS
    data.clock.advance(days=1)
    data.get(data.caller(contract, client), limit="50")
    assert (watch.tick(), told(data)[-1]["percent"], told(data)[-1]["since"]) == (1, 100, "2026-11-03")
    with data.store.read() as session:
        assert [(row.percent, row.since.day) for row in told_of(session, contract)] == [(100, 3), (80, 3), (100, 2), (80, 2)]


def test_quotas_of_the_period_are_told_beside_those_of_the_day(data: World) -> None:
    contract, client = data.contract(records_in_period=20, distinct_records=16, bytes_in_period=10**9, bytes_per_day=3_000, starts=STARTS)
    data.get(data.caller(contract, client), limit="16")
    assert AlertWatch(data.store, data.settings).tick() == 3
    reached = {each["term"]: (each["percent"], each["limit"]) for each in told(data)}
    assert reached == {"records_in_period": (80, 20), "distinct_records": (100, 16), "bytes_per_day": (80, 3_000)}


def test_the_end_of_yesterday_is_told_and_another_limit_is_another_alert(data: World) -> None:
    contract, client = data.contract(records_per_day=10)
    data.get(data.caller(contract, client), limit="10")
    data.clock.advance(hours=20)
    assert (AlertWatch(data.store, data.settings).tick(), told(data)[0]["since"]) == (1, "2026-11-02")
    with data.store.read() as session:
        row = session.exec(select(QuotaAlert).where(QuotaAlert.percent == 100)).one()
    assert (row.contract_id, row.since, row.limit, row.used) == (contract, DAY, 10, 10)


def test_the_datasets_own_limit_is_what_is_reached(store: Store, clock: FixedClock, tmp_path: Path) -> None:
    with world(store, clock, tmp_path, posts=60, max_records_per_day=10) as data:
        contract, client = data.contract(records_per_day=1_000)
        data.get(data.caller(contract, client), limit="10")
        AlertWatch(data.store, data.settings).tick()
        assert [(each["percent"], each["limit"]) for each in told(data)] == [(100, 10)]


def test_several_that_look_at_once_tell_once(data: World) -> None:
    contract, client = data.contract(records_per_day=10)
    data.get(data.caller(contract, client), limit="9")
    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(lambda _: AlertWatch(data.store, data.settings).tick(), range(3))) == 1
    assert [each["percent"] for each in told(data)] == [80] and len(mails(data)) == 2
    assert json.dumps(told(data)[0]).count(contract) == 0

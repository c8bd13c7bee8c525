"""The same request within ten minutes is free, and brings nothing that the first answer did not hold. On both stores."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from contracts.access.query import Query, parse
from contracts.access.request import Answer, Caller, RecordsRequest
from contracts.billing.tables import UsageRow
from contracts.clock import FixedClock
from contracts.datasets.load import ordinal_of
from contracts.deliveries import service as deliveries
from contracts.deliveries.ordinals import Ordinals
from contracts.deliveries.tables import Delivery
from contracts.lifecycle.tables import Contract
from contracts.quotas.repeats import sweep_repeats
from contracts.quotas.service import used_on
from contracts.quotas.tables import QuotaRepeat
from contracts.store import epochs
from contracts.store.unit import Store
from tests.harness.data import World, run, served, world

PRICE = {"per_1000": "0.40", "currency": "EUR"}


@pytest.fixture
def data(store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    with world(store, clock, tmp_path, posts=120) as made:
        yield made


def ids(answer: Answer) -> list[str]:
    assert answer.refusal is None, answer.refusal
    return [row["id"] for row in json.loads(answer.body)["data"]]


def following(answer: Answer) -> str:
    return str(json.loads(answer.body)["next"])


async def keyed(data: World, caller: Caller, key: str, **parameters: str) -> Answer:
    query = parse(list(parameters.items()))
    assert isinstance(query, Query)
    return await data.reader.records(RecordsRequest(caller, "posts", query, "", key))


def charged(data: World, contract: str) -> int:
    with data.store.read() as session:
        return used_on(session, contract, data.clock.now().date()).records


def test_the_same_cursor_is_free_for_ten_minutes_and_recorded_each_time(data: World) -> None:
    contract, client = data.contract(price=PRICE, distinct_records=1_000)
    caller = data.caller(contract, client)
    cursor = following(data.get(caller, limit="5"))
    first = data.get(caller, limit="20", cursor=cursor)
    data.clock.advance(minutes=9, seconds=59)
    again = data.get(data.caller(contract, client), limit="20", cursor=cursor)
    assert ids(again) == ids(first) and again.entry != first.entry and charged(data, contract) == 25
    assert [(leaf["rows"], leaf["quota_before"], leaf["quota_after"], leaf.get("facts")) for leaf in data.leaves()] == [
        (5, 0, 5, None),
        (20, 5, 25, None),
        (20, 25, 25, {"free": True}),
    ]
    with data.store.read() as session:
        rows = session.exec(select(Delivery).order_by(Delivery.at, Delivery.entry_id)).all()  # type: ignore[arg-type]  # columns
        assert {row.entry_id: row.free for row in rows if row.count == 20} == {first.entry: False, again.entry: True}
        assert sorted(row.rows for row in session.exec(select(UsageRow)).all()) == [5, 20]
    data.clock.advance(seconds=1)
    assert ids(data.get(data.caller(contract, client), limit="20", cursor=cursor)) == ids(first)
    assert charged(data, contract) == 45


def test_a_key_repeats_one_query_at_one_place_and_only_that(data: World) -> None:
    one, two = data.contract(), data.contract(data.cast.rival)
    caller = data.caller(*one)
    first = run(keyed(data, caller, "k1", limit="10"))
    assert ids(run(keyed(data, caller, "k1", limit="10"))) == ids(first) and charged(data, one[0]) == 10
    for key, parameters in (("k1", {"limit": "11"}), ("k2", {"limit": "10"}), ("k1", {"limit": "10", "lang": "en"})):
        before = charged(data, one[0])
        assert charged(data, one[0]) + len(ids(run(keyed(data, caller, key, **parameters)))) == charged(data, one[0]) > before
    before = charged(data, one[0])
    later = run(keyed(data, caller, "k1", limit="10", cursor=following(first)))
    assert charged(data, one[0]) == before + len(ids(later))
    assert len(ids(run(keyed(data, data.caller(*two), "k1", limit="10")))) == charged(data, two[0]) == 10


def test_a_repetition_is_answered_when_nothing_is_left_and_holds_what_was_paid_for(data: World) -> None:
    contract, client = data.contract(records_per_day=15)
    caller = data.caller(contract, client)
    cursor = following(data.get(caller, limit="5"))
    cut = data.get(caller, limit="20", cursor=cursor)
    assert len(ids(cut)) == 10
    again = data.get(caller, limit="20", cursor=cursor)
    assert ids(again) == ids(cut) and following(again) != "None"
    assert data.get(caller, limit="20", cursor=following(again)).refusal is not None
    assert charged(data, contract) == 15


def test_the_same_request_twice_at_once_is_charged_once(data: World) -> None:
    contract, client = data.contract()
    caller = data.caller(contract, client)

    async def at_once() -> list[Answer]:
        return await asyncio.gather(*(keyed(data, caller, "k1", limit="10") for _ in range(6)))

    answers = run(at_once())
    assert len({tuple(ids(each)) for each in answers}) == 1 and charged(data, contract) == 10
    assert sorted(leaf.get("facts", {}).get("free", False) for leaf in data.leaves()) == [False, True, True, True, True, True]


def test_a_repetition_serves_no_erased_record_and_nothing_in_its_place(data: World) -> None:
    contract, client = data.contract()
    caller = data.caller(contract, client)
    first = run(keyed(data, caller, "k1", limit="10"))
    version = data.catalogue.version_of("posts")
    assert version is not None
    gone = ordinal_of(data.settings, version, served(data.posts)[3]["id"])
    with data.store.read() as session:
        what = deliveries.held(session, "posts", Ordinals([gone or 0]))
    with data.store.write() as unit:
        deliveries.erase(unit, data.cast.cora, what, "Asked for.")
    data.watch.poll()
    again = run(keyed(data, caller, "k1", limit="10"))
    assert ids(again) == ids(first)[:3] + ids(first)[4:] and charged(data, contract) == 10


def test_a_contract_that_was_suspended_repeats_nothing(data: World) -> None:
    contract, client = data.contract()
    caller = data.caller(contract, client)
    run(keyed(data, caller, "k1", limit="10"))
    with data.store.write() as unit:
        epochs.bump(unit, "grants")
        unit.lock(Contract, contract).state = "suspended"
    data.watch.poll()
    answer = run(keyed(data, caller, "k1", limit="10"))
    assert answer.refusal is not None and answer.refusal.code == "contract_not_active"


def test_what_has_ended_is_forgotten(data: World) -> None:
    contract, client = data.contract()
    run(keyed(data, data.caller(contract, client), "k1", limit="10"))
    data.clock.advance(minutes=5)
    run(keyed(data, data.caller(contract, client), "k2", limit="10"))
    data.clock.advance(minutes=5)
    assert [sweep_repeats(data.store), sweep_repeats(data.store)] == [1, 0]
    with data.store.read() as session:
        assert len(session.exec(select(QuotaRepeat)).all()) == 1

"""Different records of a contract: counted once each, exact over pages, writers and versions, on both stores."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from contracts.access.request import Answer
from contracts.clock import FixedClock
from contracts.deliveries.ordinals import Ordinals, pack, unpack
from contracts.deliveries.tables import Delivery
from contracts.quotas import distinct
from contracts.quotas.distinct import Seen
from contracts.quotas.tables import QuotaDistinct, QuotaSeen
from contracts.store.unit import Store
from tests.conftest import START
from tests.harness.data import World, run, world

STARTS = "2026-11-02"


@pytest.fixture
def data(store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    with world(store, clock, tmp_path, posts=200) as made:
        yield made


def ids(answer: Answer) -> list[str]:
    assert answer.refusal is None, answer.refusal
    return [row["id"] for row in json.loads(answer.body)["data"]]


def delivered(data: World, contract: str) -> Ordinals:
    with data.store.read() as session:
        rows = session.exec(select(Delivery.ordinals).where(Delivery.contract_id == contract)).all()
    return Ordinals().union(*(unpack(row) for row in rows))


def test_a_record_that_left_before_leaves_again_and_a_new_one_does_not(data: World) -> None:
    contract, client = data.contract(distinct_records=30, starts=STARTS)
    caller = data.caller(contract, client)
    first = data.get(caller, limit="20")
    assert ids(data.get(caller, limit="20")) == ids(first)
    cut = data.get(caller, limit="40")
    assert ids(cut)[:20] == ids(first) and len(ids(cut)) == 30
    beyond = data.get(caller, limit="5", cursor=json.loads(cut.body)["next"])
    assert beyond.refusal is not None
    assert (beyond.refusal.code, beyond.refusal.facts) == ("distinct_exhausted", {"limit": 30, "used": 30})
    assert ids(data.get(caller, limit="30")) == ids(cut)
    assert [(leaf["decision"], leaf["rows"], leaf.get("new_records")) for leaf in data.leaves()] == [
        ("allow", 20, 20),
        ("allow", 20, 0),
        ("allow", 30, 10),
        ("refuse", 0, None),
        ("allow", 30, 0),
    ]
    assert len(delivered(data, contract)) == 30


def test_overlapping_pages_at_once_give_out_exactly_the_number(data: World) -> None:
    contract, client = data.contract(distinct_records=60, starts=STARTS)
    caller = data.caller(contract, client)

    async def all_at_once() -> list[Answer]:
        filters = [{}, {"lang": "en"}, {"lang": "de"}, {"lang": "fr"}, {"likes__gte": "20"}]
        return await asyncio.gather(*(data.ask(caller, limit="25", **each) for each in filters * 4))

    answers = run(all_at_once())
    assert {answer.refusal.code for answer in answers if answer.refusal} <= {"distinct_exhausted"}
    assert len(delivered(data, contract)) == 60
    with data.store.read() as session:
        assert session.exec(select(QuotaDistinct.used)).all() == [60]
        assert sum(len(unpack(row)) for row in session.exec(select(QuotaSeen.ordinals)).all()) == 60
    fresh = [leaf["new_records"] for leaf in data.leaves() if leaf["decision"] == "allow"]
    assert sum(fresh) == 60


def test_what_earlier_versions_delivered_in_the_period_counts_and_is_filled_once(store: Store, clock: FixedClock) -> None:
    with store.write() as unit:
        for number, (dataset, ordinals, day) in enumerate(
            (("posts", [1, 2, 70_000], 0), ("posts", [2, 3], 1), ("ads", [1], 1), ("ads", [9], -1))
        ):
            at = START.replace(day=START.day + 1 + day)
            row = {"version": "v1", "lowest": min(ordinals), "highest": max(ordinals), "count": len(ordinals), "at": at}
            unit.session.add(Delivery(entry_id=f"ent_{number}", contract_id="ctr_1", dataset=dataset, ordinals=pack(ordinals), **row))
        unit.session.add(QuotaDistinct(contract_id="ctr_1", version=1, used=7))
        unit.session.add(QuotaSeen(contract_id="ctr_1", version=1, dataset="posts", part=0, ordinals=pack([5])))
    since = START.replace(day=START.day + 1)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: distinct.ensure(store, "ctr_1", 2, since), range(3)))
    with store.read() as session:
        assert [(row.version, row.used) for row in session.exec(select(QuotaDistinct)).all()] == [(2, 5)]
        kept = {(row.version, row.dataset, row.part): set(unpack(row.ordinals)) for row in session.exec(select(QuotaSeen)).all()}
        assert distinct.used_of(session.connection(), "ctr_1", 2) == 5
    assert kept == {(2, "posts", 0): {1, 2, 3}, (2, "posts", 1): {70_000}, (2, "ads", 0): {1}}


def test_a_version_whose_records_are_not_known_delivers_nothing(store: Store) -> None:
    with store.write() as unit, pytest.raises(ValueError, match="not known yet"):
        distinct.locked(unit, "ctr_1", 1)


@settings(max_examples=100, derandomize=True)
@given(st.lists(st.lists(st.integers(0, 150_000) | st.integers(65_530, 65_540), max_size=12), max_size=6), st.integers(0, 20))
def test_counting_by_parts_is_counting_by_sets(pages: list[list[int]], cap: int) -> None:
    seen, known = Seen("ctr_1", 1, 0, 0), set[int]()
    seen.looked = {("posts", part) for part in range(3)}
    for page in pages:
        fits = seen.fitting(None, "posts", page, cap)  # type: ignore[arg-type]  # every part is in memory
        assert fits == max(count for count in range(len(page) + 1) if len(known | set(page[:count])) <= max(cap, len(known)))
        new = set(page[:fits]) - known
        assert seen.add("posts", page[:fits]) == len(new)
        known |= new
        assert seen.used == len(known) <= cap

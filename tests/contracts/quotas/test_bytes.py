"""Bytes of records, by day and by period: exact at the limit, over parallel pages and over all credentials, on both stores."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import col, select

from contracts.access.answers import fitting_bytes, portion
from contracts.access.request import Answer
from contracts.clock import FixedClock
from contracts.credentials.tables import Client
from contracts.datasets.plan import Page
from contracts.quotas.service import Used, used_since
from contracts.store.unit import Store
from tests.harness.data import World, run, world

STARTS = "2026-11-02"
FIELDS = [{"dataset": "posts", "fields": ["lang"], "rows": []}]
ROW = len('{"lang":"en"}')


@pytest.fixture
def data(store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    with world(store, clock, tmp_path, posts=120) as made:
        yield made


def taken(answer: Answer) -> int:
    """How many records an answer holds; none where it is a refusal."""
    return answer.body.count(b'"lang"') if answer.refusal is None else 0


def size_of(rows: int) -> int:
    """The bytes of so many rows with commas between them."""
    return rows * (ROW + 1) - 1


@pytest.mark.parametrize(("most", "fits"), [(0, 0), (8, 0), (9, 1), (16, 1), (17, 2), (18, 2), (25, 3), (26, 3)])
def test_rows_fit_up_to_the_last_byte(most: int, fits: int) -> None:
    page = Page(rows=['{"a":"ä"}'[:-1] + "}", '{"b":1}', '{"c":1}'], ordinals=[1, 2, 3], marks=[(1, 1)] * 3, version="v1", more=False)
    sizes = [len(row.encode()) for row in page.rows]
    assert sizes == [10, 7, 7]
    assert fitting_bytes(page, portion(page, 3), most + 1) == fits


def test_a_page_ends_at_the_last_byte_of_the_day_and_the_next_record_is_refused(data: World) -> None:
    contract, client = data.contract(datasets=FIELDS, bytes_per_day=size_of(10), starts=STARTS)
    caller = data.caller(contract, client)
    assert taken(data.get(caller, limit="25")) == 10
    beyond = data.get(caller, limit="1")
    assert beyond.refusal is not None and (beyond.refusal.code, beyond.refusal.facts) == (
        "bytes_exhausted",
        {"limit": size_of(10), "used": size_of(10), "resets_at": "2026-11-03T00:00:00.000Z"},
    )
    assert [(leaf["decision"], leaf["rows"], leaf.get("bytes")) for leaf in data.leaves()] == [
        ("allow", 10, size_of(10)),
        ("refuse", 0, None),
    ]
    data.clock.advance(days=1)
    assert taken(data.get(data.caller(contract, client), limit="5")) == 5


def test_a_day_that_one_byte_is_missing_of_ends_a_record_earlier(data: World) -> None:
    contract, client = data.contract(datasets=FIELDS, bytes_per_day=size_of(10) - 1, starts=STARTS)
    assert taken(data.get(data.caller(contract, client), limit="25")) == 9


def test_the_periods_bytes_are_those_of_its_days(data: World) -> None:
    contract, client = data.contract(datasets=FIELDS, bytes_in_period=size_of(8) + size_of(5), starts=STARTS)
    assert taken(data.get(data.caller(contract, client), limit="8")) == 8
    data.clock.advance(days=1)
    assert taken(data.get(data.caller(contract, client), limit="8")) == 5
    data.clock.advance(days=1)
    late = data.get(data.caller(contract, client), limit="8")
    used = size_of(8) + size_of(5)
    assert late.refusal is not None and (late.refusal.code, late.refusal.facts) == ("period_bytes_exhausted", {"limit": used, "used": used})


def test_parallel_pages_of_two_credentials_share_the_bytes(data: World) -> None:
    contract, client = data.contract(datasets=FIELDS, bytes_per_day=2_000, starts=STARTS)
    with data.store.write() as unit:
        values = unit.session.get_one(Client, client).model_dump()
        unit.session.add(Client.model_validate({**values, "id": "cli_second"}))

    async def all_at_once() -> list[Answer]:
        callers = [data.caller(contract, each) for each in (client, "cli_second")]
        return await asyncio.gather(*(data.ask(callers[number % 2], limit="9") for number in range(40)))

    answers = run(all_at_once())
    assert {answer.refusal.code for answer in answers if answer.refusal} == {"bytes_exhausted"}
    told = sum(leaf["bytes"] for leaf in data.leaves() if leaf["decision"] == "allow")
    assert 2_000 - ROW - 1 < told <= 2_000 and len({leaf["credential"] for leaf in data.leaves()}) == 2
    with data.store.read() as session:
        used = used_since(session.connection(), contract, date(2026, 11, 2))
        assert session.exec(select(Client.id).where(col(Client.contract_id) == contract)).all()
    assert used == Used(sum(map(taken, answers)), told)

"""Estimates over HTTP: rough, counted, recorded, and refused wherever the query itself would be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.aggregates.tables import QuestionCount
from contracts.clock import FixedClock
from contracts.estimates.rounding import rounded
from contracts.estimates.service import A_DAY
from contracts.quotas.tables import QuotaDay
from contracts.store.unit import Store
from tests.api.data.test_api import ISSUER, Api
from tests.contracts.aggregates.policy import AGREED, POLICY
from tests.harness.data import served, world

PATH = "/v1/datasets/posts/estimate"
TESTED = {"field": "likes", "op": "lt", "value": 25}


@pytest.fixture
def api(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[Api]:
    with world(sqlite_store, clock, tmp_path, posts=2_000, aggregates=POLICY) as data:
        yield Api(data)


def estimate(api: Api, token: str, body: dict[str, Any], path: str = PATH) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(api.app, client=("192.0.2.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url=ISSUER, headers={"authorization": f"Bearer {token}"}) as client:
            return await client.post(path, json=body)

    return asyncio.run(send())


def test_a_query_is_sized_and_priced_and_takes_no_records(api: Api) -> None:
    contract, client = api.data.contract(price={"per_1000": "0.40", "currency": "EUR"})
    token = api.token(contract, client)
    exact = len(served(api.data.posts))
    whole = estimate(api, token, {})
    body = whole.json()
    assert (whole.status_code, exact, body["rows"], body["at_least"]) == (200, 1_637, 1_700, False)
    assert (body["quota"], body["price"]) == ({"limit": 1_000, "left": 1_000, "days": 2}, {"amount": "0.68", "currency": "EUR"})
    assert 100_000 < body["bytes"] < 500_000 and body["estimates"] == {"limit": 500, "used": 1}
    few = len([each for each in served(api.data.posts) if each["likes"] < 25])
    halved = estimate(api, token, {"where": {"and": [TESTED, {"not": {"field": "lang", "op": "eq", "value": "xx"}}]}})
    nobody = estimate(api, token, {"where": {"field": "lang", "op": "eq", "value": "xx"}})
    assert [each.json()["rows"] for each in (halved, nobody)] == [rounded(few), 100]
    leaves = api.data.leaves("access.estimate")
    assert [leaf["id"] for leaf in leaves] == [each.json()["entry"] for each in (whole, halved, nobody)]
    assert leaves[1]["filter_shape"] == ["likes.lt", "not(lang.eq)"]
    with api.data.store.read() as session:
        assert session.get(QuotaDay, (contract, api.data.clock.now().date())) is None


def test_a_pseudonym_is_sized_by_pages(api: Api) -> None:
    contract, client = api.data.contract()
    token = api.token(contract, client)
    someone = api.get("/v1/datasets/posts/records?fields=author_id&limit=1", token).json()["data"][0]["author_id"]
    found = estimate(api, token, {"where": {"not": {"field": "author_id", "op": "eq", "value": someone}}}).json()
    assert (found["rows"], found["at_least"]) == (1_600, False)


@pytest.mark.parametrize(
    ("terms", "body", "path", "status", "code"),
    [
        ({}, {"where": {"field": "text", "op": "eq", "value": "x"}}, PATH, 403, "field_not_in_contract"),
        ({}, {"fields": ["text"]}, PATH, 403, "field_not_in_contract"),
        ({}, {"where": {"field": "likes", "op": "near", "value": 3}}, PATH, 422, "filter_not_possible"),
        ({}, {}, "/v1/datasets/people/estimate", 403, "dataset_not_in_contract"),
        ({**AGREED, "aggregates": {"queries": 9, "alone": True}}, {}, PATH, 403, "records_not_agreed"),
    ],
)
def test_what_may_not_be_asked_is_not_estimated(
    api: Api, terms: dict[str, Any], body: dict[str, Any], path: str, status: int, code: str
) -> None:
    contract, client = api.data.contract(**terms)
    answer = estimate(api, api.token(contract, client), body, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert [(leaf["id"], leaf["rule"]) for leaf in api.data.leaves("access.estimate")] == [(answer.json()["entry"], code)]


def test_a_day_has_so_many_estimates(api: Api) -> None:
    contract, client = api.data.contract()
    token = api.token(contract, client)
    with api.data.store.write() as unit:
        unit.session.add(QuestionCount(contract_id=contract, kind="estimate", since=unit.now.date(), used=A_DAY - 1))
    last, beyond = (estimate(api, token, {}) for _ in range(2))
    assert [each.status_code for each in (last, beyond)] == [200, 429]
    assert (beyond.json()["code"], beyond.json()["resets_at"]) == ("estimates_exhausted", "2026-11-03T00:00:00.000Z")

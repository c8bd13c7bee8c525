"""POST /v1/datasets/{id}/query over HTTP: the same rules as for records by the address, with conditions nested."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.access.body import MAX_BODY_BYTES
from contracts.clock import FixedClock
from contracts.store.unit import Store
from tests.api.data.test_api import ISSUER, Api
from tests.harness.data import run, served, world

PATH = "/v1/datasets/posts/query"
TERMS = {"dataset": "posts", "fields": ["lang", "likes", "created_at"], "rows": [{"field": "country", "op": "eq", "value": "DE"}]}


@pytest.fixture
def api(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[Api]:
    with world(sqlite_store, clock, tmp_path) as data:
        yield Api(data)


def post(api: Api, token: str, body: Any, path: str = PATH, **headers: str) -> httpx.Response:
    async def sent() -> httpx.Response:
        transport = httpx.ASGITransport(api.app, client=("192.0.2.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            typed = {"content-type": "application/json", "authorization": f"Bearer {token}", **headers}
            return await client.post(path, content=content, headers=typed)

    return run(sent())


def test_nested_conditions_stay_within_the_contracts_rows(api: Api) -> None:
    contract, client = api.data.contract(datasets=[TERMS])
    token = api.token(contract, client)
    where = {"or": [{"not": {"field": "lang", "op": "prefix", "value": "d"}}, {"field": "likes", "op": "gte", "value": 40}]}
    answer = post(api, token, {"where": where, "fields": ["lang", "likes"], "limit": 20})
    inside = [each for each in served(api.data.posts) if each["country"] == "DE"]
    wanted = [{"lang": each["lang"], "likes": each["likes"]} for each in inside if each["lang"] != "de" or each["likes"] >= 40]
    body = answer.json()
    assert (answer.status_code, body["data"], body["entry"]) == (200, wanted[:20], api.data.leaves()[0]["id"])
    assert api.data.leaves()[0]["filter_shape"] == ["or(not(lang.prefix),likes.gte)"]
    assert json.loads(api.data.personal(body["entry"])["query"])["where"] == where
    following = post(api, token, {"where": where, "fields": ["lang", "likes"], "limit": 50, "cursor": body["next"]}).json()
    assert following["data"] == wanted[20:70]
    other = post(api, token, {"where": {"not": where}, "fields": ["lang", "likes"], "cursor": body["next"]})
    assert (other.status_code, other.json()["code"]) == (422, "cursor_unusable")


@pytest.mark.parametrize(
    ("where", "status", "code"),
    [
        ({"not": {"field": "text", "op": "eq", "value": "x"}}, 403, "field_not_in_contract"),
        (
            {"or": [{"field": "lang", "op": "eq", "value": "de"}, {"field": "country", "op": "eq", "value": "SE"}]},
            403,
            "field_not_in_contract",
        ),
        ({"field": "nothing", "op": "eq", "value": 1}, 422, "filter_not_possible"),
        ({"field": "likes", "op": "contains", "value": "1"}, 422, "filter_not_possible"),
        ({"field": "likes", "op": "eq", "value": "1"}, 422, "filter_not_possible"),
        ({"field": "likes", "op": "eq", "value": True}, 422, "filter_not_possible"),
        ({"field": "likes", "op": "eq", "value": 1.0}, 422, "filter_not_possible"),
        ({"field": "lang", "op": "eq", "value": 1}, 422, "filter_not_possible"),
        ({"field": "created_at", "op": "gte", "value": 2026}, 422, "filter_not_possible"),
    ],
)
def test_every_field_of_a_condition_is_checked(api: Api, where: dict[str, Any], status: int, code: str) -> None:
    contract, client = api.data.contract(datasets=[TERMS])
    answer = post(api, api.token(contract, client), {"where": where})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert [(leaf["id"], leaf["rule"]) for leaf in api.data.leaves()] == [(answer.json()["entry"], code)]


def test_a_body_is_json_of_bounded_size_and_all_of_the_query(api: Api) -> None:
    contract, client = api.data.contract(requests_per_second=100)
    token = api.token(contract, client)
    filled = json.dumps({"limit": 1}).encode().ljust(MAX_BODY_BYTES)
    answers = [
        post(api, token, filled),
        post(api, token, filled + b" "),
        post(api, token, b"{\x00"),
        post(api, token, {}, **{"content-type": "application/x-www-form-urlencoded"}),
        post(api, token, {}, PATH + "?limit=1"),
        post(api, "nonsense", b"{"),
    ]
    assert [each.json().get("code") for each in answers] == [None, "body_too_large", *["bad_request"] * 3, "token_invalid"]


def test_a_sample_is_the_same_by_its_seed_and_another_for_another_contract(api: Api) -> None:
    tokens = [api.token(*api.data.contract(requests_per_second=100)) for _ in range(2)]

    def sampled(token: str, seed: int, **more: Any) -> list[str]:
        answer = post(api, token, {"sample": 0.2, "seed": seed, "limit": 1000, "fields": ["created_at", "likes"], **more})
        return [f"{each['created_at']}{each['likes']}" for each in answer.json()["data"]]

    chosen = sampled(tokens[0], 5)
    assert 25 < len(chosen) < 75 and api.data.leaves()[-1]["filter_shape"] == ["sample(0.2)"]
    assert chosen == sampled(tokens[0], 5) == sampled(tokens[0], 5, format="json")
    assert chosen != sampled(tokens[0], 6) and chosen != sampled(tokens[1], 5)
    by_address = api.get("/v1/datasets/posts/records?sample=0.2&seed=5&limit=10&fields=created_at,likes", tokens[0]).json()
    rest = api.get(
        f"/v1/datasets/posts/records?sample=0.2&seed=5&limit=1000&fields=created_at,likes&cursor={by_address['next']}", tokens[0]
    )
    assert [f"{each['created_at']}{each['likes']}" for each in [*by_address["data"], *rest.json()["data"]]] == chosen
    other = api.get(f"/v1/datasets/posts/records?sample=0.2&seed=6&fields=created_at,likes&cursor={by_address['next']}", tokens[0])
    assert other.json()["code"] == "cursor_unusable"

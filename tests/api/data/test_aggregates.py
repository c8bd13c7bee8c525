"""Counts and sums over HTTP: only what the contract and the dataset's policy allow, with the entry first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.clock import FixedClock
from contracts.datasets.load import ordinal_of
from contracts.deliveries import service as deliveries
from contracts.deliveries.ordinals import Ordinals
from contracts.store.unit import Store
from tests.api.data.test_api import Api
from tests.contracts.aggregates.policy import AGREED, POLICY
from tests.harness.data import served, world

PATH = "/v1/datasets/posts/aggregate"


@pytest.fixture
def api(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[Api]:
    with world(sqlite_store, clock, tmp_path, aggregates=POLICY) as data:
        yield Api(data)


def test_counts_leave_moved_a_little_with_rules_and_entry(api: Api) -> None:
    contract, client = api.data.contract(**AGREED)
    token = api.token(contract, client)
    answer = api.get(f"{PATH}?by=lang&measures=count,distinct,sum:likes,avg:likes", token)
    body = answer.json()
    posts = served(api.data.posts)
    assert (answer.status_code, [each["lang"] for each in body["data"]]) == (200, ["de", "en", "other"])
    for row in body["data"]:
        inside = [each for each in posts if (each["lang"] if each["lang"] in ("de", "en") else "other") == row["lang"]]
        likes = sum(min(30, each["likes"]) for each in inside)
        assert abs(row["count"] - len(inside)) <= 2 and abs(row["distinct"] - len({each["author_id"] for each in inside})) <= 2
        assert abs(row["sum:likes"] - likes) <= 60 and abs(row["avg:likes"] - likes / len(inside)) <= 2
    assert {name: body["withheld"][name] for name in ("people", "dominance_percent", "noise")} == {
        "people": 5,
        "dominance_percent": 20,
        "noise": 2,
    }
    assert (body["questions"], body["by"]) == ({"limit": 100, "used": 1}, ["lang"])
    (leaf,) = api.data.leaves("access.aggregate")
    told = ("id", "decision", "contract", "purpose", "dataset", "fields", "facts")
    facts = {"measures": ["count", "distinct", "sum:likes", "avg:likes"], "by": ["lang"], "cells": 3, "questions": 1}
    assert [leaf[name] for name in told] == [body["entry"], "allow", contract, "research", "posts", ["lang", "likes"], facts]


def test_the_same_question_in_other_words_has_the_same_numbers(api: Api) -> None:
    contract, client = api.data.contract(**AGREED)
    token = api.token(contract, client)
    whole = api.get(f"{PATH}?by=edited,lang", token).json()["data"]
    again = api.get(f"{PATH}?by=lang,edited", token).json()["data"]
    slices = [each for edited in ("true", "false") for each in api.get(f"{PATH}?by=lang&edited={edited}", token).json()["data"]]
    assert sorted((each["lang"], each["count"]) for each in whole) == sorted((each["lang"], each["count"]) for each in slices)
    assert sorted(map(str, whole)) == sorted(str({"edited": each["edited"], **each}) for each in again)
    other_contract, other_client = api.data.contract(**AGREED)
    others = api.get(f"{PATH}?by=edited,lang", api.token(other_contract, other_client)).json()["data"]
    assert [each["count"] for each in whole] != [each["count"] for each in others]


def test_rows_outside_the_contract_and_erased_ones_are_nowhere(api: Api) -> None:
    terms = {"datasets": [{**AGREED["datasets"][0], "rows": [{"field": "lang", "op": "eq", "value": "de"}]}]}
    contract, client = api.data.contract(**{**AGREED, **terms})
    token = api.token(contract, client)
    before = api.get(f"{PATH}?by=lang", token).json()["data"]
    assert [each["lang"] for each in before] == ["de"]
    version = api.data.catalogue.version_of("posts")
    assert version is not None
    german = [each["id"] for each in served(api.data.posts) if each["lang"] == "de"]
    # Ordinals are given by time and key, which is how the posts are numbered.
    gone = Ordinals(int(each) for each in german[: len(german) - 10])
    assert ordinal_of(api.data.settings, version, german[0]) == int(german[0])
    erase(api, gone)
    after = api.get(f"{PATH}?by=lang", token).json()["data"]
    assert not after or after[0]["count"] <= 12


def erase(api: Api, gone: Ordinals) -> None:
    with api.data.store.read() as session:
        held = deliveries.held(session, "posts", gone)
    with api.data.store.write() as unit:
        deliveries.erase(unit, api.data.cast.cora, held, "Asked for by the people.")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("by=text", 403, "field_not_in_contract"),
        ("by=country", 403, "field_not_in_contract"),
        ("by=author_id", 422, "filter_not_possible"),
        ("by=score", 422, "filter_not_possible"),
        ("measures=sum:edited", 422, "filter_not_possible"),
        ("measures=sum:lang", 422, "filter_not_possible"),
        ("measures=median:likes", 422, "invalid_input"),
        ("measures=sum", 422, "invalid_input"),
        ("measures=count,count", 422, "invalid_input"),
        ("measures=", 422, "invalid_input"),
        ("by=lang,lang", 422, "invalid_input"),
        ("by=lang,likes,edited&created_at=2026-01-01", 422, "invalid_input"),
        ("lang=sv", 422, "filter_not_possible"),
        ("likes=3", 422, "filter_not_possible"),
        ("likes.gte=3", 403, "field_not_in_contract"),
        ("created_at=2026-01", 422, "filter_not_possible"),
        ("lang=de&lang=en", 422, "invalid_input"),
        ("purpose=archiving", 403, "purpose_not_in_contract"),
        ("access_token=x", 400, "bad_request"),
    ],
)
def test_what_may_not_be_asked_is_refused_and_recorded(api: Api, query: str, status: int, code: str) -> None:
    contract, client = api.data.contract(**AGREED)
    answer = api.get(f"{PATH}?{query}", api.token(contract, client))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert [(leaf["id"], leaf["rule"]) for leaf in api.data.leaves("access.aggregate")] == [(answer.json()["entry"], code)]


@pytest.mark.parametrize(
    ("terms", "path", "status", "code"),
    [
        ({"aggregates": None}, PATH, 403, "aggregates_not_agreed"),
        ({}, "/v1/datasets/people/aggregate", 403, "dataset_not_in_contract"),
        ({"aggregates": {"queries": 9, "alone": True}}, "/v1/datasets/posts/records", 403, "records_not_agreed"),
    ],
)
def test_what_the_contract_does_not_allow_is_refused(api: Api, terms: dict[str, Any], path: str, status: int, code: str) -> None:
    contract, client = api.data.contract(**{**AGREED, **terms})
    answer = api.get(path, api.token(contract, client))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_contract_that_counts_alone_counts_and_may_raise_the_number_of_people(api: Api) -> None:
    contract, client = api.data.contract(**{**AGREED, "aggregates": {"queries": 2, "alone": True, "people": 16}})
    token = api.token(contract, client)
    first, second = (api.get(f"{PATH}?by=lang", token) for _ in range(2))
    assert first.json()["withheld"]["people"] == 16 and first.json()["data"] == second.json()["data"]
    third = api.get(PATH, token)
    assert (third.status_code, third.json()["code"]) == (403, "queries_exhausted")
    contract, client = api.data.contract(**{**AGREED, "aggregates": {"queries": 2, "people": 18}})
    assert api.get(PATH, api.token(contract, client)).json()["data"] == []

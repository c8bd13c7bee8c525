"""Queries in JSON: every form that is read, and everything else refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.access.body import MAX_DEPTH, MAX_TESTS, MAX_VALUES, parse_body
from contracts.access.query import Filter, Query, Sampled, parse, shape_of
from contracts.datasets.plan import AnyOf, Not
from contracts.errors import Refusal

LANG: dict[str, Any] = {"field": "lang", "op": "eq", "value": "de"}


def parsed(body: Any) -> Query | Refusal:
    return parse_body(body if isinstance(body, bytes) else json.dumps(body).encode())


def code(body: Any) -> str:
    found = parsed(body)
    return found.code if isinstance(found, Refusal) else ""


def nested(depth: int) -> dict[str, Any]:
    """A condition of so many levels."""
    return LANG if depth == 1 else {"not": nested(depth - 1)}


def test_a_query_is_read_whole() -> None:
    where = {
        "and": [LANG, {"or": [{"not": {"field": "likes", "op": "gte", "value": 10}}, {"field": "score", "op": "in", "value": [1.5, 2]}]}]
    }
    found = parsed({"where": where, "fields": ["id", "lang"], "limit": 7, "cursor": "abc", "purpose": "research"})
    likes, score = Filter("likes", "gte", 10, typed=True), Filter("score", "in", (1.5, 2), typed=True)
    filters = (Filter("lang", "eq", "de", typed=True), AnyOf((Not(likes), score)))
    assert found == Query(("id", "lang"), 7, "abc", "research", filters)
    assert [shape_of(each) for each in filters] == ["lang.eq", "or(not(likes.gte),score.in)"]
    assert parsed({}) == Query()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff{}",
        b'{"limit": NaN}',
        b'{"limit": 1, "limit": 2}',
        b'{"where": {"field": "lang", "op": "eq", "value": "a", "value": "b"}}',
        rb'{"cursor": "\ud800"}',
        b'{"where": ' + b"[" * 3_000 + b"]" * 3_000 + b"}",
        b'{"limit": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_not_one_strict_json_object_is_not_read(body: bytes) -> None:
    assert code(body) == "bad_request"


@pytest.mark.parametrize(
    "body",
    [
        {"colour": "green"},
        {"limit": 0},
        {"limit": 1_001},
        {"limit": True},
        {"limit": "10"},
        {"fields": []},
        {"fields": "id"},
        {"fields": ["id", "id"]},
        {"fields": [["id"]]},
        {"cursor": 5},
        {"purpose": None},
        {"format": "xml"},
        {"seed": 1},
        *({"sample": each} for each in (0, 1.5, -0.1, 1e-7, 1e300, True, "0.1", None)),
        *({"sample": 0.1, "seed": each} for each in (-1, 2**31, 1.5, "1")),
    ],
)
def test_members_are_of_their_type_and_no_other(body: dict[str, Any]) -> None:
    assert code(body) == "invalid_input"


@pytest.mark.parametrize(
    "where",
    [
        None,
        [],
        {},
        {"and": []},
        {"or": {}},
        {"not": [LANG]},
        {"xor": [LANG]},
        {"and": [LANG], "or": [LANG]},
        {"and": [LANG, "lang"]},
        {**LANG, "case": "any"},
        {**LANG, "op": "like"},
        {**LANG, "op": ["eq"]},
        {**LANG, "field": 1},
        {**LANG, "value": None},
        {**LANG, "value": {}},
        {**LANG, "value": ["de"]},
        {**LANG, "op": "in"},
        {**LANG, "op": "in", "value": []},
        {**LANG, "op": "in", "value": [["de"]]},
    ],
)
def test_conditions_are_of_the_forms_that_are_known(where: Any) -> None:
    assert code({"where": where}) == "filter_not_possible"


def test_a_sample_is_read_alike_from_a_body_and_an_address() -> None:
    for body, pairs in (({"sample": 0.1}, {"sample": "0.1"}), ({"sample": 1, "seed": 2**31 - 1}, {"sample": "1.0", "seed": "2147483647"})):
        assert (
            parsed(body) == parse(list(pairs.items())) == Query(sample=Sampled(int(body["sample"] * 1_000_000), int(body.get("seed", 0))))
        )
    wrong = [{"sample": ".5"}, {"sample": "0"}, {"sample": "1.000001"}, {"sample": "0.1", "seed": "2147483648"}, {"seed": "1"}]
    assert [getattr(parse(list(each.items())), "code", "") for each in wrong] == ["invalid_input"] * 5


def test_depth_tests_and_values_are_limited_each_at_its_limit() -> None:
    listed = [{"field": "lang", "op": "in", "value": ["de"] * count} for count in (MAX_VALUES, MAX_VALUES + 1)]
    bodies = [nested(MAX_DEPTH), nested(MAX_DEPTH + 1), {"or": [LANG] * MAX_TESTS}, {"or": [LANG] * (MAX_TESTS + 1)}, *listed]
    assert [code({"where": body}) for body in bodies] == ["", "filter_not_possible"] * 3

"""What a token with details reads: never more than contract and details both name, and all of that."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from types import MappingProxyType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.access.decide import Allowed, Decided, decide
from contracts.access.query import Filter, Query
from contracts.credentials.details import Detail
from contracts.credentials.tokens import Claims
from contracts.datasets.catalogue import Dataset
from contracts.errors import Refusal
from contracts.settings import DatasetSettings
from contracts.terms.grant import Grant
from contracts.terms.model import from_json

NAMES = ("id", "lang", "text", "likes")
SETTINGS = DatasetSettings.model_validate(
    {
        "title": "Posts",
        "location": "posts.csv",
        "key": "id",
        "purposes": ["research", "archiving", "journalism"],
        "fields": {name: {"type": "integer" if name == "likes" else "string"} for name in NAMES},
    }
)
POSTS, ADS = Dataset("posts", SETTINGS), Dataset("ads", SETTINGS)
TODAY = date(2026, 11, 2)
CLAIMS = Claims("cli_1", "ctr_1", 1, frozenset(["records:read"]), "tok_1", datetime(2026, 11, 2, tzinfo=UTC), "api")


def grant(fields: list[str], purposes: list[str]) -> Grant:
    terms = {
        "datasets": [{"dataset": each, "fields": fields} for each in ("posts", "ads")],
        "purposes": purposes,
        "requests_per_second": 5,
        "records_per_day": 10,
        "starts": "2026-11-01",
        "ends": "2027-10-31",
        "retention_days": 1,
    }
    clients = MappingProxyType({"cli_1": frozenset(["records:read"])})
    return Grant("ctr_1", 1, 1, "org_1", "hash", "active", from_json(json.dumps(terms)), clients)


def asked(fields: tuple[str, ...] = (), purpose: str = "", filters: tuple[str, ...] = ()) -> Query:
    return Query(fields, 10, "", purpose, tuple(Filter(name, "eq", "1") for name in filters))


def code(verdict: Allowed | Refusal) -> str:
    return verdict.code if isinstance(verdict, Refusal) else ""


_SOME = st.lists(st.sampled_from(NAMES), min_size=1, unique=True)
_PURPOSES = st.sampled_from(["research", "archiving", "journalism", "market-analysis"])


@settings(max_examples=400, deadline=None)
@given(
    named=_SOME,
    purposes=st.lists(_PURPOSES, min_size=1, unique=True),
    details=st.lists(st.builds(Detail, st.just("posts"), _SOME.map(tuple), st.one_of(st.just(""), _PURPOSES)), max_size=1),
    other=st.booleans(),
    query=st.builds(asked, st.lists(st.sampled_from(NAMES), max_size=3, unique=True).map(tuple), st.one_of(st.just(""), _PURPOSES)),
    filters=st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
    dataset=st.sampled_from([POSTS, ADS]),
)
def test_an_answer_is_within_contract_and_details(
    named: list[str], purposes: list[str], details: list[Detail], other: bool, query: Query, filters: list[str], dataset: Dataset
) -> None:
    held = grant(named, purposes)
    query = replace(query, filters=tuple(Filter(name, "eq", "1") for name in filters))
    token = replace(CLAIMS, details=(*details, *([Detail("rivers", ("id",))] if other else [])))
    narrow, wide = (decide(held, each, dataset, query, "", TODAY) for each in (token, CLAIMS))
    if isinstance(narrow, Refusal):
        # What the details forbid is said to be theirs only where the contract would have allowed it.
        assert narrow.code != "not_in_token" or token.details != ()
        return
    assert isinstance(wide, Allowed), "a token with details reads what one without may not"
    columns = {column.name for column in narrow.columns}
    assert columns <= {column.name for column in wide.columns}
    if token.details:
        (detail,) = [each for each in token.details if each.dataset == dataset.id]
        assert columns <= set(detail.fields) & set(named) and {*filters} <= set(detail.fields)
        assert detail.purpose in ("", narrow.purpose) and narrow.purpose in purposes
        assert columns == (set(query.fields) or set(detail.fields) & set(named))
        assert narrow.contract_tests == wide.contract_tests and narrow.cap == wide.cap and narrow.terms == wide.terms


def test_what_the_token_was_made_without_is_told_from_what_the_contract_lacks() -> None:
    held = grant(["id", "lang", "text"], ["research", "archiving"])
    token = replace(CLAIMS, details=(Detail("posts", ("id", "lang"), "archiving"),))

    def tried(dataset: Dataset = POSTS, **query: Any) -> str:
        return code(decide(held, token, dataset, asked(**query), "", TODAY))

    assert tried() == ""
    assert tried(fields=("text",)) == "not_in_token"
    assert tried(filters=("text",)) == "not_in_token"
    assert tried(purpose="research") == "not_in_token"
    assert tried(dataset=ADS) == "not_in_token"
    assert tried(fields=("likes",)) == "field_not_in_contract"
    assert tried(purpose="journalism") == "not_in_token"
    allowed = decide(held, token, POSTS, asked(), "", TODAY)
    assert isinstance(allowed, Allowed)
    assert ([column.name for column in allowed.columns], allowed.purpose) == (["id", "lang"], "archiving")


def test_what_was_decided_is_kept_by_all_that_it_depends_on_and_by_no_more() -> None:
    kept: Decided = {}
    filters = [{"value": value, "typed": typed} for value, typed in (("1", False), (1, True), (True, True), (1.5, True))]
    queries = [
        Query(filters=(Filter("likes", "eq", **each),), cursor=cursor, limit=most)
        for each in filters
        for cursor in ("", "c")
        for most in (5, 6)
    ]
    narrowed = [CLAIMS, replace(CLAIMS, details=(Detail("posts", ("likes",), "archiving"),))]
    for _ in range(2):
        for query, claims, dataset in product(queries, narrowed, (POSTS, ADS, None)):
            one = grant(list(NAMES), ["research", "archiving"])
            assert decide(one, claims, dataset, query, "", TODAY, kept) == decide(one, claims, dataset, query, "", TODAY)
    assert len(kept) == 12

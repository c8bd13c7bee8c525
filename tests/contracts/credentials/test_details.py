"""Details of a request (RFC 9396): nothing unknown passes, nothing wider than the contract or than what a person allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.credentials import details
from contracts.credentials.details import Detail, granted, in_words, stored_details
from contracts.settings import Settings
from contracts.terms.model import DatasetTerms
from tests.contracts.credentials.sealed import terms

API = "https://data.agora.example/v1"
POSTS, ADS = DatasetTerms(dataset="posts", fields=("id", "lang", "text")), DatasetTerms(dataset="ads", fields=("id", "spend"))
TERMS = terms(datasets=(POSTS, ADS), purposes=("research", "journalism"))
ALL = {"type": "dataset-access", "dataset": "posts", "fields": ["id", "lang", "text"], "actions": ["read"]}


def asked(*objects: Any, allowed: list[dict[str, Any]] | None = None) -> Any:
    found = granted(json.dumps(list(objects)), allowed or [], TERMS, API)
    return found if isinstance(found, str) else [each.stored() for each in found]


def test_what_is_left_out_is_filled_in_from_the_contract() -> None:
    assert asked({"type": "dataset-access", "dataset": "posts"}) == [ALL]
    full = {"type": "dataset-access", "dataset": "posts", "fields": ["text", "id"], "actions": ["read"], "purpose": "research"}
    assert asked({**full, "locations": [API]}) == [full]
    assert granted(None, [], TERMS, API) == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no JSON"),
        ("{}", "JSON array"),
        ("[]", "JSON array"),
        ("[" * 2_000 + "]" * 2_000, "at most 3000"),
        ("[" * 1_400 + "]" * 1_400, "no JSON"),
        ("[1]", "type dataset-access"),
        (json.dumps([{"dataset": "posts"}]), "type dataset-access"),
        (json.dumps([{**ALL, "type": "payment_initiation"}]), "type dataset-access"),
        (json.dumps([{**ALL, "privileges": ["admin"]}]), "Beside type there are"),
        (json.dumps([{**ALL, "dataset": "people"}]), "does not name the dataset people"),
        (json.dumps([{**ALL, "dataset": ["posts"]}]), "dataset is the id"),
        (json.dumps([{**ALL, "fields": ["id", "spend"]}]), "does not name the field spend of posts"),
        (json.dumps([{**ALL, "fields": []}]), "at least one field"),
        (json.dumps([{**ALL, "fields": "id"}]), "array of names"),
        (json.dumps([{**ALL, "fields": ["id", "id"]}]), "each once"),
        (json.dumps([{**ALL, "actions": ["read", "write"]}]), "one action"),
        (json.dumps([{**ALL, "actions": []}]), "one action"),
        (json.dumps([{**ALL, "purpose": "market-analysis"}]), "does not name the purpose market-analysis"),
        (json.dumps([{**ALL, "purpose": ""}]), "one of the contract's purposes"),
        (json.dumps([{**ALL, "purpose": 1}]), "one of the contract's purposes"),
        (json.dumps([{**ALL, "locations": ["https://elsewhere.example"]}]), f"one location is {API}"),
        (json.dumps([ALL, ALL]), "named once"),
        (json.dumps([ALL] * 21), "JSON array"),
    ],
)
def test_what_is_unknown_or_beyond_the_contract_is_refused(text: str, problem: str) -> None:
    found = granted(text, [], TERMS, API)
    assert isinstance(found, str) and problem in found


def test_a_request_only_narrows_what_a_person_allowed() -> None:
    before = [{**ALL, "fields": ["id", "text"], "purpose": "research"}]
    assert granted(None, before, TERMS, API) == (Detail("posts", ("id", "text"), "research"),)
    assert asked({"type": "dataset-access", "dataset": "posts"}, allowed=before) == before
    assert asked({**ALL, "fields": ["id"]}, allowed=before) == [{**before[0], "fields": ["id"]}]
    for wider in ({"fields": ["lang"]}, {"dataset": "ads", "fields": ["id"]}, {"fields": ["id"], "purpose": "journalism"}):
        assert "The person did not allow" in asked({**ALL, **wider}, allowed=before)


def test_a_contract_that_became_narrower_narrows_what_was_allowed() -> None:
    before = [{**ALL, "fields": ["id", "text"], "purpose": "research"}, {"type": "dataset-access", "dataset": "ads", "fields": ["spend"]}]
    narrower = terms(datasets=(DatasetTerms(dataset="posts", fields=("id",)),))
    assert granted(None, before, narrower, API) == (Detail("posts", ("id",), "research"),)
    nothing = granted(None, before, terms(datasets=(DatasetTerms(dataset="rivers", fields=("id",)),)), API)
    assert isinstance(nothing, str) and "no longer names anything" in nothing


def test_details_that_would_not_fit_into_a_token_are_refused() -> None:
    names = tuple(f"a_rather_long_name_of_a_field_{number}" for number in range(50))
    many = terms(datasets=(DatasetTerms(dataset="posts", fields=names),))
    found = granted(json.dumps([{"type": "dataset-access", "dataset": "posts"}]), [], many, API)
    assert isinstance(found, str) and "Name fewer" in found


def test_rows_and_tokens_that_hold_something_else_are_not_understood_as_less() -> None:
    assert (stored_details(None), stored_details([])) == ((), ())
    for odd in ({}, "x", [{"type": "other"}], [{**ALL, "more": 1}], [{**ALL, "dataset": ""}]):
        assert stored_details(odd) is None


def test_the_person_reads_whole_sentences() -> None:
    assert in_words([{**ALL, "fields": ["id", "text"], "purpose": "research"}], Settings()) == [
        "Of the dataset “posts” only these fields: id, text. For this purpose alone: Research in the public interest."
    ]
    assert in_words([ALL], Settings()) == ["Of the dataset “posts” only these fields: id, lang, text."]


_FIELDS = st.lists(st.sampled_from(["id", "lang", "text", "spend", "secret"]), max_size=4)
_OBJECTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["dataset-access", "other"]), "dataset": st.sampled_from(["posts", "ads", "people"])},
    optional={
        "fields": _FIELDS,
        "purpose": st.sampled_from(["research", "journalism", "market-analysis"]),
        "actions": st.sampled_from([["read"], ["write"]]),
        "privileges": st.just([]),
    },
)


@given(first=st.lists(_OBJECTS, max_size=3), second=st.lists(_OBJECTS, max_size=3))
def test_whatever_is_asked_the_answer_is_within_the_contract_and_the_second_within_the_first(first: list[Any], second: list[Any]) -> None:
    allowed = granted(json.dumps(first), [], TERMS, API)
    if isinstance(allowed, str):
        return
    for each in allowed:
        part = TERMS.for_dataset(each.dataset)
        assert part is not None and set(each.fields) <= set(part.fields) and each.purpose in ("", *TERMS.purposes)
    rows = [each.stored() for each in allowed]
    assert stored_details(json.loads(json.dumps(rows))) == allowed
    for later in (granted(json.dumps(second), rows, TERMS, API), granted(None, rows, TERMS, API)):
        if isinstance(later, str):
            continue
        for each in later:
            before = next(other for other in allowed if other.dataset == each.dataset)
            assert set(each.fields) <= set(before.fields) and before.purpose in ("", each.purpose)


def test_the_type_is_the_one_that_is_published() -> None:
    assert details.TYPE == "dataset-access"

"""Policies compared: what widens, and a narrower one that neither side would refuse. Every setting is policy or said to be free."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.policies.policy import (
    FREE_OF_DATASET,
    FREE_OF_FIELD,
    OF_DATASET,
    OF_FIELD,
    PROMISES,
    Policy,
    held_dataset,
    narrower,
    policy_of,
    widenings,
)
from contracts.settings import DatasetSettings, FieldSettings

BASE: dict[str, Any] = {
    "title": "Posts",
    "location": "posts.csv",
    "key": "id",
    "subject": "author",
    "deleted": "gone",
    "purposes": ["research"],
    "max_records_per_day": 1000,
    "max_requests_per_second": 5,
    "fields": {"id": {"type": "string"}, "author": {"type": "string"}, "text": {"type": "string", "class": "personal"}},
}


def dataset(**changes: Any) -> DatasetSettings:
    return DatasetSettings.model_validate({**BASE, **changes})


def fields(**changes: dict[str, Any]) -> dict[str, Any]:
    return {**BASE["fields"], **changes}


WIDER: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a field more": (
        {"fields": fields(mail={"type": "string", "class": "special"})},
        ["Partners may apply for the field mail as well."],
    ),
    "a lower class": ({"fields": fields(text={"type": "string"})}, ["The field text is plain instead of personal."]),
    "another column": (
        {"fields": fields(text={"type": "string", "class": "personal", "column": "mail"})},
        ["The field text is filled from the column mail instead of text."],
    ),
    "another key": ({"key": "text"}, ["The field id is plain instead of key."]),
    "no subject": ({"subject": None}, ["The field author is plain instead of subject."]),
    "a purpose more": ({"purposes": ["research", "ai-training"]}, ["Partners may apply for the purpose ai-training as well."]),
    "more records": ({"max_records_per_day": 1001}, ["A contract may allow 1,001 records in a day instead of 1,000."]),
    "a faster pace": ({"max_requests_per_second": 6}, ["A contract may allow 6 requests in a second instead of 5."]),
    "erased ones": ({"deleted": None}, ["Records that the column gone marks as erased would be served."]),
}


@pytest.mark.parametrize("name", WIDER)
def test_what_widens_is_said_and_held_back(name: str) -> None:
    change, sentences = WIDER[name]
    held, wanted = policy_of(dataset()), policy_of(dataset(**change))
    assert list(widenings(wanted, held)) == sentences
    left = held_dataset(dataset(**change), narrower(wanted, held))
    if left is not None:
        assert list(widenings(policy_of(left), held)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Other", "location": "other.csv", "price_per_1000": "9.00", "summary": "x"},
        {"max_records_per_day": 999, "purposes": [], "objects": "objecting"},
        {"fields": fields(text={"type": "string", "class": "special", "filterable": False}), "key": "id"},
        {"fields": fields(text={"type": "string", "class": "subject"})},
        {"fields": {"id": {"type": "string"}, "author": {"type": "string"}}},
    ],
)
def test_what_widens_nothing(change: dict[str, Any]) -> None:
    assert list(widenings(policy_of(dataset(**change)), policy_of(dataset()))) == []


def test_every_setting_of_a_dataset_is_policy_or_said_to_be_free() -> None:
    assert (set(DatasetSettings.model_fields), set()) == (OF_DATASET | FREE_OF_DATASET, OF_DATASET & FREE_OF_DATASET)
    assert (set(FieldSettings.model_fields), set()) == (OF_FIELD | FREE_OF_FIELD, OF_FIELD & FREE_OF_FIELD)


_FIELD = st.fixed_dictionaries(
    {"class": st.sampled_from(sorted(PROMISES)), "column": st.sampled_from(["a", "b"]), "filterable": st.booleans()}
)
_POLICY = st.fixed_dictionaries(
    {
        "fields": st.dictionaries(st.sampled_from("abc"), _FIELD),
        "purposes": st.lists(st.sampled_from(["ai-training", "research"]), unique=True).map(sorted),
        "max_records_per_day": st.integers(1, 3),
        "max_requests_per_second": st.integers(1, 3),
        "deleted": st.sampled_from([None, "gone", "left"]),
        "objects": st.sampled_from([None, "no"]),
    }
)


@given(_POLICY, _POLICY)
def test_the_narrower_policy_never_widens_what_is_held(wanted: Policy, held: Policy) -> None:
    made = narrower(wanted, held)
    assert list(widenings(made, held)) == []
    assert narrower(made, held) == made
    assert narrower(held, held) == held
    if not list(widenings(wanted, held)):
        assert made == wanted

"""Policies compared: what widens, and a narrower one that neither side would refuse. Every setting is policy or said to be free."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.gate.recognition import search_crawlers
from contracts.policies.counting import FIELDS, STRICTER
from contracts.policies.crawling import crawlers_of
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
from contracts.sections import FieldSettings
from contracts.settings import DatasetSettings

BASE: dict[str, Any] = {
    "title": "Posts",
    "location": "posts.csv",
    "key": "id",
    "subject": "author",
    "deleted": "gone",
    "purposes": ["research"],
    "max_records_per_day": 1000,
    "max_requests_per_second": 5,
    "fields": {
        "id": {"type": "string"},
        "author": {"type": "string"},
        "text": {"type": "string", "class": "personal"},
        "lang": {"type": "string"},
        "likes": {"type": "integer"},
        "at": {"type": "timestamp", "grains": ["month"], "at_least": "month"},
        "post": {"type": "string", "grains": ["region"], "region_letters": 2},
        "town": {"type": "string", "grains": ["region"], "regions": {"Ulm": "DE"}, "at_least": "region"},
    },
    "aggregates": {"by": {"lang": {"values": ["de", "en"]}}, "sums": {"likes": {"least": 0, "most": 100}}},
}


def dataset(**changes: Any) -> DatasetSettings:
    return DatasetSettings.model_validate({**BASE, **changes})


def counted(**changes: Any) -> dict[str, Any]:
    return {"aggregates": {**BASE["aggregates"], **changes}}


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
    "no subject": ({"subject": None, "aggregates": None}, ["The field author is plain instead of subject."]),
    "a purpose more": ({"purposes": ["research", "ai-training"]}, ["Partners may apply for the purpose ai-training as well."]),
    "more records": ({"max_records_per_day": 1001}, ["A contract may allow 1,001 records in a day instead of 1,000."]),
    "a faster pace": ({"max_requests_per_second": 6}, ["A contract may allow 6 requests in a second instead of 5."]),
    "counts of fewer people": (counted(people=9), ["Cells of 9 people are told instead of 10."]),
    "counts that are less moved": (counted(noise=1), ["Counts are moved by at most 1 records instead of 2."]),
    "counts that one may dominate": (
        counted(dominance=10),
        ["A cell is told where all but its two largest contributors add 10 % of the largest instead of 20 %."],
    ),
    "more questions about counts": (
        counted(max_queries=10_001),
        ["A contract may allow 10,001 questions about counts instead of 10,000."],
    ),
    "other buckets": (
        counted(by={"lang": {"values": ["de"]}}),
        ["Records may be counted by the field lang, in the buckets that the settings name."],
    ),
    "other bounds": (
        counted(sums={"likes": {"least": 0, "most": 101}}),
        ["The field likes may be summed within the bounds that the settings name."],
    ),
    "a time that is given as it is": (
        {"fields": fields(at={"type": "timestamp"})},
        ["The field at is given as it is instead of by month."],
    ),
    "a time by day": (
        {"fields": fields(at={"type": "timestamp", "grains": ["day", "month"], "at_least": "day"})},
        ["The field at is given by day instead of by month."],
    ),
    "more letters of a place": (
        {"fields": fields(post={"type": "string", "grains": ["region"], "region_letters": 3})},
        ["The field post is given by other regions."],
    ),
    "no regions": ({"fields": fields(post={"type": "string"})}, ["The field post is given by other regions."]),
    "other regions": (
        {"fields": fields(town={"type": "string", "grains": ["region"], "regions": {"Ulm": "Ulm"}, "at_least": "region"})},
        ["The field town is given by other regions."],
    ),
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
        {"fields": fields(post={"type": "string", "grains": ["region"], "region_letters": 1, "at_least": "region"})},
        {"fields": fields(at={"type": "timestamp", "grains": ["day", "month"], "at_least": "month"})},
        {"fields": fields(text={"type": "string", "class": "personal", "grains": ["masked"], "at_least": "masked"})},
        {"fields": {"id": {"type": "string"}, "author": {"type": "string"}}, "aggregates": None},
        counted(people=11, noise=3, dominance=30, max_queries=9, by={}, sums={}),
    ],
)
def test_what_widens_nothing(change: dict[str, Any]) -> None:
    assert list(widenings(policy_of(dataset(**change)), policy_of(dataset()))) == []


def test_counting_waits_as_a_whole_where_none_was_confirmed() -> None:
    held, wanted = policy_of(dataset(aggregates=None)), policy_of(dataset())
    assert list(widenings(wanted, held)) == ["Partners may count and sum records without reading them."]
    left = held_dataset(dataset(), narrower(wanted, held))
    confirmed = held_dataset(dataset(), wanted)
    assert left is not None and confirmed is not None
    assert (left.aggregates, confirmed.aggregates) == (None, dataset().aggregates)


def test_every_setting_of_a_dataset_is_policy_or_said_to_be_free() -> None:
    assert (set(DatasetSettings.model_fields), set()) == (OF_DATASET | FREE_OF_DATASET, OF_DATASET & FREE_OF_DATASET)
    assert (set(FieldSettings.model_fields), set()) == (OF_FIELD | FREE_OF_FIELD, OF_FIELD & FREE_OF_FIELD)


_FIELD = st.fixed_dictionaries(
    {"class": st.sampled_from(sorted(PROMISES)), "column": st.sampled_from(["a", "b"]), "filterable": st.booleans()},
    optional={"at_least": st.sampled_from(["day", "month"]), "regions": st.sampled_from([1, 2, {"a": "b"}, {"a": "c"}])},
)
_COUNTING = st.fixed_dictionaries(
    {
        **{name: st.integers(1, 3) for name in STRICTER},
        **{part: st.dictionaries(st.sampled_from("ab"), st.sampled_from([{"x": 1}, {"x": 2}])) for part in FIELDS},
    }
)
_POLICY = st.fixed_dictionaries(
    {
        "fields": st.dictionaries(st.sampled_from("abc"), _FIELD),
        "purposes": st.lists(st.sampled_from(["ai-training", "research"]), unique=True).map(sorted),
        "max_records_per_day": st.integers(1, 3),
        "max_requests_per_second": st.integers(1, 3),
        "deleted": st.sampled_from([None, "gone", "left"]),
        "objects": st.sampled_from([None, "no"]),
    },
    optional={"aggregates": _COUNTING},
)


@given(_POLICY, _POLICY)
def test_the_narrower_policy_never_widens_what_is_held(wanted: Policy, held: Policy) -> None:
    made = narrower(wanted, held)
    assert list(widenings(made, held)) == []
    assert narrower(made, held) == made
    assert narrower(held, held) == held
    if not list(widenings(wanted, held)):
        assert made == wanted


def test_a_policy_that_was_kept_before_there_were_crawlers_holds_those_of_the_release() -> None:
    wanted = {
        "free_paths": [],
        "search_crawlers": [*crawlers_of(search_crawlers()), "OtherBot, by names under other.example, by networks at none"],
    }
    assert list(widenings(wanted, {"free_paths": []})) == [
        "The gate lets a crawler through uncounted: OtherBot, by names under other.example, by networks at none."
    ]
    assert narrower(wanted, {"free_paths": []}) == {"free_paths": [], "search_crawlers": crawlers_of(search_crawlers())}

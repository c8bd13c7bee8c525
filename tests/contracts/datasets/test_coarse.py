"""Generalised values as one rule says them, and the order of records in which no finer time shows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.datasets.catalogue import Dataset
from contracts.datasets.coarse import GRAINS, Coarse, coarser, masked, takes
from contracts.datasets.marks import moment_of, to_mark
from contracts.datasets.shuffle import FIRST, NEVER, NO_TIME, Shuffle, shuffle_of
from contracts.datasets.values import read
from contracts.errors import Refused
from contracts.sections import FieldSettings
from contracts.settings import DatasetSettings
from contracts.terms.model import DatasetTerms

LATE = datetime.fromisoformat("2026-01-31T23:59:59.999999")
MASKED = {
    "Ask @anna. Or a.b+c@host.co, (@anna@social.example)!": "Ask [account]. Or [account], ([account])!",
    "see https://x.example/@anna, and HTTP://a.b/c?d=e@f) more": "see [link] and [link] more",
    "www.x.example/abc\nboard.example/anna end.Next e.g./x 1.5/2 and/or": "[link]\n[link] end.Next e.g./x 1.5/2 and/or",
    "mailto:me@host.example; 5 @ 3 euro @": "mailto:[account]; 5 @ 3 euro @",
    "o'neil@x.example \uff20anna a@@b grüß@döm.example": "[account] [account] a@[account] [account]",
    'tab\t@x\r\n"@y" <z@w>': 'tab\t[account]\r\n"[account]" <[account]>',
    "..@.a. x:// @ @.": "[account]. x:// @ @.",
    "": "",
    "Nothing to see. 100% [link] \\1 $1": "Nothing to see. 100% [link] \\1 $1",
}


@pytest.mark.parametrize("text", MASKED)
def test_accounts_and_links_are_masked_and_nothing_else(text: str) -> None:
    assert masked(text) == MASKED[text]


@pytest.mark.parametrize(
    ("coarse", "value", "told"),
    [
        (Coarse("day"), LATE, date(2026, 1, 31)),
        (Coarse("month"), LATE, "2026-01"),
        (Coarse("month"), date(826, 2, 28), "0826-02"),
        (Coarse("masked"), "by @anna", "by [account]"),
        (Coarse("region", letters=2), "Ärhus", "Är"),
        (Coarse("region", (("Bern", "CH"), ("Ulm", "DE"))), "Ulm", "DE"),
        (Coarse("region", (("Bern", "CH"), ("Ulm", "DE"))), "Rome", None),
        (Coarse("region", letters=2), None, None),
    ],
)
def test_a_value_is_told_by_its_grain(coarse: Coarse, value: Any, told: Any) -> None:
    assert coarse.of(value) == told


def test_of_two_grains_the_coarser_holds() -> None:
    assert [coarser(one, other) for one, other in ((None, None), (None, "day"), ("month", "day"), ("day", "day"))] == [
        None,
        "day",
        "month",
        "day",
    ]
    kinds = {kind: {grain for grain in GRAINS if takes(kind, grain)} for kind in ("timestamp", "date", "string", "integer", "boolean")}
    assert kinds == {"timestamp": {"day", "month"}, "date": {"month"}, "string": {"masked", "region"}, "integer": set(), "boolean": set()}


def test_a_month_is_read_in_one_form() -> None:
    assert read("month", "2026-01") == "2026-01"
    for wrong in ("2026-13", "2026-1", "2026-01-01", "2026-01-01T00:00:00Z", "2026", "", "2026-01\n"):
        with pytest.raises(ValueError, match="is not a month"):
            read("month", wrong)


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ({"type": "integer", "grains": ["day"]}, "of type integer cannot be told by day"),
        ({"type": "date", "grains": ["day"]}, "of type date cannot be told by day"),
        ({"type": "string", "grains": ["masked", "region"], "region_letters": 1}, "not one or the other"),
        ({"type": "timestamp", "grains": ["day"], "at_least": "month"}, "at_least is one of grains"),
        ({"type": "string", "grains": ["region"]}, "needs either regions or region_letters"),
        ({"type": "string", "grains": ["region"], "region_letters": 2, "regions": {"a": "b"}}, "needs either regions or region_letters"),
        ({"type": "string", "region_letters": 2}, "needs either regions or region_letters"),
        ({"type": "string", "class": "subject", "grains": ["masked"]}, "leaves as a pseudonym"),
    ],
)
def test_settings_that_cannot_be_kept_are_refused(field: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        FieldSettings.model_validate(field)


FIELDS: dict[str, Any] = {
    "id": {"type": "string"},
    "at": {"type": "timestamp", "grains": ["day", "month"], "at_least": "day"},
    "place": {"type": "string", "grains": ["region"], "regions": {"Ulm": "DE"}},
    "likes": {"type": "integer"},
}


def dataset(**changes: Any) -> Dataset:
    told = {"title": "Posts", "location": "x.csv", "key": "id", "time": "at", "fields": FIELDS}
    return Dataset("posts", DatasetSettings.model_validate({**told, **changes}))


def terms(**generalised: Any) -> DatasetTerms:
    return DatasetTerms(dataset="posts", fields=("id", "at", "place", "likes"), pseudonymised=("id",), generalised=generalised)


def test_the_coarser_of_settings_and_terms_holds() -> None:
    made = dataset()
    assert [made.coarse("at"), made.coarse("at", terms()), made.coarse("at", terms(at="month"))] == [
        Coarse("day"),
        Coarse("day"),
        Coarse("month"),
    ]
    assert [made.coarse("place", terms()), made.coarse("place", terms(place="region"))] == [None, Coarse("region", (("Ulm", "DE"),))]
    assert made.operators("at", terms(at="month")) == ("eq", "in", "gte", "gt", "lte", "lt")
    with pytest.raises(ValidationError, match="leaves as a pseudonym"):
        dataset(subject="place")


@pytest.mark.parametrize("generalised", [{"at": "masked"}, {"likes": "day"}, {"id": "masked"}, {"place": "month"}])
def test_what_a_field_cannot_be_told_by_any_more_closes_the_dataset(generalised: dict[str, Any]) -> None:
    (field,) = generalised
    with pytest.raises(Refused) as refused:
        dataset().coarse(field, terms(**generalised))
    assert refused.value.refusal.code == "dataset_unavailable"


def test_a_field_whose_regions_are_gone_closes_the_dataset() -> None:
    gone = dataset(fields={**FIELDS, "place": {"type": "string"}})
    with pytest.raises(Refused):
        gone.coarse("place", terms(place="region"))


@given(time=st.integers(NO_TIME, NEVER), grain=st.sampled_from(["day", "month"]))
def test_days_and_months_follow_each_other_without_gap(time: int, grain: Any) -> None:
    shuffle = Shuffle(grain, (1, 2, 3, 4, 5, 6))
    began = shuffle.began(time)
    ends = shuffle.ends(began)
    assert began <= time and (time < ends or ends == NEVER)
    assert shuffle.began(began) == began and (ends == NEVER or shuffle.began(ends) == ends)
    assert (began == NO_TIME) == (time < FIRST)


def test_a_day_and_a_month_begin_where_the_calendar_says() -> None:
    time = to_mark(datetime.fromisoformat("2024-02-29T13:05:00.000007"))
    day, month = Shuffle("day", ()), Shuffle("month", ())
    assert [moment_of(each) for each in (day.began(time), day.ends(day.began(time)), month.began(time), month.ends(month.began(time)))] == [
        *map(datetime.fromisoformat, ("2024-02-29", "2024-03-01", "2024-02-01", "2024-03-01")),
    ]


def test_two_contracts_have_two_orders() -> None:
    one, other = shuffle_of("day", b"a" * 32), shuffle_of("day", b"b" * 32)
    orders = [sorted(range(50), key=each.place) for each in (one, other)]
    assert orders[0] != orders[1] and list(range(50)) not in orders and sorted(orders[0]) == list(range(50))

"""Counting as a term of the steward's form: what is typed becomes the term, and what does not fit comes back beside its field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.applications.tables import Application
from contracts.errors import Refused
from contracts.settings import DatasetSettings
from contracts.terms.model import Aggregates, Terms, from_json
from portal.forms import of
from portal.pages.desk import terms_form
from tests.contracts.aggregates.policy import POLICY
from tests.harness.cast import POSTS
from tests.harness.data import TERMS

DATASET = DatasetSettings.model_validate(
    {**POSTS.model_dump(by_alias=True), "aggregates": {**POLICY, "by": {"lang": {"values": ["de"]}}, "sums": {}}}
)
APPLICATION = Application(dataset="posts")
PROPOSED = from_json(json.dumps(TERMS))


def read(**typed: Any) -> Terms:
    form = of({**terms_form.shown(PROPOSED).values, **typed})
    return terms_form.read(form, PROPOSED, DATASET, APPLICATION)


@pytest.mark.parametrize(
    ("typed", "agreed"),
    [
        ({}, None),
        ({"aggregates": "1,000"}, Aggregates(queries=1_000)),
        ({"aggregates": "7", "aggregate_people": "25"}, Aggregates(queries=7, people=25)),
        ({"aggregates": "7", "aggregates_alone": "yes"}, Aggregates(queries=7, alone=True)),
    ],
)
def test_what_is_typed_becomes_the_term_and_is_shown_again(typed: dict[str, str], agreed: Aggregates | None) -> None:
    terms = read(**typed)
    assert terms.aggregates == agreed
    again = terms_form.shown(terms)
    assert terms_form.read(again, terms, DATASET, APPLICATION) == terms


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"aggregates": "0"}, "aggregates"),
        ({"aggregates": "many"}, "aggregates"),
        ({"aggregates_alone": "yes"}, "aggregates"),
        ({"aggregates": "7", "aggregate_people": "1"}, "aggregate_people"),
    ],
)
def test_what_does_not_fit_comes_back_beside_its_field(typed: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refused:
        read(**typed)
    assert set(refused.value.refusal.facts["fields"]) == {field}

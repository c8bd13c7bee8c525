"""Which announced changes are to come, whom they concern, and what is due to be told."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.changes.decide import Change, concerning, of_contract, stages_due, to_come
from contracts.settings import DatasetSettings
from contracts.terms.model import DatasetTerms, from_json
from tests.harness.data import FIELDS, TERMS

DAY = date(2026, 12, 1)
LANG = {"field": "lang", "date": "2026-12-01", "what": "Three letters instead of two."}
TEXT = {"field": "text", "date": "2026-11-20", "what": "Cut after 500 characters."}


def settings(*changes: dict[str, str], **more: Any) -> DatasetSettings:
    described = {"title": "Posts", "location": "posts.csv", "key": "id", "fields": FIELDS, "changes": changes, **more}
    return DatasetSettings.model_validate(described)


def test_changes_come_in_their_order_until_their_day_is_over() -> None:
    made = settings(LANG, TEXT)
    text, lang = (Change("posts", "text", date(2026, 11, 20), TEXT["what"]), Change("posts", "lang", DAY, LANG["what"]))
    assert to_come("posts", made, date(2026, 11, 20)) == [text, lang]
    assert to_come("posts", made, date(2026, 11, 21)) == [lang]
    assert to_come("posts", made, DAY + timedelta(days=1)) == []
    assert lang.told() == LANG


@pytest.mark.parametrize(
    ("fields", "rows", "named"),
    [
        (("id", "lang"), (), ["lang"]),
        (("id", "text"), ({"field": "lang", "op": "eq", "value": "de"},), ["text", "lang"]),
        (("id",), (), []),
    ],
)
def test_a_change_concerns_who_reads_the_field_or_has_it_as_a_condition(fields: tuple[str, ...], rows: Any, named: list[str]) -> None:
    terms = DatasetTerms.model_validate({"dataset": "posts", "fields": fields, "rows": rows})
    changes = to_come("posts", settings(LANG, TEXT), date(2026, 11, 1))
    assert [each.field for each in concerning(terms, changes)] == named


def test_a_contract_hears_of_its_own_datasets() -> None:
    terms = from_json(json.dumps(TERMS))
    datasets = {"posts": settings(LANG, TEXT), "adverts": settings(LANG)}
    assert [(each.dataset, each.field) for each in of_contract(terms, datasets, DAY)] == [("posts", "lang")]
    assert of_contract(terms, {"adverts": settings(LANG)}, DAY) == []


@pytest.mark.parametrize(("left", "stages"), [(8, ("announced",)), (7, ("announced", "near")), (0, ("announced", "near"))])
def test_the_second_notice_is_due_seven_days_before(left: int, stages: tuple[str, ...]) -> None:
    assert stages_due(Change("posts", "lang", DAY, "x"), DAY - timedelta(days=left)) == stages


def test_another_text_is_another_change() -> None:
    first, second = (Change("posts", "lang", DAY, what) for what in ("one", "two"))
    assert len({first.key("announced"), first.key("near"), second.key("announced"), second.key("near")}) == 4


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({**LANG, "field": "nothing"}, "which the dataset does not have"),
        ({**LANG, "date": "soon"}, "date"),
        ({**LANG, "what": "  "}, "at least 1 character"),
        ({**LANG, "until": "2027-01-01"}, "Extra inputs"),
    ],
)
def test_what_is_no_announcement_is_an_error_of_the_settings(change: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        settings(change)

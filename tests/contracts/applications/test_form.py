"""The form: what can be read is kept, what cannot is told by field."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from contracts.applications.form import ApplicationForm, read_form
from contracts.errors import Refused
from tests.harness.cast import FORM


def test_a_form_as_a_browser_sends_it() -> None:
    values = {**FORM, "fields": "id, lang", "rows": {"lang": "de,  sv", "country": ""}, "crawl": "on", "starts": ""}
    assert read_form(values) == ApplicationForm(
        project="Political ads and regional reach",
        kind="research",
        purpose="research",
        purpose_text="How far do political posts reach beyond their region?",
        fields=("id", "lang"),
        rows={"lang": ("de", "sv")},
        crawl=True,
        answers=FORM["answers"],
        starts=None,
        ends=date(2027, 10, 31),
    )


def test_an_empty_form_is_a_draft() -> None:
    assert read_form({}) == ApplicationForm()


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"project": "x" * 121}, {"project": "Shorten this to at most 120 characters."}),
        ({"project": 5}, {"project": "Write text here."}),
        ({"project": "a\nb"}, {"project": "This has characters that cannot stand here."}),
        ({"purpose_text": "a\0b"}, {"purpose_text": "Remove the control characters from this text."}),
        ({"kind": "dsa-40-4"}, {"kind": "Choose one of the offered answers."}),
        ({"kind": "free"}, {"kind": "Choose one of the offered answers."}),
        ({"fields": ["lang", "Robert'); DROP"]}, {"fields": "This has characters that cannot stand here."}),
        ({"fields": 3}, {"fields": "This cannot be read; change it."}),
        ({"rows": {"lang": ["x" * 201]}}, {"rows.lang": "Shorten this to at most 200 characters."}),
        ({"rows": {"lang": ["x"] * 201}}, {"rows.lang": "Choose at most 200."}),
        ({"rows": "lang"}, {"rows": "This cannot be read; change it."}),
        ({"crawl": "perhaps"}, {"crawl": "Answer yes or no."}),
        ({"starts": "tomorrow"}, {"starts": "Write the date as 2026-12-31."}),
        ({"starts": 0}, {"starts": "Write the date as 2026-12-31."}),
        ({"colour": "red", "ends": "2026-02-30"}, {"colour": "The form has no such field.", "ends": "Write the date as 2026-12-31."}),
    ],
)
def test_what_cannot_be_read_is_told_by_field(values: dict[str, Any], fields: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        read_form(values)
    assert (refused.value.refusal.code, refused.value.refusal.facts) == ("invalid_input", {"fields": fields})

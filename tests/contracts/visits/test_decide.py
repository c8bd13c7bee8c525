"""What must be said of a visit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from contracts.visits.decide import Wanted, check

TODAY = date(2026, 11, 2)
PARTNER = Wanted(authority="The Authority", email="ada@authority.example", slice="partner", partner="org_lab", last_day=date(2026, 11, 30))


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, []),
        ({"since": date(2026, 1, 1)}, []),
        ({"last_day": TODAY}, []),
        ({"last_day": date(2027, 1, 31)}, []),
        ({"last_day": date(2027, 2, 1)}, ["last_day"]),
        ({"last_day": date(2026, 11, 1)}, ["last_day"]),
        ({"last_day": None}, ["last_day"]),
        ({"authority": " "}, ["authority"]),
        ({"email": "nobody"}, ["email"]),
        ({"partner": ""}, ["partner"]),
        ({"slice": "everything"}, ["slice"]),
        ({"slice": ""}, ["slice"]),
        ({"slice": "period"}, ["since", "until"]),
        ({"slice": "period", "since": TODAY, "until": TODAY}, []),
        ({"slice": "period", "since": TODAY, "until": date(2026, 11, 1)}, ["until"]),
        ({"since": TODAY, "until": date(2026, 11, 1)}, ["until"]),
        ({"slice": "person"}, ["person"]),
        ({"slice": "person", "person": "@kim"}, []),
    ],
)
def test_each_missing_or_wrong_field_is_named(changes: dict[str, Any], wrong: list[str]) -> None:
    refusal = check(replace(PARTNER, **changes), TODAY)
    assert (sorted(refusal.facts["fields"]) if refusal else []) == wrong  # type: ignore[call-overload]  # facts are of any type

"""Decisions on applications, without a store."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.applications import workdays
from contracts.applications.decide import Wanted, complaints, decide
from contracts.applications.states import Command, State
from contracts.applications.tables import Application
from contracts.errors import Refusal
from contracts.people.actor import Actor
from tests.harness.cast import ENDS, FORM, POSTS, STARTS

AUTHOR, OTHER = (Actor(account_id=name, organisation_id="org_1", name="", email="", roles=frozenset()) for name in ("acc_1", "acc_2"))
TODAY = date(2026, 11, 2)


def application(state: State = State.DRAFT, **changed: Any) -> Application:
    content = {**FORM, "starts": STARTS, "ends": ENDS, **changed}
    made = datetime(2026, 11, 2, tzinfo=UTC)
    return Application(
        id="app_1", organisation_id="org_1", created_by="acc_1", state=state, dataset="posts", revision=3, created_at=made, **content
    )


@pytest.mark.parametrize(
    ("state", "actor", "wanted", "outcome"),
    [
        (State.DRAFT, AUTHOR, Wanted(Command.SUBMIT, 3, complaints={}), State.SUBMITTED),
        (State.DRAFT, AUTHOR, Wanted(Command.SUBMIT, 2, complaints={}), "changed_meanwhile"),
        (State.DRAFT, AUTHOR, Wanted(Command.SUBMIT, 3, complaints={"ends": "Give the last day."}), "invalid_input"),
        (State.DRAFT, OTHER, Wanted(Command.APPROVE, 3, "fine"), "command_not_possible"),
        (State.SUBMITTED, OTHER, Wanted(Command.APPROVE, 3, "fine"), State.APPROVED),
        (State.SUBMITTED, OTHER, Wanted(Command.DECLINE, 3, "no"), State.DECLINED),
        (State.SUBMITTED, OTHER, Wanted(Command.APPROVE, 3, " "), "reason_required"),
        (State.SUBMITTED, OTHER, Wanted(Command.APPROVE, 3, "x" * 2001), "invalid_input"),
        (State.SUBMITTED, OTHER, Wanted(Command.APPROVE, 2, "fine"), "changed_meanwhile"),
        (State.SUBMITTED, AUTHOR, Wanted(Command.APPROVE, 3, "fine"), "second_person_required"),
        (State.APPROVED, OTHER, Wanted(Command.DECLINE, 2, "no"), "command_not_possible"),
    ],
)
def test_decide(state: State, actor: Actor, wanted: Wanted, outcome: State | str) -> None:
    decided = decide(application(state), actor, wanted)
    assert (decided.code if isinstance(decided, Refusal) else decided) == outcome


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, {}),
        ({"rows": {}, "starts": TODAY, "ends": TODAY}, {}),
        ({"project": "ab"}, {"project": "Name the project, in at least 3 characters."}),
        ({"purpose": "ai-training"}, {"purpose": "Choose one of the purposes that this dataset allows."}),
        ({"purpose_text": "Because."}, {"purpose_text": "Say in at least 20 characters what you want to find out or do."}),
        ({"fields": []}, {"fields": "Choose at least one field."}),
        ({"fields": ["lang", "email"]}, {"fields": "The dataset has no field email."}),
        ({"starts": None, "ends": None}, {"starts": "Give the first day.", "ends": "Give the last day."}),
        ({"starts": date(2026, 11, 1)}, {"starts": "The first day is past; choose today or later."}),
        ({"ends": date(2026, 11, 1)}, {"ends": "The last day lies before the first."}),
        ({"ends": date(2030, 1, 1)}, {"ends": "Choose a last day within three years of the first."}),
        ({"rows": {"colour": ["red"]}}, {"rows.colour": "The dataset has no field colour."}),
        ({"rows": {"text": ["red"]}}, {"rows.text": "Rows cannot be chosen by this field."}),
        ({"rows": {"author_id": ["7"]}}, {"rows.author_id": "Rows cannot be chosen by this field."}),
        ({"rows": {"likes": ["3", "many"]}}, {"rows.likes": "'many' is not a value of this field."}),
    ],
)
def test_complaints(changed: dict[str, Any], found: dict[str, str]) -> None:
    assert complaints(application(**changed), POSTS, TODAY) == found


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (date(2026, 11, 2), 10, date(2026, 11, 16)),
        (date(2026, 11, 6), 1, date(2026, 11, 9)),
        (date(2026, 11, 7), 1, date(2026, 11, 9)),
        (date(2026, 11, 2), 0, date(2026, 11, 2)),
    ],
)
def test_working_days(start: date, days: int, end: date) -> None:
    assert workdays.after(start, days) == end
    assert workdays.between(start, end) == days
    assert workdays.between(end, start) == -days

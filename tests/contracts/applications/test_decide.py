"""Decisions on applications, without a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.applications import workdays
from contracts.applications.content import Change, content_of, difference
from contracts.applications.decide import Wanted, complaints, decide
from contracts.applications.narrowing import as_asked, widening
from contracts.applications.rules import Facts
from contracts.applications.states import Command, State
from contracts.applications.tables import Application
from contracts.errors import Refusal
from contracts.forms.files import current
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.demo.answers import usual
from tests.harness.cast import ENDS, FORM, POSTS, SETTINGS, STARTS


def actor(account: str, *roles: Role) -> Actor:
    return Actor(account_id=account, organisation_id="org_1", name="", email="", roles=frozenset(roles))


AUTHOR, BOTH, OTHER = actor("acc_1", Role.LEAD), actor("acc_1", Role.STEWARD), actor("acc_2", Role.STEWARD)
COMPLIANCE = actor("acc_5", Role.COMPLIANCE)
TODAY, MADE = date(2026, 11, 2), datetime(2026, 11, 2, tzinfo=UTC)


def application(state: State = State.DRAFT, **changed: Any) -> Application:
    content = {**FORM, "starts": STARTS, "ends": ENDS, **changed}
    return Application(
        id="app_1", organisation_id="org_1", created_by="acc_1", state=state, dataset="posts", revision=3, created_at=MADE, **content
    )


APPROVED = {"code": "as-asked", "reason": "fine"}
DECLINED = {"code": "purpose", "reason": "no"}


@pytest.mark.parametrize(
    ("state", "who", "wanted", "outcome"),
    [
        (State.DRAFT, AUTHOR, Wanted(Command.SUBMIT, 3, complaints={}), State.SUBMITTED),
        (State.RETURNED, AUTHOR, Wanted(Command.SUBMIT, 3, complaints={}), State.SUBMITTED),
        (State.DRAFT, AUTHOR, Wanted(Command.SUBMIT, 2, complaints={}), "changed_meanwhile"),
        (State.DRAFT, AUTHOR, Wanted(Command.SUBMIT, 3, complaints={"ends": "Give the last day."}), "invalid_input"),
        (State.SUBMITTED, OTHER, Wanted(Command.APPROVE, 3, **APPROVED), "command_not_possible"),
        (State.SUBMITTED, OTHER, Wanted(Command.CHECK, 3), State.IN_REVIEW),
        (State.SUBMITTED, BOTH, Wanted(Command.CHECK, 3), "second_person_required"),
        (State.IN_REVIEW, OTHER, Wanted(Command.APPROVE, 3, **APPROVED), State.APPROVED),
        (State.IN_REVIEW, OTHER, Wanted(Command.DECLINE, 3, **DECLINED), State.DECLINED),
        (State.IN_REVIEW, OTHER, Wanted(Command.APPROVE, 3, " ", code="as-asked"), "reason_required"),
        (State.IN_REVIEW, OTHER, Wanted(Command.APPROVE, 3, "x" * 2001, code="as-asked"), "invalid_input"),
        (State.IN_REVIEW, OTHER, Wanted(Command.APPROVE, 3, "fine", code="because"), "invalid_input"),
        (State.IN_REVIEW, OTHER, Wanted(Command.DECLINE, 3, "no", code="as-asked"), "invalid_input"),
        (State.IN_REVIEW, OTHER, Wanted(Command.APPROVE, 2, **APPROVED), "changed_meanwhile"),
        (State.IN_REVIEW, BOTH, Wanted(Command.APPROVE, 3, **APPROVED), "second_person_required"),
        (State.IN_REVIEW, COMPLIANCE, Wanted(Command.APPROVE, 3, **APPROVED), "role_required"),
        (State.IN_REVIEW, COMPLIANCE, Wanted(Command.CONFIRM_BASIS, 3, "law", code="public-task"), State.IN_REVIEW),
        (State.IN_REVIEW, COMPLIANCE, Wanted(Command.CONFIRM_BASIS, 3, "law", code="whatever"), "invalid_input"),
        (State.IN_REVIEW, OTHER, Wanted(Command.EXTEND, 3, "ill", until=date(2026, 11, 17)), State.IN_REVIEW),
        (State.IN_REVIEW, OTHER, Wanted(Command.EXTEND, 3, "", until=date(2026, 11, 17)), "reason_required"),
        (State.IN_REVIEW, OTHER, Wanted(Command.EXTEND, 3, "ill", until=date(2026, 11, 16)), "invalid_input"),
        (State.IN_REVIEW, OTHER, Wanted(Command.EXTEND, 3, "ill"), "invalid_input"),
        (State.IN_REVIEW, OTHER, Wanted(Command.EXTEND, 3, "ill", until=date(2028, 11, 17)), "invalid_input"),
        (State.IN_REVIEW, OTHER, Wanted(Command.REMARK, reason="Look at the fields.", code="for"), State.IN_REVIEW),
        (State.IN_REVIEW, OTHER, Wanted(Command.REMARK, reason="Look at the fields.", code="perhaps"), "invalid_input"),
        (State.APPROVED, OTHER, Wanted(Command.DECLINE, 3, **DECLINED), "command_not_possible"),
        (State.APPEALED, actor("acc_3", Role.STEWARD), Wanted(Command.APPROVE, 3, **APPROVED), "second_person_required"),
        (State.APPEALED, actor("acc_3", Role.STEWARD), Wanted(Command.CLAIM), "second_person_required"),
        (State.APPEALED, OTHER, Wanted(Command.DECLINE, 3, **DECLINED), State.UPHELD),
    ],
)
def test_decide(state: State, who: Actor, wanted: Wanted, outcome: State | str) -> None:
    checked = {"checked_at": MADE, "decide_by": date(2026, 11, 16), "declined_by": "acc_3" if state is State.APPEALED else None}
    decided = decide(application(state, **checked), who, wanted, Facts(TODAY))
    assert (decided.code if isinstance(decided, Refusal) else decided) == outcome


@pytest.mark.parametrize(
    ("row", "facts", "outcome"),
    [
        ({"handler": "acc_2"}, {}, State.APPROVED),
        ({"handler": "acc_4"}, {}, "handled_by_other"),
        ({"checked_at": None}, {}, "not_checked"),
        ({}, {"reviewing": frozenset({"acc_4"})}, "review_open"),
        ({}, {"recused": frozenset({"acc_2"})}, "recused"),
        ({"state": State.APPEALED, "declined_by": "acc_3"}, {}, State.APPROVED),
        ({"state": State.APPEALED, "declined_by": "acc_3"}, {"entangled": frozenset({"acc_3"})}, "second_person_required"),
        ({"state": State.APPEALED, "declined_by": "acc_3", "checked_at": None}, {}, "not_checked"),
    ],
)
def test_who_may_approve_and_when(row: dict[str, Any], facts: dict[str, Any], outcome: State | str) -> None:
    decided = decide(
        application(**{"state": State.IN_REVIEW, "checked_at": MADE, **row}),
        OTHER,
        Wanted(Command.APPROVE, 3, **APPROVED),
        Facts(TODAY, **facts),
    )
    assert (decided.code if isinstance(decided, Refusal) else decided) == outcome


@pytest.mark.parametrize(
    ("row", "today", "outcome"),
    [
        ({}, date(2026, 11, 16), State.APPEALED),
        ({}, date(2026, 11, 17), "command_not_possible"),
        ({"appealed_at": MADE}, date(2026, 11, 3), "command_not_possible"),
    ],
)
def test_a_review_is_asked_for_once_and_within_fourteen_days(row: dict[str, Any], today: date, outcome: State | str) -> None:
    decided = decide(application(State.DECLINED, decided_at=MADE, **row), AUTHOR, Wanted(Command.APPEAL, 3, "Read it again."), Facts(today))
    assert (decided.code if isinstance(decided, Refusal) else decided) == outcome


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, {}),
        ({"fields": ("lang",), "rows": {"lang": ("de",), "country": ("SE",)}, "starts": date(2026, 12, 1), "ends": date(2026, 12, 1)}, {}),
        ({"fields": ()}, {"fields": "Grant at least one field, or decline."}),
        ({"fields": ("lang", "likes")}, {"fields": "The field likes was not asked for."}),
        ({"rows": {}}, {"rows.lang": "Rows were asked for only by some of these values; grant some of them."}),
        ({"rows": {"lang": ("de", "fr")}}, {"rows.lang": "Rows were asked for only by some of these values; grant some of them."}),
        ({"rows": {"lang": ("de",), "country": ()}}, {"rows.country": "Name at least one value."}),
        ({"crawl": True}, {"crawl": "Fetching the site was not asked for."}),
        ({"starts": date(2026, 11, 1)}, {"starts": "This lies before the first day that was asked for."}),
        ({"ends": date(2027, 11, 1)}, {"ends": "This lies after the last day that was asked for."}),
        ({"starts": date(2027, 1, 2), "ends": date(2027, 1, 1)}, {"ends": "The last day lies before the first."}),
    ],
)
def test_an_approval_never_widens(changed: dict[str, Any], found: dict[str, str]) -> None:
    asked = application(State.IN_REVIEW)
    refusal = widening(asked, replace(as_asked(asked), **changed))
    assert (refusal.facts if refusal else {}) == ({"fields": found} if found else {})


@pytest.mark.parametrize(
    ("code", "fields", "fits"), [("as-asked", 5, True), ("narrowed", 4, True), ("as-asked", 4, False), ("narrowed", 5, False)]
)
def test_the_reason_says_whether_less_is_granted(code: str, fields: int, fits: bool) -> None:
    asked = application(State.IN_REVIEW, checked_at=MADE)
    narrowed = replace(as_asked(asked), fields=tuple(asked.fields[:fields]))
    decided = decide(asked, OTHER, Wanted(Command.APPROVE, 3, "fine", code=code, narrowed=narrowed), Facts(TODAY))
    assert (decided is State.APPROVED) == fits


def test_what_became_different_is_told_in_words() -> None:
    before = content_of(application())
    after = {**before, "fields": ["id", "lang"], "rows": {}, "crawl": True, "answers": {"funding": "A grant"}}
    assert difference({**before, "answers": {"funding": "None", "security": "A safe"}}, after) == [
        Change("fields", "Fields", "id, author_id, created_at, lang, text", "id, lang"),
        Change("rows", "Rows", "lang: de, sv", ""),
        Change("crawl", "Fetching the main site", "no", "yes"),
        Change("answers.funding", "funding", "None", "A grant"),
        Change("answers.security", "security", "A safe", ""),
    ]
    assert difference(before, before) == []


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


def test_a_document_that_has_to_come_is_missed() -> None:
    fields = {**POSTS.fields, "text": POSTS.fields["text"].model_copy(update={"field_class": "special"})}
    dataset = POSTS.model_copy(update={"fields": fields})
    form = current(SETTINGS, "research", "posts")
    bare = application(answers=usual(["text"]))
    assert complaints(bare, dataset, TODAY, form) == {"document.dpia": "Add this document: Data protection impact assessment."}
    bare.evidence = [{"kind": "dpia"}]
    assert complaints(bare, dataset, TODAY, form) == {}


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"kind": "ai-training"}, ["kind", "purpose"]),
        ({"purpose": "ai-training", "kind": "ai-training"}, []),
        ({"purpose": "ai-training"}, ["purpose"]),
    ],
)
def test_training_models_is_a_kind_with_its_own_purpose(changed: dict[str, str], found: list[str]) -> None:
    open_to_it = POSTS.model_copy(update={"purposes": ["ai-training", "research"] if found != ["kind", "purpose"] else ["research"]})
    assert list(complaints(application(**changed), open_to_it, TODAY)) == found


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

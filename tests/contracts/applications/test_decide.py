"""Decisions on applications, without a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.applications import reasons, workdays
from contracts.applications.content import content_of
from contracts.applications.decide import Wanted, complaints, decide
from contracts.applications.difference import Change, difference
from contracts.applications.narrowing import as_asked, widening
from contracts.applications.rules import Facts
from contracts.applications.states import Command, State
from contracts.applications.tables import Application
from contracts.errors import Refusal
from contracts.forms.files import current
from contracts.forms.kinds import KINDS
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


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_with_criteria_is_decided_by_them_alone(kind: str) -> None:
    """Every code there is, on every kind: what is judged by Article 40(12) takes that article's conditions and no other reason."""
    by_article = {each.code for each in KINDS["dsa-40-12"].criteria}
    asked = application(State.IN_REVIEW, checked_at=MADE, kind=kind)
    narrowed = replace(as_asked(asked), fields=("lang",))

    def taken(command: Command, **more: Any) -> set[str]:
        outcomes = {code: decide(asked, OTHER, Wanted(command, 3, "fine", code=code, **more), Facts(TODAY)) for code in reasons.WORDS}
        return {code for code, outcome in outcomes.items() if not isinstance(outcome, Refusal)}

    found = (taken(Command.APPROVE), taken(Command.APPROVE, narrowed=narrowed), taken(Command.DECLINE))
    others = ({"as-asked"}, {"narrowed"}, set(reasons.DECLINE))
    nothing: tuple[set[str], ...] = (set(), set(), set())
    alone = ({"criteria-met"}, {"criteria-met-narrowed"}, by_article)
    assert len(by_article) == 7
    assert found == {"dsa-40-12": alone, "dsa-40-4": nothing}.get(kind, others)


def test_a_code_in_two_lists_says_the_same() -> None:
    lists = (reasons.APPROVAL, reasons.APPROVAL_BY_CRITERIA, reasons.DECLINE, reasons.DECLINE_BY_CRITERIA, reasons.RETURN, reasons.OPINIONS)
    assert [code for each in lists for code, words in each.items() if reasons.WORDS[code] != words] == []


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


def test_what_became_different_is_named_by_the_questions_of_its_form() -> None:
    forms = [current(SETTINGS, kind, "posts") for kind in ("commercial", "research")]
    before = {**content_of(application()), "form": forms[1].sha256, "starts": "2026-11-02"}
    before["answers"] = {"controller": "alone", "necessity": {"text": "It is the topic."}, "gone": "Old."}
    after = {**before, "kind": "commercial", "purpose": "market-analysis", "form": forms[0].sha256, "starts": "2026-12-01"}
    after |= {"evidence": [{"id": "evd_1", "kind": "dpia", "sha256": "ab" * 32}], "answers": {"funding": "A grant.", "controller": "joint"}}
    assert difference(before, after, forms) == [
        Change("kind", "Kind", "Research", "Commercial"),
        Change("purpose", "Purpose", "Research in the public interest", "Market analysis"),
        Change("starts", "First day", "2 November 2026", "1 December 2026"),
        Change("form", "Form", f"Research, version {forms[1].sha256[:12]}…", f"Commercial, version {forms[0].sha256[:12]}…"),
        Change("answers.necessity.text", "text: Why the project needs this field, and why less would not do", "It is the topic.", ""),
        Change("answers.controller", "Who decides on the use of the records", "We alone", "We together with others"),
        Change("answers.funding", "Who pays for the project", "", "A grant."),
        Change("answers.gone", "gone", "Old.", ""),
        Change("evidence", "Documents", "", f"Data protection impact assessment, SHA-256 {'ab' * 6}…"),
    ]


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
        ({"kind": "dsa-40-12"}, ["kind", "purpose"]),
        ({"purpose": "systemic-risk", "kind": "dsa-40-12"}, []),
        ({"purpose": "systemic-risk"}, ["purpose"]),
        ({"purpose": "systemic-risk", "kind": "ai-training"}, ["purpose"]),
    ],
)
def test_some_kinds_have_a_purpose_of_their_own(changed: dict[str, str], found: list[str]) -> None:
    purposes = ["research"] if found == ["kind", "purpose"] else ["ai-training", "systemic-risk", "research"]
    open_to_it = POSTS.model_copy(update={"purposes": purposes})
    assert list(complaints(application(**changed), open_to_it, TODAY)) == found


@pytest.mark.parametrize(
    ("start", "days", "end", "holidays"),
    [
        (date(2026, 11, 2), 10, date(2026, 11, 16), ()),
        (date(2026, 11, 6), 1, date(2026, 11, 9), ()),
        (date(2026, 11, 7), 1, date(2026, 11, 9), ()),
        (date(2026, 11, 2), 0, date(2026, 11, 2), ()),
        (date(2026, 12, 23), 2, date(2026, 12, 29), (date(2026, 12, 25), date(2026, 12, 26), date(2026, 12, 28))),
        (date(2026, 12, 24), 1, date(2026, 12, 28), (date(2026, 12, 25), date(2026, 12, 24))),
    ],
)
def test_working_days(start: date, days: int, end: date, holidays: tuple[date, ...]) -> None:
    assert workdays.after(start, days, holidays) == end
    assert workdays.between(start, end, holidays) == days
    assert workdays.between(end, start, holidays) == -days

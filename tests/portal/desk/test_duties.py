"""What waits for whom, and how its clock reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from contracts.applications.tables import Application
from contracts.incidents.tables import Incident
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.pages.desk.duties import ClockWords, Desk, Duty, Waiting, clock_words, duties, heading, subheading, waiting

MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
EARLIER = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)


def steward(account: str = "acc_mara", *, given_by: str = "acc_admin") -> Actor:
    return Actor(account, "org_platform", "Mara", "mara@agora.example", frozenset({Role.STEWARD}), frozenset({given_by}))


def application(name: str, state: str, **more: object) -> Application:
    facts = {"id": f"app_{name}", "organisation_id": "org_n", "created_by": "acc_p", "dataset": "posts", "project": name.title()}
    return Application(**{**facts, "state": state, "created_at": EARLIER, **more})


def contract(name: str, state: str, **more: object) -> Contract:
    facts = {"id": f"ctr_{name}", "organisation_id": "org_n", "application_id": f"app_{name}", "title": name.title(), "kind": "research"}
    people = {"drafted_by": "acc_jo", "approved_by": "acc_jo"}
    return Contract(**{**facts, **people, "state": state, "created_at": EARLIER, **more})


def desk(*, applications: tuple[Application, ...] = (), contracts: tuple[Contract, ...] = (), incidents: tuple[Incident, ...] = ()) -> Desk:
    drafted = frozenset(each.application_id for each in contracts)
    return Desk(applications, contracts, drafted, incidents, {"org_n": "Northfield University"}, {"posts": "Public posts"})


def test_duties_of_a_steward_come_by_due_date_then_by_age() -> None:
    rows = desk(
        applications=(
            application("late", "submitted", decide_by=date(2026, 11, 9), submitted_at=MONDAY),
            application("soon", "in_review", decide_by=date(2026, 11, 3), submitted_at=MONDAY, handler="acc_mara"),
            application("theirs", "in_review", decide_by=date(2026, 11, 3), submitted_at=MONDAY, handler="acc_jo"),
            application("again", "appealed", decide_by=date(2026, 11, 10), submitted_at=MONDAY, appealed_at=MONDAY, declined_by="acc_jo"),
            application("own", "appealed", decide_by=date(2026, 11, 10), submitted_at=MONDAY, declined_by="acc_mara"),
            application("back", "returned", submitted_at=MONDAY),
            application("approved", "approved", decided_at=MONDAY),
            application("active", "approved", decided_at=MONDAY),
            application("draft", "draft"),
        ),
        contracts=(contract("active", "active"), contract("drafted", "draft")),
    )
    assert duties(rows, steward()) == [
        Duty(
            "Decide: Soon",
            "Northfield University applies for “Public posts”.",
            "/desk/applications/app_soon",
            "Review",
            MONDAY,
            date(2026, 11, 3),
        ),
        Duty(
            "Check: Late",
            "Northfield University applies for “Public posts”. First make sure that it is complete.",
            "/desk/applications/app_late",
            "Check",
            MONDAY,
            date(2026, 11, 9),
        ),
        Duty(
            "Review again: Again",
            "Northfield University asks for an independent review. You had no part in the first decision.",
            "/desk/applications/app_again",
            "Review",
            MONDAY,
            date(2026, 11, 10),
        ),
        Duty(
            "Offer: Drafted",
            "Drafted for Northfield University, not yet offered to them.",
            "/desk/contracts/ctr_drafted",
            "Read and offer",
            EARLIER,
        ),
        Duty(
            "Draft the contract: Approved",
            "Approved for Northfield University; it has no contract yet.",
            "/desk/applications/app_approved/draft",
            "Draft",
            MONDAY,
        ),
    ]
    assert [(row.title, row.whom) for row in waiting(rows, steward())] == [
        ("Theirs", "Dealt with by a colleague"),
        ("Back", "Changes by Northfield University"),
    ]


def test_a_coordinators_request_is_for_nobody_here_to_check_or_decide() -> None:
    found = desk(applications=(application("request", "submitted", kind="dsa-40-4", decide_by=date(2026, 11, 9)),))
    assert duties(found, steward()) == []


def test_a_review_and_a_lawful_basis_wait_for_who_is_asked() -> None:
    asked = application("asked", "in_review", decide_by=date(2026, 11, 10), submitted_at=MONDAY, handler="acc_mara")
    rows = replace(desk(applications=(asked,)), asked=frozenset({("app_asked", "acc_c")}), unlawful=frozenset({"app_asked"}))
    officer = Actor("acc_c", "org_platform", "Ana", "ana@agora.example", frozenset({Role.COMPLIANCE}))
    assert [(duty.title, duty.href) for duty in duties(rows, officer)] == [
        ("Give advice: Asked", "/desk/applications/app_asked#said"),
        ("Confirm the lawful basis: Asked", "/desk/applications/app_asked#basis"),
    ]
    back = replace(rows, recused=frozenset({("app_asked", "acc_mara")}))
    assert duties(back, steward()) == []


@pytest.mark.parametrize(
    "actor",
    [steward("acc_jo"), steward("acc_mara", given_by="acc_jo")],
    ids=["drafted it", "role given by who drafted it"],
)
def test_countersignature_waits_for_another_steward(actor: Actor) -> None:
    rows = desk(contracts=(contract("signed", "signed", offered_at=MONDAY),))
    assert duties(rows, actor) == []
    assert waiting(rows, actor) == [Waiting("Signed", "Countersignature of another steward", "/desk/contracts/ctr_signed", MONDAY)]


def test_countersignature_waits_for_a_steward_who_neither_approved_nor_drafted() -> None:
    rows = desk(contracts=(contract("signed", "signed", offered_at=MONDAY),))
    detail = "Northfield University has signed. You neither approved nor drafted it, so you may countersign."
    assert duties(rows, steward()) == [Duty("Countersign: Signed", detail, "/desk/contracts/ctr_signed", "Read and sign", MONDAY)]
    assert waiting(rows, steward()) == []


def test_a_lift_waits_for_another_than_who_asked() -> None:
    rows = desk(contracts=(contract("held", "lift_asked", suspended_at=MONDAY, lift_asked_by="acc_jo"),))
    assert [duty.title for duty in duties(rows, steward())] == ["Lift the suspension: Held"]
    assert duties(rows, steward("acc_jo")) == []
    assert waiting(rows, steward("acc_jo")) == [
        Waiting("Held", "A second person for the lift that you asked for", "/desk/contracts/ctr_held", MONDAY)
    ]


def test_a_compliance_officer_sees_open_incidents_and_no_decisions() -> None:
    officer = Actor("acc_c", "org_platform", "Ana", "ana@agora.example", frozenset({Role.COMPLIANCE}))
    rows = desk(
        applications=(application("soon", "submitted", decide_by=date(2026, 11, 3)),),
        incidents=(
            Incident(id="inc_1", kind="scraping", title="Scraping", opened_at=MONDAY),
            Incident(id="inc_2", kind="scraping", title="Old", opened_at=EARLIER, closed_at=MONDAY),
        ),
    )
    assert duties(rows, officer) == [Duty("Scraping", "An incident is open.", "/desk/incidents#inc_1", "Look", MONDAY)]


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (date(2026, 11, 2), ClockWords("Due today", "stop")),
        (date(2026, 11, 3), ClockWords("1 working day", "warn")),
        (date(2026, 11, 4), ClockWords("2 working days", "warn")),
        (date(2026, 11, 9), ClockWords("5 working days", "wait")),
        (date(2026, 10, 30), ClockWords("1 working day late", "stop")),
        (date(2026, 10, 29), ClockWords("2 working days late", "stop")),
    ],
)
def test_clock_counts_working_days(due: date, words: ClockWords) -> None:
    assert clock_words(due, MONDAY.date(), ()) == words


def test_a_duty_without_a_date_has_no_clock() -> None:
    assert clock_words(None, MONDAY.date(), ()) == ClockWords("No clock", "plain")


def test_headline_counts_and_says_what_is_late() -> None:
    def due(day: date | None) -> Duty:
        return Duty("t", "d", "/", "a", MONDAY, day)

    today = MONDAY.date()
    assert (heading(0), subheading([], today)) == ("Nothing waits for you", "Nothing is late.")
    assert heading(1) == "One thing waits for you"
    assert heading(12) == "12 things wait for you"
    assert (
        subheading([due(date(2026, 11, 6)), due(date(2026, 11, 9)), due(None)], today)
        == "Nothing is late. One decision falls due this week."
    )
    assert subheading([due(date(2026, 10, 30)), due(date(2026, 11, 3))], today) == "One decision is late."

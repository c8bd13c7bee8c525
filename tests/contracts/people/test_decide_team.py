"""Who may change an organisation's people: the lead, with the password just given, and never the last lead away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts.errors import Refusal
from contracts.people.actor import Actor
from contracts.people.decide_team import Team, decide_leaving, decide_removal, decide_roles
from contracts.people.roles import Role

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ADA = Actor("ada", "org", "Ada", "ada@x.example", frozenset({Role.LEAD, Role.SIGNATORY}), reauthenticated_at=NOW, second_factor_at=NOW)
TEAM = Team(
    {"ada": frozenset({Role.LEAD, Role.SIGNATORY}), "bea": frozenset({Role.LEAD}), "cid": frozenset({Role.READER})},
    frozenset({"ada", "bea"}),
)
ALONE = replace(TEAM, leads=frozenset({"ada"}))


def _code(found: Refusal | None) -> str:
    return found.code if found else "allowed"


@pytest.mark.parametrize(
    ("team", "who", "wanted", "expected"),
    [
        (TEAM, "cid", {Role.READER, Role.DEVELOPER}, "allowed"),
        (TEAM, "cid", {Role.LEAD}, "allowed"),
        (TEAM, "cid", set(), "invalid_input"),
        (TEAM, "cid", {Role.STEWARD}, "invalid_input"),
        (TEAM, "nobody", {Role.READER}, "not_found"),
        (TEAM, "bea", {Role.READER}, "allowed"),
        (TEAM, "ada", {Role.SIGNATORY}, "allowed"),
        (TEAM, "ada", {Role.LEAD, Role.SIGNATORY, Role.DEVELOPER}, "second_person_required"),
        (ALONE, "ada", {Role.SIGNATORY}, "last_lead"),
        (ALONE, "ada", {Role.LEAD}, "allowed"),
        (ALONE, "bea", {Role.READER}, "allowed"),  # a lead who is disabled leads nothing
    ],
)
def test_a_lead_changes_roles(team: Team, who: str, wanted: set[Role], expected: str) -> None:
    assert _code(decide_roles(team, ADA, who, frozenset(wanted), NOW)) == expected


@pytest.mark.parametrize(("team", "who", "expected"), [(TEAM, "cid", "allowed"), (TEAM, "ada", "allowed"), (ALONE, "ada", "last_lead")])
def test_a_lead_removes_people(team: Team, who: str, expected: str) -> None:
    assert _code(decide_removal(team, ADA, who, NOW)) == expected


@pytest.mark.parametrize(("team", "expected"), [(TEAM, "allowed"), (ALONE, "last_lead")])
def test_everyone_may_leave_but_the_last_who_leads(team: Team, expected: str) -> None:
    assert _code(decide_leaving(team, ADA)) == expected
    assert decide_leaving(team, replace(ADA, account_id="cid", roles=frozenset({Role.READER}))) is None


@pytest.mark.parametrize("role", [Role.SIGNATORY, Role.DEVELOPER, Role.BILLING, Role.READER, Role.STEWARD, Role.ADMINISTRATOR])
def test_nobody_else_changes_anything(role: Role) -> None:
    other = replace(ADA, account_id="cid", roles=frozenset({role}))
    assert _code(decide_roles(TEAM, other, "bea", frozenset({Role.READER}), NOW)) == "role_required"
    assert _code(decide_removal(TEAM, other, "bea", NOW)) == "role_required"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (NOW - timedelta(minutes=10), "allowed"),
        (NOW - timedelta(minutes=10, seconds=1), "reauthentication_required"),
        (NOW + timedelta(seconds=1), "reauthentication_required"),
        (None, "reauthentication_required"),
    ],
)
def test_the_password_was_given_within_ten_minutes(given: datetime | None, expected: str) -> None:
    assert (
        _code(decide_removal(TEAM, replace(ADA, reauthenticated_at=given, second_factor_at=NOW - timedelta(hours=1)), "cid", NOW))
        == expected
    )
    assert _code(decide_removal(TEAM, replace(ADA, reauthenticated_at=NOW, second_factor_at=None), "cid", NOW)) == "second_factor_required"

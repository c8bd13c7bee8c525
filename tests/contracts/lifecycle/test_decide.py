"""Decisions on contracts, without a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.errors import Refusal
from contracts.lifecycle.decide import People, Wanted, decide
from contracts.lifecycle.states import Command, State
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
JON = Actor(
    account_id="acc_jon",
    organisation_id="org_p",
    name="",
    email="",
    roles=frozenset(),
    reauthenticated_at=NOW,
    second_factor_at=NOW - timedelta(days=1),
)
SIGNED = {"name": "Jon Steward", "capacity": "Head of data access"}


def contract(state: State) -> Contract:
    return Contract(
        id="ctr_1",
        organisation_id="org_1",
        application_id="app_1",
        title="T",
        kind="research",
        state=state,
        revision=3,
        drafted_by="acc_mara",
        approved_by="acc_moa",
        lift_asked_by="acc_mara",
        created_at=NOW,
    )


@pytest.mark.parametrize(
    ("state", "command", "given", "outcome"),
    [
        (State.SIGNED, Command.COUNTERSIGN, SIGNED, State.ACTIVE),
        (State.SIGNED, Command.COUNTERSIGN, {**SIGNED, "revision": 2}, "changed_meanwhile"),
        (State.OFFERED, Command.COUNTERSIGN, {**SIGNED, "revision": 2}, "command_not_possible"),
        (State.SIGNED, Command.COUNTERSIGN, {"name": " ", "capacity": "Head"}, "invalid_input"),
        (State.SIGNED, Command.COUNTERSIGN, {"name": "Jon", "capacity": "x" * 121}, "invalid_input"),
        (State.SIGNED, Command.COUNTERSIGN, {"name": "Jon\nEve", "capacity": "Head"}, "invalid_input"),
        (State.OFFERED, Command.SIGN, SIGNED, State.SIGNED),
        (State.ACTIVE, Command.SUSPEND, {"reason": "Scraped"}, State.SUSPENDED),
        (State.ACTIVE, Command.SUSPEND, {}, "reason_required"),
        (State.SUSPENDED, Command.ASK_LIFT, {}, "reason_required"),
        (State.ACTIVE, Command.TERMINATE, {}, "reason_required"),
        (State.LIFT_ASKED, Command.LIFT, {}, State.ACTIVE),
        (State.ACTIVE, Command.EXPIRE, {}, State.EXPIRED),
        (State.DRAFT, Command.REVISE, {}, State.DRAFT),
        (State.OFFERED, Command.REVISE, {}, "reason_required"),
        (State.COUNTERED, Command.REVISE, {"reason": "The pace is lower."}, State.OFFERED),
        (State.COUNTERED, Command.DECLINE, {}, "reason_required"),
        (State.COUNTERED, Command.SIGN, SIGNED, "command_not_possible"),
        (State.SIGNED, Command.REVISE, {"reason": "The pace is lower."}, "command_not_possible"),
    ],
)
def test_decide(state: State, command: Command, given: dict[str, Any], outcome: State | str) -> None:
    decided = decide(contract(state), JON, Wanted(**{"command": command, "revision": 3, **given}), People(NOW))
    assert (decided.code if isinstance(decided, Refusal) else decided) == outcome


@pytest.mark.parametrize(
    ("state", "command", "person", "entangled"),
    [
        (State.SIGNED, Command.COUNTERSIGN, "acc_mara", frozenset()),
        (State.SIGNED, Command.COUNTERSIGN, "acc_moa", frozenset()),
        (State.SIGNED, Command.COUNTERSIGN, "acc_jon", frozenset({"acc_moa"})),
        (State.LIFT_ASKED, Command.LIFT, "acc_mara", frozenset()),
        (State.LIFT_ASKED, Command.LIFT, "acc_jon", frozenset({"acc_mara"})),
    ],
)
def test_two_people_are_two_and_neither_made_the_other(state: State, command: Command, person: str, entangled: frozenset[str]) -> None:
    actor = replace(JON, account_id=person)
    decided = decide(contract(state), actor, Wanted(command=command, revision=3, **SIGNED), People(NOW, entangled))
    assert isinstance(decided, Refusal)
    assert decided.code == "second_person_required"


def test_a_role_given_by_the_person_before_counts_from_the_session_too() -> None:
    actor = replace(JON, roles_given_by=frozenset({"acc_mara"}))
    decided = decide(contract(State.LIFT_ASKED), actor, Wanted(command=Command.LIFT, revision=3), People(NOW))
    assert isinstance(decided, Refusal)
    assert decided.code == "second_person_required"


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        (None, False),
        (NOW - timedelta(minutes=10), True),
        (NOW - timedelta(minutes=10, seconds=1), False),
        (NOW + timedelta(seconds=1), False),
    ],
)
def test_a_signature_needs_the_password_of_the_last_ten_minutes(given: datetime | None, accepted: bool) -> None:
    actor = replace(JON, reauthenticated_at=given)
    decided = decide(contract(State.OFFERED), actor, Wanted(command=Command.SIGN, revision=3, **SIGNED), People(NOW))
    assert (decided.code if isinstance(decided, Refusal) else decided) == (State.SIGNED if accepted else "reauthentication_required")

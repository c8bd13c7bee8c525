"""The table of states is total: every state, command and role does what the table says, and nothing else."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from contracts.applications.decide import Wanted, decide
from contracts.applications.narrowing import as_asked
from contracts.applications.rules import Facts
from contracts.applications.states import (
    FINAL,
    MEANING,
    OF_REASONED_REQUESTS,
    REASONED_REQUEST,
    ROLES,
    TABLE,
    WAITING,
    WRITABLE,
    Command,
    State,
    next_state,
    possible,
)
from contracts.applications.tables import Application
from contracts.errors import Refusal
from contracts.people.actor import Actor
from contracts.people.roles import Role
from tests.harness.cast import ENDS, FORM, STARTS

# The whole table once more, by hand: what it leaves out is refused.
ON_THE_DESK = {
    Command.CLAIM,
    Command.ASSIGN,
    Command.RECUSE,
    Command.ASK_REVIEW,
    Command.RELEASE,
    Command.REMARK,
    Command.EXTEND,
    Command.CONFIRM_BASIS,
}
POSSIBLE = {
    **{(state, command): state for state in (State.SUBMITTED, State.IN_REVIEW, State.APPEALED) for command in ON_THE_DESK},
    **{(state, Command.STOP): State.STOPPED for state in set(State) - FINAL - {State.DECLINED}},
    **{(state, Command.REMARK): state for state in (State.RETURNED, State.APPROVED, State.DECLINED, State.UPHELD, State.STOPPED)},
    **{(state, Command.WITHDRAW): State.WITHDRAWN for state in (State.DRAFT, State.SUBMITTED, State.IN_REVIEW, State.RETURNED)},
    **{(state, Command.SAVE): state for state in (State.DRAFT, State.RETURNED)},
    **{(state, Command.SUBMIT): State.SUBMITTED for state in (State.DRAFT, State.RETURNED)},
    **{(state, Command.EXPIRE): State.EXPIRED for state in (State.DRAFT, State.RETURNED)},
    (State.RETURNED, Command.RECUSE): State.RETURNED,
    (State.SUBMITTED, Command.CHECK): State.IN_REVIEW,
    (State.APPEALED, Command.CHECK): State.APPEALED,
    (State.SUBMITTED, Command.RETURN): State.RETURNED,
    (State.IN_REVIEW, Command.RETURN): State.RETURNED,
    (State.SUBMITTED, Command.DECLINE): State.DECLINED,
    (State.IN_REVIEW, Command.DECLINE): State.DECLINED,
    (State.APPEALED, Command.DECLINE): State.UPHELD,
    (State.IN_REVIEW, Command.APPROVE): State.APPROVED,
    (State.APPEALED, Command.APPROVE): State.APPROVED,
    (State.SUBMITTED, Command.ADOPT): State.APPROVED,
    (State.APPROVED, Command.CONFIRM_BASIS): State.APPROVED,
    (State.DECLINED, Command.APPEAL): State.APPEALED,
}
MADE = datetime(2026, 11, 2, tzinfo=UTC)
GIVEN = {
    Command.APPROVE: "as-asked",
    Command.DECLINE: "other",
    Command.RETURN: "unclear",
    Command.CONFIRM_BASIS: "public-task",
}


def application(state: State, kind: str = "research") -> Application:
    content = {**FORM, "starts": STARTS, "ends": ENDS, "kind": kind}
    found = Application(
        id="app_1", organisation_id="org_1", created_by="acc_1", state=state, dataset="posts", created_at=MADE, checked_at=MADE, **content
    )
    if state in (State.DECLINED, State.APPEALED):
        found.decided_at, found.declined_by = MADE, "acc_3" if state is State.APPEALED else None
    return found


def wanted(command: Command, state: State) -> Wanted:
    narrowed = as_asked(application(state)) if command is Command.APPROVE else None
    return Wanted(command, 1, "With care.", {}, GIVEN.get(command, ""), date(2026, 11, 30), narrowed)


def test_tables_name_every_state_and_command() -> None:
    assert (set(TABLE), set(MEANING), set(ROLES)) == (set(State), set(State), set(Command))
    assert all(list(row) == list(Command) for row in TABLE.values())
    assert not (WAITING & WRITABLE) | (WAITING & FINAL) | (WRITABLE & FINAL)


@pytest.mark.parametrize("state", State)
def test_every_state_command_and_role(state: State) -> None:
    actor = Actor("acc_2", "org_2", "Somebody", "", frozenset())
    for command, role in itertools.product(Command, Role):
        kind = REASONED_REQUEST if command is Command.ADOPT else "research"
        found = decide(application(state, kind), replace(actor, roles=frozenset({role})), wanted(command, state), Facts(date(2026, 11, 3)))
        if role not in ROLES[command]:
            expected: State | str = "role_required"
        else:
            expected = POSSIBLE.get((state, command), "command_not_possible")
        assert (found.code if isinstance(found, Refusal) else found) == expected, (command, role)


@pytest.mark.parametrize("command", [each for each in Command if ROLES[each]])
def test_a_reasoned_request_is_taken_over_and_decided_by_nobody_here(command: Command) -> None:
    actor = Actor("acc_2", "org_2", "Somebody", "", frozenset(Role))
    for state in State:
        asked = decide(application(state, REASONED_REQUEST), actor, wanted(command, state), Facts(date(2026, 11, 3)))
        known = (state, command) in POSSIBLE and command in OF_REASONED_REQUESTS
        assert (asked if isinstance(asked, State) else asked.code) == (POSSIBLE[state, command] if known else "command_not_possible")
    if command is Command.ADOPT:
        refused = decide(application(State.SUBMITTED), actor, wanted(command, State.SUBMITTED), Facts(date(2026, 11, 3)))
        assert isinstance(refused, Refusal) and refused.code == "command_not_possible"


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("command", Command)
def test_what_is_not_possible_says_what_the_state_means(state: State, command: Command) -> None:
    expected = POSSIBLE.get((state, command)) or Refusal(
        "command_not_possible", f"This cannot be done now. {MEANING[state]}", {"state": state.value, "command": command.value}
    )
    assert next_state(state, command) == expected
    assert (command in possible(state)) == ((state, command) in POSSIBLE)

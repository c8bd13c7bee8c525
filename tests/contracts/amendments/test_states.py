"""The table of amendments is total: every state, command and role does what it says."""

from __future__ import annotations

from itertools import product

from contracts.amendments.states import MEANING, OPEN, ROLES, TABLE, Command, State, next_state, possible
from contracts.errors import Refusal
from contracts.people.roles import Role

BINDERS, STEWARDS = {Role.LEAD, Role.SIGNATORY}, {Role.STEWARD}
POSSIBLE: dict[tuple[State, Command], tuple[State, set[Role]]] = {
    (State.OFFERED, Command.SIGN): (State.SIGNED, BINDERS),
    (State.OFFERED, Command.DECLINE): (State.DECLINED, BINDERS),
    (State.SIGNED, Command.COUNTERSIGN): (State.IN_FORCE, STEWARDS),
    **{(state, Command.WITHDRAW): (State.WITHDRAWN, STEWARDS) for state in (State.OFFERED, State.SIGNED)},
    **{(state, Command.LAPSE): (State.LAPSED, set()) for state in (State.OFFERED, State.SIGNED)},
}


def test_tables_name_every_state_and_command() -> None:
    assert (set(TABLE), set(MEANING), set(ROLES)) == (set(State), set(State), set(Command))
    assert all(set(row) == set(Command) for row in TABLE.values())
    assert {state for state in State if possible(state)} == OPEN


def test_every_state_command_and_role() -> None:
    found = {}
    for state, command, role in product(State, Command, Role):
        after = next_state(state, command)
        if role in ROLES[command] and not isinstance(after, Refusal):
            found[state, command, role] = after
    assert found == {(*key, role): after for key, (after, roles) in POSSIBLE.items() for role in roles}


def test_what_is_not_possible_says_why() -> None:
    assert next_state(State.IN_FORCE, Command.SIGN) == Refusal(
        "command_not_possible", f"This cannot be done now. {MEANING[State.IN_FORCE]}", {"state": "in_force", "command": "sign"}
    )

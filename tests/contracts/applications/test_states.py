"""The table of states is total, and every state and command does what it says."""

from __future__ import annotations

import pytest

from contracts.applications.states import MEANING, ROLES, TABLE, Command, State, next_state, possible
from contracts.errors import Refusal

POSSIBLE = {
    (State.DRAFT, Command.SAVE): State.DRAFT,
    (State.DRAFT, Command.SUBMIT): State.SUBMITTED,
    (State.DRAFT, Command.WITHDRAW): State.WITHDRAWN,
    (State.SUBMITTED, Command.WITHDRAW): State.WITHDRAWN,
    (State.SUBMITTED, Command.APPROVE): State.APPROVED,
    (State.SUBMITTED, Command.DECLINE): State.DECLINED,
    (State.SUBMITTED, Command.ADOPT): State.APPROVED,
    (State.DRAFT, Command.STOP): State.STOPPED,
    (State.SUBMITTED, Command.STOP): State.STOPPED,
    (State.APPROVED, Command.STOP): State.STOPPED,
}


def test_tables_name_every_state_and_command() -> None:
    assert (set(TABLE), set(MEANING), set(ROLES)) == (set(State), set(State), set(Command))
    assert all(set(row) == set(Command) for row in TABLE.values())


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("command", Command)
def test_every_state_and_command(state: State, command: Command) -> None:
    expected = POSSIBLE.get((state, command)) or Refusal(
        "command_not_possible", f"This cannot be done now. {MEANING[state]}", {"state": state.value, "command": command.value}
    )
    assert next_state(state, command) == expected
    assert (command in possible(state)) == ((state, command) in POSSIBLE)

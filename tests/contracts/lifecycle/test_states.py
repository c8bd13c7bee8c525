"""The table of states is total, and every state and command does what it says."""

from __future__ import annotations

import pytest

from contracts.errors import Refusal
from contracts.lifecycle.states import FINAL, MEANING, ROLES, TABLE, Command, State, next_state, possible

POSSIBLE = {
    (State.DRAFT, Command.OFFER): State.OFFERED,
    (State.DRAFT, Command.REVISE): State.DRAFT,
    (State.OFFERED, Command.REVISE): State.OFFERED,
    (State.OFFERED, Command.COUNTER): State.COUNTERED,
    (State.COUNTERED, Command.REVISE): State.OFFERED,
    (State.COUNTERED, Command.RECALL): State.OFFERED,
    (State.COUNTERED, Command.DECLINE): State.OFFERED,
    (State.OFFERED, Command.SIGN): State.SIGNED,
    (State.OFFERED, Command.RECORD_PAPER): State.SIGNED,
    (State.SIGNED, Command.COUNTERSIGN): State.ACTIVE,
    (State.ACTIVE, Command.SUSPEND): State.SUSPENDED,
    (State.SUSPENDED, Command.ASK_LIFT): State.LIFT_ASKED,
    (State.LIFT_ASKED, Command.LIFT): State.ACTIVE,
    (State.LIFT_ASKED, Command.SUSPEND): State.SUSPENDED,
    **{(state, Command.TERMINATE): State.TERMINATED for state in State if state not in FINAL},
    **{(state, Command.EXPIRE): State.EXPIRED for state in State if state not in FINAL},
    **{(state, Command.CLOSE): State.CLOSING for state in (State.TERMINATED, State.EXPIRED)},
    (State.CLOSING, Command.CERTIFY): State.CLOSED,
    (State.CLOSED, Command.SEND_BACK): State.CLOSING,
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


def test_only_countersignature_and_a_lift_bring_a_contract_into_force() -> None:
    assert {pair for pair, after in POSSIBLE.items() if after is State.ACTIVE} == {
        (State.SIGNED, Command.COUNTERSIGN),
        (State.LIFT_ASKED, Command.LIFT),
    }

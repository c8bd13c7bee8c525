"""The table of hand-overs is total, and every state says what it means."""

from __future__ import annotations

import itertools

import pytest

from contracts.errors import Refusal
from contracts.people.hand_over_states import MEANING, OPEN, TABLE, Command, State, next_state


def test_every_state_names_every_command_and_has_a_meaning() -> None:
    assert {state: set(row) for state, row in TABLE.items()} == {state: set(Command) for state in State}
    assert MEANING.keys() == set(State)


@pytest.mark.parametrize(("state", "command"), list(itertools.product(State, Command)))
def test_a_command_leads_on_or_is_refused(state: State, command: Command) -> None:
    after = next_state(state, command)
    if TABLE[state][command] is None:
        assert isinstance(after, Refusal)
        assert (after.code, after.facts) == ("command_not_possible", {"state": state, "command": command})
    else:
        assert after == TABLE[state][command]
    assert state in OPEN or isinstance(after, Refusal)


def test_only_its_own_way_leads_to_the_end() -> None:
    done = {(state, command) for state in State for command in Command if TABLE[state][command] is State.DONE}
    assert done == {(State.OFFERED, Command.ACCEPT), (State.PROPOSED, Command.CONFIRM)}

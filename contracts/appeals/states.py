"""The states of an appeal on one screen. `service` writes a state only through `next_state`."""

from __future__ import annotations

from enum import StrEnum

from contracts.errors import Refusal


class State(StrEnum):
    """Where an appeal stands."""

    WAITING = "waiting"
    UPHELD = "upheld"
    LET_THROUGH = "let_through"


class Command(StrEnum):
    """What an operator may do with it."""

    UPHOLD = "uphold"
    LET_THROUGH = "let_through"


MEANING: dict[State, str] = {
    State.WAITING: "Nobody has answered it yet.",
    State.UPHELD: "An operator looked at it, and the decision stands.",
    State.LET_THROUGH: "An operator looked at it, and the person is let through.",
}

# Total: every state names every command; None is "not possible".
TABLE: dict[State, dict[Command, State | None]] = {
    State.WAITING: {Command.UPHOLD: State.UPHELD, Command.LET_THROUGH: State.LET_THROUGH},
    State.UPHELD: dict.fromkeys(Command),
    State.LET_THROUGH: dict.fromkeys(Command),
}


def next_state(state: State, command: Command) -> State | Refusal:
    """The state after the command, or `command_not_possible`."""
    after = TABLE[state][command]
    if after is None:
        facts = {"state": state.value, "command": command.value}
        return Refusal("command_not_possible", f"This cannot be done now. {MEANING[state]}", facts)
    return after

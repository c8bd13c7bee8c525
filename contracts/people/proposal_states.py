"""The states of a proposed role of staff on one screen. `proposals` writes a state only through `next_state`."""

from __future__ import annotations

from enum import StrEnum

from contracts.errors import Refusal


class State(StrEnum):
    """Where a proposal stands."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    DECLINED = "declined"


class Command(StrEnum):
    """What may be done to it."""

    AGREE = "agree"
    DECLINE = "decline"


MEANING: dict[State, str] = {
    State.PROPOSED: "An administrator proposed the role; a colleague who is independent of that person has to agree.",
    State.AGREED: "Two members of staff agreed, and the person was invited.",
    State.DECLINED: "It was declined or taken back; nobody was invited.",
}

_S, _C = State, Command

# Total: every state names every command; None is "not possible".
TABLE: dict[State, dict[Command, State | None]] = {
    _S.PROPOSED: {_C.AGREE: _S.AGREED, _C.DECLINE: _S.DECLINED},
    _S.AGREED: dict.fromkeys(Command),
    _S.DECLINED: dict.fromkeys(Command),
}


def next_state(state: State, command: Command) -> State | Refusal:
    """The state after the command, or `command_not_possible`."""
    after = TABLE[state][command]
    if after is None:
        facts = {"state": state.value, "command": command.value}
        return Refusal("command_not_possible", f"This cannot be done now. {MEANING[state]}", facts)
    return after

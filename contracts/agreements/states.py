"""The states of an agreement that was signed before Licet, on one screen. `service` writes a state only through `next_state`."""

from __future__ import annotations

from enum import StrEnum

from contracts.errors import Refusal
from contracts.people.roles import Role


class State(StrEnum):
    """Where an agreement stands."""

    STAGED = "staged"
    CONFIRMED = "confirmed"
    BROUGHT_IN = "brought_in"
    REJECTED = "rejected"


class Command(StrEnum):
    """What may be done to an agreement."""

    CONFIRM = "confirm"
    BRING_IN = "bring_in"
    REJECT = "reject"


MEANING: dict[State, str] = {
    State.STAGED: "It was read from the operator's file; nobody of staff has confirmed it.",
    State.CONFIRMED: "One member of staff confirmed that PDF and terms belong together; a second one has to.",
    State.BROUGHT_IN: "Two people confirmed it; its contract is in force.",
    State.REJECTED: "Staff did not take it; a mended one is imported anew.",
}

OPEN = frozenset({State.STAGED, State.CONFIRMED})

_S, _C = State, Command

# Total: every state names every command; None is "not possible".
TABLE: dict[State, dict[Command, State | None]] = {
    _S.STAGED: {_C.CONFIRM: _S.CONFIRMED, _C.BRING_IN: None, _C.REJECT: _S.REJECTED},
    _S.CONFIRMED: {_C.CONFIRM: None, _C.BRING_IN: _S.BROUGHT_IN, _C.REJECT: _S.REJECTED},
    _S.BROUGHT_IN: dict.fromkeys(Command),
    _S.REJECTED: dict.fromkeys(Command),
}

ROLES: dict[Command, tuple[Role, ...]] = {
    _C.CONFIRM: (Role.STEWARD, Role.COMPLIANCE),
    _C.BRING_IN: (Role.STEWARD, Role.COMPLIANCE),
    _C.REJECT: (Role.STEWARD, Role.COMPLIANCE),
}


def next_state(state: State, command: Command) -> State | Refusal:
    """The state after the command, or `command_not_possible`."""
    after = TABLE[state][command]
    if after is None:
        facts = {"state": state.value, "command": command.value}
        return Refusal("command_not_possible", f"This cannot be done now. {MEANING[state]}", facts)
    return after

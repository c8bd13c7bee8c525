"""The states of an amendment on one screen: a new version of a contract in force. `service` writes a state only through `next_state`.

The version before it rules until the last signature; the contract's own state is another table's (`contracts.lifecycle.states`).
"""

from __future__ import annotations

from enum import StrEnum

from contracts.errors import Refusal
from contracts.people.roles import Role


class State(StrEnum):
    """Where an amendment stands."""

    OFFERED = "offered"
    SIGNED = "signed"
    IN_FORCE = "in_force"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class Command(StrEnum):
    """What may be done to an amendment."""

    SIGN = "sign"
    COUNTERSIGN = "countersign"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"


MEANING: dict[State, str] = {
    State.OFFERED: "The partner may read, sign or decline it; the version before it rules.",
    State.SIGNED: "The partner signed; a second member of staff has to countersign. The version before it rules.",
    State.IN_FORCE: "It was countersigned, and took the place of the version before it.",
    State.DECLINED: "The partner declined it; the version before it goes on.",
    State.WITHDRAWN: "Staff took it back; the version before it goes on.",
    State.LAPSED: "The contract ended before both sides had signed it.",
}

OPEN = frozenset({State.OFFERED, State.SIGNED})

_S, _C = State, Command

# Total: every state names every command; None is "not possible".
TABLE: dict[State, dict[Command, State | None]] = {
    _S.OFFERED: {
        _C.SIGN: _S.SIGNED,
        _C.COUNTERSIGN: None,
        _C.DECLINE: _S.DECLINED,
        _C.WITHDRAW: _S.WITHDRAWN,
        _C.LAPSE: _S.LAPSED,
    },
    _S.SIGNED: {
        _C.SIGN: None,
        _C.COUNTERSIGN: _S.IN_FORCE,
        _C.DECLINE: None,
        _C.WITHDRAW: _S.WITHDRAWN,
        _C.LAPSE: _S.LAPSED,
    },
    _S.IN_FORCE: dict.fromkeys(Command),
    _S.DECLINED: dict.fromkeys(Command),
    _S.WITHDRAWN: dict.fromkeys(Command),
    _S.LAPSED: dict.fromkeys(Command),
}

# Who may give a command; LAPSE follows from the contract's end and belongs to no person.
ROLES: dict[Command, tuple[Role, ...]] = {
    _C.SIGN: (Role.LEAD, Role.SIGNATORY),
    _C.COUNTERSIGN: (Role.STEWARD,),
    _C.DECLINE: (Role.LEAD, Role.SIGNATORY),
    _C.WITHDRAW: (Role.STEWARD,),
    _C.LAPSE: (),
}


def next_state(state: State, command: Command) -> State | Refusal:
    """The state after the command, or `command_not_possible`."""
    after = TABLE[state][command]
    if after is None:
        facts = {"state": state.value, "command": command.value}
        return Refusal("command_not_possible", f"This cannot be done now. {MEANING[state]}", facts)
    return after


def possible(state: State) -> list[Command]:
    """The commands that the state knows, for pages that offer them."""
    return [command for command, after in TABLE[state].items() if after is not None]

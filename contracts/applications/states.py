"""The states of an application on one screen. `service` writes a state only through `next_state`."""

from __future__ import annotations

from enum import StrEnum

from contracts.errors import Refusal
from contracts.people.roles import Role


class State(StrEnum):
    """Where an application stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"


class Command(StrEnum):
    """What may be done to an application."""

    SAVE = "save"
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    APPROVE = "approve"
    DECLINE = "decline"
    ADOPT = "adopt"
    STOP = "stop"


MEANING: dict[State, str] = {
    State.DRAFT: "The applicant is still writing it; staff do not see it.",
    State.SUBMITTED: "It waits for a steward's decision and cannot be changed.",
    State.APPROVED: "A steward approved it; a contract can be drafted from it.",
    State.DECLINED: "A steward declined it; a changed project needs a new application.",
    State.WITHDRAWN: "The applicant took it back.",
    State.STOPPED: "The platform stopped it, because the organisation, a person or the project was barred.",
}

_S, _C = State, Command

# Total: every state names every command; None is "not possible".
TABLE: dict[State, dict[Command, State | None]] = {
    _S.DRAFT: {
        _C.SAVE: _S.DRAFT,
        _C.SUBMIT: _S.SUBMITTED,
        _C.WITHDRAW: _S.WITHDRAWN,
        _C.APPROVE: None,
        _C.DECLINE: None,
        _C.ADOPT: None,
        _C.STOP: _S.STOPPED,
    },
    _S.SUBMITTED: {
        _C.SAVE: None,
        _C.SUBMIT: None,
        _C.WITHDRAW: _S.WITHDRAWN,
        _C.APPROVE: _S.APPROVED,
        _C.DECLINE: _S.DECLINED,
        # A Coordinator's reasoned request, and nothing else, is taken over as it stands.
        _C.ADOPT: _S.APPROVED,
        _C.STOP: _S.STOPPED,
    },
    _S.APPROVED: {**dict.fromkeys(Command), _C.STOP: _S.STOPPED},
    _S.DECLINED: dict.fromkeys(Command),
    _S.WITHDRAWN: dict.fromkeys(Command),
    _S.STOPPED: dict.fromkeys(Command),
}

# Of an application that is a Coordinator's reasoned request (EU DSA, Art. 40(4)): nobody here decides whether it is granted.
REASONED_REQUEST = "dsa-40-4"
OF_REASONED_REQUESTS = frozenset({_C.WITHDRAW, _C.ADOPT, _C.STOP})

ROLES: dict[Command, tuple[Role, ...]] = {
    _C.SAVE: (Role.LEAD,),
    _C.SUBMIT: (Role.LEAD,),
    _C.WITHDRAW: (Role.LEAD,),
    _C.APPROVE: (Role.STEWARD,),
    _C.DECLINE: (Role.STEWARD,),
    _C.ADOPT: (Role.STEWARD,),
    _C.STOP: (Role.STEWARD, Role.COMPLIANCE),
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

"""The states of a person on a project on one screen. `service` writes a state only through `next_state`."""

from __future__ import annotations

from enum import StrEnum

from contracts.errors import Refusal
from contracts.people.roles import ROLES as ROLE_FACTS
from contracts.people.roles import Role, Side


class State(StrEnum):
    """Where a person on a project stands."""

    INVITED = "invited"
    REVIEW = "review"
    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    REMOVED = "removed"


class Command(StrEnum):
    """What may be done about a person on a project."""

    INVITE_AGAIN = "invite_again"
    CONFIRM = "confirm"
    ASK_REVIEW = "ask_review"
    ADMIT = "admit"
    REFUSE = "refuse"
    ACCEPT = "accept"
    REMOVE = "remove"
    LEAVE = "leave"


MEANING: dict[State, str] = {
    State.INVITED: "Got a mail, and has not said yet who they are.",
    State.REVIEW: "Said who they are; a steward looks at it, because they came later or their address does not show where they work.",
    State.CONFIRMED: "Is who was invited; has not accepted the terms of the contract in force.",
    State.ACCEPTED: "Accepted the terms personally; a new version of the contract has to be accepted anew.",
    State.REFUSED: "A steward did not admit them.",
    State.REMOVED: "Was taken off the project, or left it.",
}

OPEN = frozenset({State.INVITED, State.REVIEW, State.CONFIRMED, State.ACCEPTED})

_S, _C = State, Command

# Total: every state names every command; None is "not possible".
TABLE: dict[State, dict[Command, State | None]] = {
    _S.INVITED: {
        _C.INVITE_AGAIN: _S.INVITED,
        _C.CONFIRM: _S.CONFIRMED,
        _C.ASK_REVIEW: _S.REVIEW,
        _C.ADMIT: None,
        _C.REFUSE: _S.REFUSED,
        _C.ACCEPT: None,
        _C.REMOVE: _S.REMOVED,
        _C.LEAVE: _S.REMOVED,
    },
    _S.REVIEW: {
        _C.INVITE_AGAIN: None,
        _C.CONFIRM: None,
        _C.ASK_REVIEW: None,
        _C.ADMIT: _S.CONFIRMED,
        _C.REFUSE: _S.REFUSED,
        _C.ACCEPT: None,
        _C.REMOVE: _S.REMOVED,
        _C.LEAVE: _S.REMOVED,
    },
    _S.CONFIRMED: {
        _C.INVITE_AGAIN: None,
        _C.CONFIRM: None,
        _C.ASK_REVIEW: None,
        _C.ADMIT: None,
        _C.REFUSE: _S.REFUSED,
        _C.ACCEPT: _S.ACCEPTED,
        _C.REMOVE: _S.REMOVED,
        _C.LEAVE: _S.REMOVED,
    },
    _S.ACCEPTED: {
        _C.INVITE_AGAIN: None,
        _C.CONFIRM: None,
        _C.ASK_REVIEW: None,
        _C.ADMIT: None,
        _C.REFUSE: _S.REFUSED,
        _C.ACCEPT: _S.ACCEPTED,
        _C.REMOVE: _S.REMOVED,
        _C.LEAVE: _S.REMOVED,
    },
    _S.REFUSED: dict.fromkeys(Command),
    _S.REMOVED: dict.fromkeys(Command),
}

_PARTNERS = tuple(role for role, facts in ROLE_FACTS.items() if facts.side is Side.PARTNER)

# What the person does belongs to whoever the row names, in whatever role.
ROLES: dict[Command, tuple[Role, ...]] = {
    _C.INVITE_AGAIN: (Role.LEAD,),
    _C.CONFIRM: _PARTNERS,
    _C.ASK_REVIEW: _PARTNERS,
    _C.ADMIT: (Role.STEWARD,),
    _C.REFUSE: (Role.STEWARD,),
    _C.ACCEPT: _PARTNERS,
    _C.REMOVE: (Role.LEAD,),
    _C.LEAVE: _PARTNERS,
}


def next_state(state: State, command: Command) -> State | Refusal:
    """The state after the command, or `command_not_possible`."""
    after = TABLE[state][command]
    if after is None:
        facts = {"state": state.value, "command": command.value}
        return Refusal("command_not_possible", f"This cannot be done now. {MEANING[state]}", facts)
    return after

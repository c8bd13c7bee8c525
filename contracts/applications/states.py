"""The states of an application on one screen. `core` writes a state only through `next_state`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from contracts.errors import Refusal
from contracts.people.roles import Role


class State(StrEnum):
    """Where an application stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    RETURNED = "returned"
    APPROVED = "approved"
    DECLINED = "declined"
    APPEALED = "appealed"
    UPHELD = "upheld"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    STOPPED = "stopped"


class Command(StrEnum):
    """What may be done to an application."""

    SAVE = "save"
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    CHECK = "check"
    RETURN = "return"
    CLAIM = "claim"
    ASSIGN = "assign"
    RECUSE = "recuse"
    ASK_REVIEW = "ask_review"
    RELEASE = "release"
    REMARK = "remark"
    EXTEND = "extend"
    CONFIRM_BASIS = "confirm_basis"
    APPROVE = "approve"
    DECLINE = "decline"
    APPEAL = "appeal"
    EXPIRE = "expire"
    ADOPT = "adopt"
    STOP = "stop"


MEANING: dict[State, str] = {
    State.DRAFT: "The applicant is still writing it; staff do not see it.",
    State.SUBMITTED: "It was handed in and cannot be changed; a steward first makes sure that it is complete.",
    State.IN_REVIEW: "It is complete; a steward decides on it.",
    State.RETURNED: "A steward asked for changes; the applicant changes it and hands it in again.",
    State.APPROVED: "A steward approved it; a contract can be drafted from it.",
    State.DECLINED: "A steward declined it; the applicant may ask once for an independent review, or apply with a changed project.",
    State.APPEALED: "The applicant asked for an independent review; somebody else than who declined it decides again.",
    State.UPHELD: "Declined, and confirmed on independent review; a changed project needs a new application.",
    State.WITHDRAWN: "The applicant took it back.",
    State.EXPIRED: "Nobody went on with it in time.",
    State.STOPPED: "The platform stopped it, because the organisation, a person or the project was barred.",
}

WAITING = frozenset({State.SUBMITTED, State.IN_REVIEW, State.APPEALED})
WRITABLE = frozenset({State.DRAFT, State.RETURNED})
FINAL = frozenset({State.UPHELD, State.WITHDRAWN, State.EXPIRED, State.STOPPED})

_S, _C = State, Command


def _row(**after: State) -> dict[Command, State | None]:
    """One line of the table: every command, None where it is not named."""
    named = {Command[name]: state for name, state in after.items()}
    return {command: named.get(command) for command in Command}


def _desk(state: State, **after: State) -> dict[Command, State | None]:
    """A line on which staff work: what changes the state, and what leaves it as it is."""
    same = dict.fromkeys(("CLAIM", "ASSIGN", "RECUSE", "ASK_REVIEW", "RELEASE", "REMARK", "EXTEND", "CONFIRM_BASIS"), state)
    return _row(**same, **after, STOP=_S.STOPPED)


# Total: every state names every command; None is "not possible".
TABLE: dict[State, Mapping[Command, State | None]] = {
    _S.DRAFT: _row(SAVE=_S.DRAFT, SUBMIT=_S.SUBMITTED, WITHDRAW=_S.WITHDRAWN, EXPIRE=_S.EXPIRED, STOP=_S.STOPPED),
    _S.SUBMITTED: _desk(
        _S.SUBMITTED, CHECK=_S.IN_REVIEW, RETURN=_S.RETURNED, DECLINE=_S.DECLINED, WITHDRAW=_S.WITHDRAWN, ADOPT=_S.APPROVED
    ),
    _S.IN_REVIEW: _desk(_S.IN_REVIEW, RETURN=_S.RETURNED, APPROVE=_S.APPROVED, DECLINE=_S.DECLINED, WITHDRAW=_S.WITHDRAWN),
    _S.RETURNED: _row(
        SAVE=_S.RETURNED,
        SUBMIT=_S.SUBMITTED,
        WITHDRAW=_S.WITHDRAWN,
        RECUSE=_S.RETURNED,
        REMARK=_S.RETURNED,
        EXPIRE=_S.EXPIRED,
        STOP=_S.STOPPED,
    ),
    _S.APPROVED: _row(REMARK=_S.APPROVED, CONFIRM_BASIS=_S.APPROVED, STOP=_S.STOPPED),
    _S.DECLINED: _row(REMARK=_S.DECLINED, APPEAL=_S.APPEALED),
    # Where it was declined as incomplete, the independent person makes up for the check before approving.
    _S.APPEALED: _desk(_S.APPEALED, CHECK=_S.APPEALED, APPROVE=_S.APPROVED, DECLINE=_S.UPHELD),
    _S.UPHELD: _row(REMARK=_S.UPHELD),
    _S.WITHDRAWN: _row(),
    _S.EXPIRED: _row(),
    _S.STOPPED: _row(REMARK=_S.STOPPED),
}

# Of an application that is a Coordinator's reasoned request (EU DSA, Art. 40(4)): nobody here decides whether it is granted. It is
# taken over as it stands (ADOPT), which no other application is.
REASONED_REQUEST = "dsa-40-4"
OF_REASONED_REQUESTS = frozenset({_C.WITHDRAW, _C.ADOPT, _C.STOP, _C.CLAIM, _C.ASSIGN, _C.RECUSE, _C.REMARK, _C.CONFIRM_BASIS})

# Who may give a command; EXPIRE follows from the dates and belongs to no person.
ROLES: dict[Command, tuple[Role, ...]] = {
    _C.SAVE: (Role.LEAD,),
    _C.SUBMIT: (Role.LEAD,),
    _C.WITHDRAW: (Role.LEAD,),
    _C.CHECK: (Role.STEWARD,),
    _C.RETURN: (Role.STEWARD,),
    _C.CLAIM: (Role.STEWARD,),
    _C.ASSIGN: (Role.STEWARD,),
    _C.RECUSE: (Role.STEWARD, Role.COMPLIANCE),
    _C.ASK_REVIEW: (Role.STEWARD,),
    _C.RELEASE: (Role.STEWARD,),
    _C.REMARK: (Role.STEWARD, Role.COMPLIANCE),
    _C.EXTEND: (Role.STEWARD,),
    _C.CONFIRM_BASIS: (Role.COMPLIANCE,),
    _C.APPROVE: (Role.STEWARD,),
    _C.DECLINE: (Role.STEWARD,),
    _C.APPEAL: (Role.LEAD,),
    _C.EXPIRE: (),
    _C.ADOPT: (Role.STEWARD,),
    _C.STOP: (Role.STEWARD, Role.COMPLIANCE),
}

# Staff commands that only who handles the application gives; where nobody does, giving one takes it on.
HANDLERS = frozenset({_C.CHECK, _C.RETURN, _C.ASK_REVIEW, _C.RELEASE, _C.EXTEND, _C.APPROVE, _C.DECLINE})


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

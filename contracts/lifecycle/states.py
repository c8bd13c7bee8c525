"""The states of a contract on one screen. `service` writes a state only through `next_state`."""

from __future__ import annotations

from enum import StrEnum

from contracts.errors import Refusal
from contracts.people.roles import Role


class State(StrEnum):
    """Where a contract stands."""

    DRAFT = "draft"
    OFFERED = "offered"
    COUNTERED = "countered"
    SIGNED = "signed"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    LIFT_ASKED = "lift_asked"
    TERMINATED = "terminated"
    EXPIRED = "expired"
    CLOSING = "closing"
    CLOSED = "closed"


class Command(StrEnum):
    """What may be done to a contract."""

    OFFER = "offer"
    REVISE = "revise"
    COUNTER = "counter"
    RECALL = "recall"
    DECLINE = "decline"
    SIGN = "sign"
    RECORD_PAPER = "record_paper"
    COUNTERSIGN = "countersign"
    SUSPEND = "suspend"
    ASK_LIFT = "ask_lift"
    LIFT = "lift"
    TERMINATE = "terminate"
    EXPIRE = "expire"
    CLOSE = "close"
    CERTIFY = "certify"
    SEND_BACK = "send_back"


MEANING: dict[State, str] = {
    State.DRAFT: "Staff wrote it; the partner does not see it yet.",
    State.OFFERED: "The partner may read and sign it, or ask for changes.",
    State.COUNTERED: "The partner asked for changes; staff answer with another version, or decline them.",
    State.SIGNED: "The partner signed; a second member of staff has to countersign.",
    State.ACTIVE: "In force: credentials under it are answered between its dates.",
    State.SUSPENDED: "Every request under it is refused until the suspension is lifted.",
    State.LIFT_ASKED: "Still suspended; one member of staff asked to lift, another has to agree.",
    State.TERMINATED: "Ended before its time, for good.",
    State.EXPIRED: "Its last day has passed.",
    State.CLOSING: "It has ended; the partner still owes the certificate that every record was destroyed.",
    State.CLOSED: "It has ended, and the partner certified that every record was destroyed.",
}

LIVE = frozenset({State.ACTIVE, State.SUSPENDED, State.LIFT_ASKED})
# Nothing is read under it any more, whatever is still to be done.
FINAL = frozenset({State.TERMINATED, State.EXPIRED, State.CLOSING, State.CLOSED})

_S, _C = State, Command

# Total: every state names every command; None is "not possible".
TABLE: dict[State, dict[Command, State | None]] = {
    _S.DRAFT: {
        _C.OFFER: _S.OFFERED,
        _C.REVISE: _S.DRAFT,
        _C.COUNTER: None,
        _C.RECALL: None,
        _C.DECLINE: None,
        _C.SIGN: None,
        _C.RECORD_PAPER: None,
        _C.COUNTERSIGN: None,
        _C.SUSPEND: None,
        _C.ASK_LIFT: None,
        _C.LIFT: None,
        _C.TERMINATE: _S.TERMINATED,
        _C.EXPIRE: _S.EXPIRED,
        _C.CLOSE: None,
        _C.CERTIFY: None,
        _C.SEND_BACK: None,
    },
    _S.OFFERED: {
        _C.OFFER: None,
        _C.REVISE: _S.OFFERED,
        _C.COUNTER: _S.COUNTERED,
        _C.RECALL: None,
        _C.DECLINE: None,
        _C.SIGN: _S.SIGNED,
        _C.RECORD_PAPER: _S.SIGNED,
        _C.COUNTERSIGN: None,
        _C.SUSPEND: None,
        _C.ASK_LIFT: None,
        _C.LIFT: None,
        _C.TERMINATE: _S.TERMINATED,
        _C.EXPIRE: _S.EXPIRED,
        _C.CLOSE: None,
        _C.CERTIFY: None,
        _C.SEND_BACK: None,
    },
    _S.COUNTERED: {
        _C.OFFER: None,
        _C.REVISE: _S.OFFERED,
        _C.COUNTER: None,
        _C.RECALL: _S.OFFERED,
        _C.DECLINE: _S.OFFERED,
        _C.SIGN: None,
        _C.RECORD_PAPER: None,
        _C.COUNTERSIGN: None,
        _C.SUSPEND: None,
        _C.ASK_LIFT: None,
        _C.LIFT: None,
        _C.TERMINATE: _S.TERMINATED,
        _C.EXPIRE: _S.EXPIRED,
        _C.CLOSE: None,
        _C.CERTIFY: None,
        _C.SEND_BACK: None,
    },
    _S.SIGNED: {
        _C.OFFER: None,
        _C.REVISE: None,
        _C.COUNTER: None,
        _C.RECALL: None,
        _C.DECLINE: None,
        _C.SIGN: None,
        _C.RECORD_PAPER: None,
        _C.COUNTERSIGN: _S.ACTIVE,
        _C.SUSPEND: None,
        _C.ASK_LIFT: None,
        _C.LIFT: None,
        _C.TERMINATE: _S.TERMINATED,
        _C.EXPIRE: _S.EXPIRED,
        _C.CLOSE: None,
        _C.CERTIFY: None,
        _C.SEND_BACK: None,
    },
    _S.ACTIVE: {
        _C.OFFER: None,
        _C.REVISE: None,
        _C.COUNTER: None,
        _C.RECALL: None,
        _C.DECLINE: None,
        _C.SIGN: None,
        _C.RECORD_PAPER: None,
        _C.COUNTERSIGN: None,
        _C.SUSPEND: _S.SUSPENDED,
        _C.ASK_LIFT: None,
        _C.LIFT: None,
        _C.TERMINATE: _S.TERMINATED,
        _C.EXPIRE: _S.EXPIRED,
        _C.CLOSE: None,
        _C.CERTIFY: None,
        _C.SEND_BACK: None,
    },
    _S.SUSPENDED: {
        _C.OFFER: None,
        _C.REVISE: None,
        _C.COUNTER: None,
        _C.RECALL: None,
        _C.DECLINE: None,
        _C.SIGN: None,
        _C.RECORD_PAPER: None,
        _C.COUNTERSIGN: None,
        _C.SUSPEND: None,
        _C.ASK_LIFT: _S.LIFT_ASKED,
        _C.LIFT: None,
        _C.TERMINATE: _S.TERMINATED,
        _C.EXPIRE: _S.EXPIRED,
        _C.CLOSE: None,
        _C.CERTIFY: None,
        _C.SEND_BACK: None,
    },
    _S.LIFT_ASKED: {
        _C.OFFER: None,
        _C.REVISE: None,
        _C.COUNTER: None,
        _C.RECALL: None,
        _C.DECLINE: None,
        _C.SIGN: None,
        _C.RECORD_PAPER: None,
        _C.COUNTERSIGN: None,
        _C.SUSPEND: _S.SUSPENDED,
        _C.ASK_LIFT: None,
        _C.LIFT: _S.ACTIVE,
        _C.TERMINATE: _S.TERMINATED,
        _C.EXPIRE: _S.EXPIRED,
        _C.CLOSE: None,
        _C.CERTIFY: None,
        _C.SEND_BACK: None,
    },
    _S.TERMINATED: {**dict.fromkeys(Command), _C.CLOSE: _S.CLOSING},
    _S.EXPIRED: {**dict.fromkeys(Command), _C.CLOSE: _S.CLOSING},
    _S.CLOSING: {**dict.fromkeys(Command), _C.CERTIFY: _S.CLOSED},
    _S.CLOSED: {**dict.fromkeys(Command), _C.SEND_BACK: _S.CLOSING},
}

# Who may give a command; EXPIRE and CLOSE follow from dates and terms and belong to no person.
ROLES: dict[Command, tuple[Role, ...]] = {
    _C.OFFER: (Role.STEWARD,),
    _C.REVISE: (Role.STEWARD,),
    _C.COUNTER: (Role.LEAD, Role.SIGNATORY),
    _C.RECALL: (Role.LEAD, Role.SIGNATORY),
    _C.DECLINE: (Role.STEWARD,),
    _C.SIGN: (Role.LEAD, Role.SIGNATORY),
    _C.RECORD_PAPER: (Role.STEWARD,),
    _C.COUNTERSIGN: (Role.STEWARD,),
    _C.SUSPEND: (Role.STEWARD, Role.COMPLIANCE),
    _C.ASK_LIFT: (Role.STEWARD, Role.COMPLIANCE),
    _C.LIFT: (Role.STEWARD, Role.COMPLIANCE),
    _C.TERMINATE: (Role.STEWARD,),
    _C.EXPIRE: (),
    _C.CLOSE: (),
    _C.CERTIFY: (Role.LEAD, Role.SIGNATORY),
    _C.SEND_BACK: (Role.STEWARD, Role.COMPLIANCE),
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

"""The states of a hand-over of leadership on one screen. `hand_over` writes a state only through `next_state`."""

from __future__ import annotations

from enum import StrEnum

from contracts.errors import Refusal


class State(StrEnum):
    """Where a hand-over stands."""

    OFFERED = "offered"
    PROPOSED = "proposed"
    DONE = "done"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Command(StrEnum):
    """What may be done to it."""

    ACCEPT = "accept"
    CONFIRM = "confirm"
    DECLINE = "decline"
    WITHDRAW = "withdraw"


MEANING: dict[State, str] = {
    State.OFFERED: "The lead named a member, who has to accept.",
    State.PROPOSED: "The lead is gone; one of staff named a member, and a second one has to agree.",
    State.DONE: "The member leads.",
    State.DECLINED: "The member did not want to lead.",
    State.WITHDRAWN: "It was taken back, or a lead who is there after all stopped it.",
}
OPEN = frozenset({State.OFFERED, State.PROPOSED})

_S, _C = State, Command

# Total: every state names every command; None is "not possible".
TABLE: dict[State, dict[Command, State | None]] = {
    _S.OFFERED: {_C.ACCEPT: _S.DONE, _C.CONFIRM: None, _C.DECLINE: _S.DECLINED, _C.WITHDRAW: _S.WITHDRAWN},
    _S.PROPOSED: {_C.ACCEPT: None, _C.CONFIRM: _S.DONE, _C.DECLINE: _S.DECLINED, _C.WITHDRAW: _S.WITHDRAWN},
    _S.DONE: dict.fromkeys(Command),
    _S.DECLINED: dict.fromkeys(Command),
    _S.WITHDRAWN: dict.fromkeys(Command),
}


def next_state(state: State, command: Command) -> State | Refusal:
    """The state after the command, or `command_not_possible`."""
    after = TABLE[state][command]
    if after is None:
        facts = {"state": state.value, "command": command.value}
        return Refusal("command_not_possible", f"This cannot be done now. {MEANING[state]}", facts)
    return after

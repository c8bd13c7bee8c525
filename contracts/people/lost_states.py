"""A lost second factor on its way to be replaced, on one screen. `lost` writes a state only through `next_state`."""

from __future__ import annotations

from enum import StrEnum

from contracts.errors import Refusal


class State(StrEnum):
    """Where a case stands."""

    ASKED = "asked"
    ONE_AGREED = "one_agreed"
    WAITING = "waiting"
    DONE = "done"
    STOPPED = "stopped"


class Command(StrEnum):
    """What may be done to a case."""

    AGREE = "agree"
    STOP = "stop"
    FINISH = "finish"


MEANING: dict[State, str] = {
    State.ASKED: "The person asked; nobody has looked at it yet.",
    State.ONE_AGREED: "One member of staff made sure who asks; a second one has to agree.",
    State.WAITING: "Two agreed. After 24 hours the factors are removed, unless the person or a lead stops it.",
    State.DONE: "The factors were removed and every session ended; the next sign-in sets up new ones.",
    State.STOPPED: "Stopped by the person, a lead or staff. Nothing was changed.",
}

OPEN = (State.ASKED, State.ONE_AGREED, State.WAITING)

_S, _C = State, Command

# Total: every state names every command; None is "not possible".
TABLE: dict[State, dict[Command, State | None]] = {
    _S.ASKED: {_C.AGREE: _S.ONE_AGREED, _C.STOP: _S.STOPPED, _C.FINISH: None},
    _S.ONE_AGREED: {_C.AGREE: _S.WAITING, _C.STOP: _S.STOPPED, _C.FINISH: None},
    _S.WAITING: {_C.AGREE: None, _C.STOP: _S.STOPPED, _C.FINISH: _S.DONE},
    _S.DONE: {_C.AGREE: None, _C.STOP: None, _C.FINISH: None},
    _S.STOPPED: {_C.AGREE: None, _C.STOP: None, _C.FINISH: None},
}


def next_state(state: State, command: Command) -> State | Refusal:
    """The state that follows, or `command_not_possible`."""
    after = TABLE[state][command]
    return after or Refusal("command_not_possible", f"This is not possible any more. {MEANING[state]}")

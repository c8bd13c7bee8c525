"""The states of a wider policy that stands in the settings, on one screen. `service` writes a state only through `next_state`."""

from __future__ import annotations

from enum import StrEnum

from contracts.errors import Refusal
from contracts.people.roles import Role


class State(StrEnum):
    """Where a change stands."""

    FOUND = "found"
    CONFIRMED_ONCE = "confirmed_once"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    SUPERSEDED = "superseded"


class Command(StrEnum):
    """What may be done to it."""

    CONFIRM = "confirm"
    DECLINE = "decline"
    SUPERSEDE = "supersede"


MEANING: dict[State, str] = {
    State.FOUND: "It stands in the settings; two members of staff have to confirm it, and the narrower policy goes on until then.",
    State.CONFIRMED_ONCE: "One member of staff confirmed it; a second one has to, and the narrower policy goes on until then.",
    State.CONFIRMED: "Two members of staff confirmed it; it holds in each process from its next start.",
    State.DECLINED: "It was declined; the narrower policy goes on. The settings should be taken back.",
    State.SUPERSEDED: "The settings say something else since.",
}
OPEN = frozenset({State.FOUND, State.CONFIRMED_ONCE})

_S, _C = State, Command

# Total: every state names every command; None is "not possible".
TABLE: dict[State, dict[Command, State | None]] = {
    _S.FOUND: {_C.CONFIRM: _S.CONFIRMED_ONCE, _C.DECLINE: _S.DECLINED, _C.SUPERSEDE: _S.SUPERSEDED},
    _S.CONFIRMED_ONCE: {_C.CONFIRM: _S.CONFIRMED, _C.DECLINE: _S.DECLINED, _C.SUPERSEDE: _S.SUPERSEDED},
    _S.CONFIRMED: dict.fromkeys(Command),
    # Declined, taken out of the settings, and put there again: the next start finds it anew.
    _S.DECLINED: {_C.CONFIRM: None, _C.DECLINE: None, _C.SUPERSEDE: _S.SUPERSEDED},
    _S.SUPERSEDED: dict.fromkeys(Command),
}

# Who confirms and declines. An operator writes the settings, and is not among those who confirm them.
ROLES = (Role.STEWARD, Role.COMPLIANCE)


def next_state(state: State, command: Command) -> State | Refusal:
    """The state after the command, or `command_not_possible`."""
    after = TABLE[state][command]
    if after is None:
        facts = {"state": state.value, "command": command.value}
        return Refusal("command_not_possible", f"This cannot be done now. {MEANING[state]}", facts)
    return after

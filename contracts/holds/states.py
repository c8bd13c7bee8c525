"""The states of a hold on one screen. `service` writes a state only through `next_state`."""

from __future__ import annotations

from enum import StrEnum

from contracts.errors import Refusal
from contracts.people.roles import Role


class Scope(StrEnum):
    """By what a hold names entries."""

    PERSON = "person"
    PARTNER = "partner"
    CONTRACT = "contract"
    PERIOD = "period"


class State(StrEnum):
    """Where a hold stands."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    LIFT_ASKED = "lift_asked"
    DECLINED = "declined"
    LIFTED = "lifted"
    ENDED = "ended"


class Command(StrEnum):
    """What may be done to it."""

    CONFIRM = "confirm"
    DECLINE = "decline"
    ASK_LIFT = "ask_lift"
    KEEP = "keep"
    LIFT = "lift"
    END = "end"


MEANING: dict[State, str] = {
    State.PROPOSED: "One of compliance proposed it. It holds nothing until a second person confirms it.",
    State.IN_FORCE: "It holds: what it names is neither erased nor pruned.",
    State.LIFT_ASKED: "It still holds; one member of staff asked to lift it, another has to agree.",
    State.DECLINED: "It was declined or taken back, and never held anything.",
    State.LIFTED: "Two members of staff lifted it before its last day.",
    State.ENDED: "Its last day passed.",
}

_S, _C = State, Command

# Total: every state names every command; None is "not possible".
TABLE: dict[State, dict[Command, State | None]] = {
    _S.PROPOSED: dict.fromkeys(Command) | {_C.CONFIRM: _S.IN_FORCE, _C.DECLINE: _S.DECLINED, _C.END: _S.ENDED},
    _S.IN_FORCE: dict.fromkeys(Command) | {_C.ASK_LIFT: _S.LIFT_ASKED, _C.END: _S.ENDED},
    _S.LIFT_ASKED: dict.fromkeys(Command) | {_C.KEEP: _S.IN_FORCE, _C.LIFT: _S.LIFTED, _C.END: _S.ENDED},
    _S.DECLINED: dict.fromkeys(Command),
    _S.LIFTED: dict.fromkeys(Command),
    _S.ENDED: dict.fromkeys(Command),
}

HOLDING = (State.IN_FORCE, State.LIFT_ASKED)
"""States in which it holds, until its end."""

# Who gives each command; an end comes by itself.
ROLES = (Role.COMPLIANCE, Role.STEWARD, Role.ADMINISTRATOR)


def next_state(state: State, command: Command) -> State | Refusal:
    """The state after the command, or `command_not_possible`."""
    after = TABLE[state][command]
    if after is None:
        facts = {"state": state.value, "command": command.value}
        return Refusal("command_not_possible", f"This cannot be done now. {MEANING[state]}", facts)
    return after

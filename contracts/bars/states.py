"""The states of a bar on one screen. `service` writes a state only through `next_state`."""

from __future__ import annotations

from enum import StrEnum

from contracts.errors import Refusal
from contracts.people.roles import Role


class Scope(StrEnum):
    """What is barred."""

    ORGANISATION = "organisation"
    PERSON = "person"
    PROJECT = "project"


class State(StrEnum):
    """Where a bar stands."""

    IN_FORCE = "in_force"
    LIFT_ASKED = "lift_asked"
    LIFTED = "lifted"


class Command(StrEnum):
    """What may be done to it."""

    ASK_LIFT = "ask_lift"
    KEEP = "keep"
    LIFT = "lift"


MEANING: dict[State, str] = {
    State.IN_FORCE: "It holds: whom it names applies, signs and is invited no more.",
    State.LIFT_ASKED: "It still holds; one member of staff asked to lift it, another has to agree.",
    State.LIFTED: "Two members of staff lifted it. Contracts that it suspended stay suspended until that is lifted as well.",
}

_S, _C = State, Command

# Total: every state names every command; None is "not possible".
TABLE: dict[State, dict[Command, State | None]] = {
    _S.IN_FORCE: {_C.ASK_LIFT: _S.LIFT_ASKED, _C.KEEP: None, _C.LIFT: None},
    _S.LIFT_ASKED: {_C.ASK_LIFT: None, _C.KEEP: _S.IN_FORCE, _C.LIFT: _S.LIFTED},
    _S.LIFTED: dict.fromkeys(Command),
}

# Who imposes a bar, and who gives any of its commands.
ROLES = (Role.STEWARD, Role.COMPLIANCE)


def next_state(state: State, command: Command) -> State | Refusal:
    """The state after the command, or `command_not_possible`."""
    after = TABLE[state][command]
    if after is None:
        facts = {"state": state.value, "command": command.value}
        return Refusal("command_not_possible", f"This cannot be done now. {MEANING[state]}", facts)
    return after

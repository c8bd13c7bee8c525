"""Decisions on bars: pure. They take the bar, the command and what is known of the people, and return what follows."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.applications.decide import reason_refusal
from contracts.bars.states import Command, State, next_state
from contracts.bars.tables import Bar
from contracts.errors import Refusal
from contracts.people.actor import Actor
from contracts.people.independence import second_person


@dataclass(frozen=True, slots=True)
class Wanted:
    """A command as it was given: on which revision, and with which reason where it needs one."""

    command: Command
    revision: int
    reason: str = ""


def decide(bar: Bar, actor: Actor, wanted: Wanted, entangled: frozenset[str]) -> State | Refusal:
    """The state that follows, or why not: state, revision, another person than who asked, reason; in this order.

    `entangled` are those of the accounts before that gave the actor a role or got one from the actor.
    """
    after = next_state(State(bar.state), wanted.command)
    if isinstance(after, Refusal):
        return after
    if bar.revision != wanted.revision:
        return Refusal("changed_meanwhile", "The bar changed since you opened it. Look at it again, then decide.")
    if wanted.command is Command.ASK_LIFT:
        return reason_refusal(wanted.reason) or after
    return second_person(actor, step_before(bar, wanted.command), entangled) or after


def step_before(bar: Bar, command: Command) -> frozenset[str]:
    """The accounts whose step asks for another person: who asked to lift."""
    return frozenset({bar.lift_asked_by or ""}) if command is Command.LIFT else frozenset()

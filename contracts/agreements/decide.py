"""Decisions on agreements: pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.agreements.states import Command, State, next_state
from contracts.agreements.tables import Agreement
from contracts.applications.decide import reason_refusal
from contracts.errors import Refusal
from contracts.people import assurance
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.independence import second_person


@dataclass(frozen=True, slots=True)
class Wanted:
    """A command as it was given; `reason` belongs to a rejection."""

    command: Command
    revision: int
    reason: str = ""


def decide(agreement: Agreement, actor: Actor, wanted: Wanted, now: datetime, entangled: frozenset[str]) -> State | Refusal:
    """The state that follows, or why not: state, revision, another person, reason, recent password; in this order."""
    after = next_state(State(agreement.state), wanted.command)
    if isinstance(after, Refusal):
        return after
    if agreement.revision != wanted.revision:
        return Refusal("changed_meanwhile", "Someone else looked at it since you opened it. Look again, then decide.")
    refusal = second_person(actor, step_before(agreement, wanted.command), entangled)
    if wanted.command is Command.REJECT:
        return reason_refusal(wanted.reason) or after
    return refusal or assurance.refusal(actor, Act.COUNTERSIGN, now) or after


def step_before(agreement: Agreement, command: Command) -> frozenset[str]:
    """Who confirmed first: another person has to confirm again."""
    return frozenset({agreement.confirmed_by or ""}) if command is Command.BRING_IN else frozenset()

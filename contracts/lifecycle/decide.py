"""Decisions on contracts: pure. They take the contract, the command and what is known of the people, and return what follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.applications.decide import reason_refusal
from contracts.errors import Refusal
from contracts.lifecycle.states import Command, State, next_state
from contracts.lifecycle.tables import Contract
from contracts.people import assurance
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.independence import second_person

LONGEST_NAME = 120

SIGNING = {Command.SIGN: Act.SIGN, Command.COUNTERSIGN: Act.COUNTERSIGN, Command.CERTIFY: Act.SIGN, Command.RECORD_PAPER: Act.COMPARE}
NEEDS_REASON = frozenset({Command.SUSPEND, Command.ASK_LIFT, Command.TERMINATE, Command.CERTIFY, Command.SEND_BACK, Command.DECLINE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A command as it was given. `name` and `capacity` belong to signatures, `reason` to the commands that need one; of a certificate
    it is the statement."""

    command: Command
    revision: int
    reason: str = ""
    name: str = ""
    capacity: str = ""


@dataclass(frozen=True, slots=True)
class People:
    """What is known of the people: `now`, and the accounts that gave the actor a role or were given one by the actor.

    `alone` where the platform has one steward and says that this person countersigns alone.
    """

    now: datetime
    entangled: frozenset[str] = frozenset()
    alone: bool = False


def decide(contract: Contract, actor: Actor, wanted: Wanted, people: People) -> State | Refusal:
    """The state that follows, or why not: state, revision, another person, form, second factor and password; in this order."""
    after = next_state(State(contract.state), wanted.command)
    if isinstance(after, Refusal):
        return after
    if contract.revision != wanted.revision:
        return Refusal("changed_meanwhile", "The contract changed since you opened it. Look at it again, then decide.")
    before = frozenset[str]() if people.alone and wanted.command is Command.COUNTERSIGN else step_before(contract, wanted.command)
    refusal = second_person(actor, before, people.entangled) or _form_refusal(contract, wanted)
    if refusal is None and wanted.command in SIGNING:
        refusal = assurance.refusal(actor, SIGNING[wanted.command], people.now)
    return refusal or after


def step_before(contract: Contract, command: Command) -> frozenset[str]:
    """The accounts whose step asks for another person: who approved and drafted, or who asked to lift."""
    if command is Command.COUNTERSIGN:
        return frozenset({contract.drafted_by, contract.approved_by, contract.compared_by or contract.drafted_by})
    if command is Command.LIFT:
        return frozenset({contract.lift_asked_by or ""})
    return frozenset()


def _form_refusal(contract: Contract, wanted: Wanted) -> Refusal | None:
    # A draft changes unseen; whoever was offered one version is told what the next one changes.
    tells = wanted.command in NEEDS_REASON or (wanted.command is Command.REVISE and contract.state != State.DRAFT)
    refusal = reason_refusal(wanted.reason) if tells else None
    if refusal is not None or wanted.command not in SIGNING:
        return refusal
    return signature_refusal(wanted.name, wanted.capacity)


def signature_refusal(name: str, capacity: str) -> Refusal | None:
    """`invalid_input` by field where a signature lacks the person's name, or the capacity in which they sign."""
    wrong = {"name": _line(name, "Write your full name."), "capacity": _line(capacity, "Say in what role you sign.")}
    fields = {name: message for name, message in wrong.items() if message}
    return Refusal("invalid_input", "The signature is not complete; see the fields marked.", {"fields": fields}) if fields else None


def _line(text: str, missing: str) -> str:
    if not text.strip():
        return missing
    return "" if len(text) <= LONGEST_NAME and text.isprintable() else f"Shorten this to at most {LONGEST_NAME} characters on one line."

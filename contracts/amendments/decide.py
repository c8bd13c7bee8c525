"""Decisions on amendments: pure. They take the amendment, its contract and what is known of the people, and return what follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from contracts.amendments.states import Command, State, next_state
from contracts.amendments.tables import Amendment
from contracts.applications.decide import reason_refusal
from contracts.applications.tables import Application
from contracts.errors import Refusal
from contracts.lifecycle.decide import signature_refusal
from contracts.lifecycle.states import LIVE
from contracts.lifecycle.states import MEANING as CONTRACT_MEANING
from contracts.lifecycle.states import State as ContractState
from contracts.lifecycle.tables import Contract
from contracts.people import assurance
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.independence import second_person
from contracts.settings import Settings
from contracts.terms.model import Terms
from contracts.terms.narrow import within

SIGNING = {Command.SIGN: Act.SIGN, Command.COUNTERSIGN: Act.COUNTERSIGN}
NEEDS_REASON = frozenset({Command.DECLINE, Command.WITHDRAW})


class Kind(StrEnum):
    """Why a contract gets a new version."""

    CHANGE = "change"
    RENEWAL = "renewal"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A command as it was given. `name` and `capacity` belong to signatures, `reason` to declining and withdrawing."""

    command: Command
    revision: int
    reason: str = ""
    name: str = ""
    capacity: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known beside the row: its contract, the last day of the version in force, today, now, and entangled accounts."""

    contract: Contract
    ends: date
    today: date
    now: datetime
    entangled: frozenset[str] = frozenset()


def decide(amendment: Amendment, actor: Actor, wanted: Wanted, facts: Facts) -> State | Refusal:
    """The state that follows, or why not: state, contract, revision, another person, reason or signature, second factor; in this order."""
    after = next_state(State(amendment.state), wanted.command)
    if isinstance(after, Refusal):
        return after
    if wanted.command in SIGNING and (refusal := ended_refusal(facts.contract, facts.ends, facts.today)):
        return refusal
    if amendment.revision != wanted.revision:
        return Refusal("changed_meanwhile", "The new version changed since you opened it. Look at it again, then decide.")
    return _person_refusal(amendment, actor, wanted, facts) or after


def step_before(amendment: Amendment, command: Command) -> frozenset[str]:
    """The accounts whose step asks for another person: who approved the application and who drafted the new version."""
    return frozenset({amendment.drafted_by, amendment.approved_by}) if command is Command.COUNTERSIGN else frozenset()


def ended_refusal(contract: Contract, ends: date, today: date) -> Refusal | None:
    """`command_not_possible` for a contract that is not in force or whose last day has passed: nothing brings it back."""
    if contract.state not in LIVE:
        reason = f"Only a contract in force gets a new version. {CONTRACT_MEANING[ContractState(contract.state)]}"
        return Refusal("command_not_possible", reason, {"state": contract.state})
    if today > ends:
        return Refusal("command_not_possible", "The contract’s last day has passed; going on takes a new application.", {"ends": f"{ends}"})
    return None


def widened(terms: Terms, current: Terms, application: Application, settings: Settings) -> Refusal | None:
    """`wider_than_asked` where the new terms allow more than the application asked for or the policy allows.

    The first day is the contract's own: what it allowed since then is not given again.
    """
    known = Application(**(application.model_dump() | {"starts": current.starts}))
    return within(terms, known, settings)


def _person_refusal(amendment: Amendment, actor: Actor, wanted: Wanted, facts: Facts) -> Refusal | None:
    refusal = second_person(actor, step_before(amendment, wanted.command), facts.entangled)
    if refusal is None and wanted.command in NEEDS_REASON:
        refusal = reason_refusal(wanted.reason)
    if refusal is None and wanted.command in SIGNING:
        refusal = signature_refusal(wanted.name, wanted.capacity) or assurance.refusal(actor, SIGNING[wanted.command], facts.now)
    return refusal

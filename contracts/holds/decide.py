"""Decisions on holds: pure. What must be said of one, who decides, and which entries it covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from contracts.applications.decide import reason_refusal
from contracts.errors import Refusal
from contracts.holds.states import Command, Scope, State, next_state
from contracts.holds.tables import Hold
from contracts.people.actor import Actor
from contracts.people.independence import second_person

LONGEST = timedelta(days=3 * 366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A hold as it was asked for. Days include their ends; `last_day` is the last on which it holds."""

    scope: str
    person: str = ""
    partner: str = ""
    contract: str = ""
    since: date | None = None
    until: date | None = None
    ground: str = ""
    owner: str = ""
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A command as it was given: on which revision, and with which reason where it needs one."""

    command: Command
    revision: int
    reason: str = ""


def check(wanted: Wanted, today: date) -> Refusal | None:
    """`invalid_input` with a sentence for each field that is missing or wrong."""
    scope = wanted.scope
    wrong = {
        "scope": "" if scope in {*Scope} else "Choose by what it names entries.",
        "person": "Write the account’s id, the mail address or the network, whole." if scope == Scope.PERSON and not wanted.person else "",
        "partner": "Choose the partner." if scope == Scope.PARTNER and not wanted.partner else "",
        "contract": "Choose the contract." if scope == Scope.CONTRACT and not wanted.contract else "",
        "since": "Write the first day." if scope == Scope.PERIOD and wanted.since is None else "",
        "until": _until_problem(wanted) if scope == Scope.PERIOD else "",
        "ground": "" if wanted.ground.strip() else "Say on what ground, such as the case and its number.",
        "owner": "" if wanted.owner else "Choose who answers for it.",
        "last_day": _end_problem(wanted.last_day, today),
    }
    fields = {name: problem for name, problem in wrong.items() if problem}
    return Refusal("invalid_input", "Mend the fields that are named and send the form again.", {"fields": fields}) if fields else None


def decide(hold: Hold, actor: Actor, given: Given, entangled: frozenset[str]) -> State | Refusal:
    """The state that follows, or why not: state, revision, another person than took the step before, reason; in this order.

    `entangled` are those of the accounts before that gave the actor a role or got one from the actor.
    """
    after = next_state(State(hold.state), given.command)
    if isinstance(after, Refusal):
        return after
    if hold.revision != given.revision:
        return Refusal("changed_meanwhile", "The hold changed since you opened the page. Look at it again, then decide.")
    if given.command is Command.ASK_LIFT:
        return _reason_problem(given.reason) or after
    return second_person(actor, step_before(hold, given.command), entangled) or after


def step_before(hold: Hold, command: Command) -> frozenset[str]:
    """The accounts whose step asks for another person: who proposed it, who asked to lift it."""
    before = {Command.CONFIRM: hold.proposed_by, Command.LIFT: hold.lift_asked_by or ""}
    return frozenset({before[command]}) if command in before else frozenset()


def covers(hold: Hold, facts: Mapping[str, Any], at: datetime) -> bool:
    """Whether a hold by partner, contract or period names the entry of these facts; a person is found by the values beside it."""
    match hold.scope:
        case Scope.PARTNER:
            return hold.partner_id in (facts.get("organisation"), facts.get("subject"))
        case Scope.CONTRACT:
            return hold.contract_id in (facts.get("contract"), facts.get("subject"))
        case Scope.PERIOD:
            return (hold.since is None or hold.since <= at) and (hold.until is None or at < hold.until)
        case _:
            return False


def _reason_problem(reason: str) -> Refusal | None:
    if not reason.strip():
        return Refusal("reason_required", "Say why it should be lifted; your colleagues read it.")
    return reason_refusal(reason)


def _until_problem(wanted: Wanted) -> str:
    if wanted.since and wanted.until and wanted.until < wanted.since:
        return "The last day lies before the first."
    return "" if wanted.until is not None else "Write the last day."


def _end_problem(last_day: date | None, today: date) -> str:
    if last_day is None or last_day < today:
        return "Write the last day on which it holds, today or later."
    return "" if last_day - today <= LONGEST else "A hold lasts three years at most. Propose another one before it ends."

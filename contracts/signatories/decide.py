"""Rules about who is asked to sign, pure: the lead names one person at a time, and reminds them at most once a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.addresses import address_problem
from contracts.errors import Refusal
from contracts.lifecycle.states import State
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.decide import name_problem
from contracts.signatories.tables import SigningRequest

BETWEEN_REMINDERS = timedelta(hours=24)


def decide_naming(contract: Contract, named: SigningRequest | None, actor: Actor, name: str, email: str) -> Refusal | None:
    """Whether the lead may name this person for this contract now."""
    if contract.state != State.OFFERED:
        return Refusal("command_not_possible", "Nobody has to sign this contract now.")
    if named is not None:
        return Refusal("command_not_possible", f"{named.name} is asked to sign. Take that back before you name somebody else.")
    wrong = {"signatory_name": name_problem(name, "Write the person's full name."), "signatory_email": address_problem(email)}
    if email == actor.email:
        wrong["signatory_email"] = "This is your own address. If you may bind your organisation, sign yourself."
    fields = {field: problem for field, problem in wrong.items() if problem}
    return Refusal("invalid_input", "The request is not complete; see the fields marked.", {"fields": fields}) if fields else None


def decide_reminder(contract: Contract, named: SigningRequest | None, now: datetime) -> Refusal | None:
    """Whether the person may be reminded now."""
    if named is None or contract.state != State.OFFERED:
        return Refusal("command_not_possible", "Nobody is asked to sign this contract now.")
    if now - (named.reminded_at or named.created_at) < BETWEEN_REMINDERS:
        return Refusal("command_not_possible", f"{named.name} got a mail less than a day ago. Remind them tomorrow, or call them.")
    return None

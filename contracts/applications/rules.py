"""The single rules of review, each a refusal or nothing: who may act on an application, and what an act has to hold. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from contracts.applications.narrowing import Narrowed, as_asked, widening
from contracts.applications.reasons import NARROWED
from contracts.applications.states import HANDLERS, Command, State
from contracts.applications.tables import Application
from contracts.errors import Refusal
from contracts.people.actor import Actor
from contracts.people.independence import second_person

APPEAL_DAYS = 14
MOST_EXTENSION = timedelta(days=366)

# What asks for somebody else than who declined, once an independent review was asked for.
_INDEPENDENT = HANDLERS | {Command.CLAIM}

# A bar bites whoever imposes it, and what a Coordinator asks is entered and taken over as it stands.
_OF_ANYONE = frozenset({Command.ADOPT, Command.STOP})


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known beside the row: the day, who stepped back, who was asked and has not answered.

    `entangled` are those of who declined it that gave the actor a role or got one from the actor.
    """

    today: date
    recused: frozenset[str] = frozenset()
    reviewing: frozenset[str] = frozenset()
    entangled: frozenset[str] = frozenset()


def person(application: Application, actor: Actor, command: Command, facts: Facts) -> Refusal | None:
    """Whether this member of staff may do it: not the applicant, not stepped back, not a colleague's, independent on appeal."""
    if command in _OF_ANYONE:
        return None
    if actor.account_id == application.created_by:
        return Refusal("second_person_required", "You wrote this application; someone else decides on it.")
    if actor.account_id in facts.recused:
        return Refusal("recused", "You stepped back from this application. A colleague goes on with it.")
    on_appeal = application.state == State.APPEALED and command in _INDEPENDENT
    if on_appeal and (refusal := second_person(actor, frozenset({application.declined_by or ""}), facts.entangled)):
        return refusal
    if command in HANDLERS and application.handler not in (None, actor.account_id):
        return Refusal("handled_by_other", "A colleague deals with this application. Take it over first, or leave them a remark.")
    return None


def extension(application: Application, until: date | None, today: date) -> Refusal | None:
    """`invalid_input` unless the new day lies after the present one and after today, and within a year."""
    earliest = max(application.decide_by or today, today)
    if until is None or until <= earliest:
        message = "Choose a day after the one by which it has to be decided now."
    elif until > today + MOST_EXTENSION:
        message = "Choose a day within a year."
    else:
        return None
    return Refusal("invalid_input", "The new day does not fit.", {"fields": {"until": message}})


def appeal(application: Application, today: date) -> Refusal | None:
    """An independent review is asked for within 14 days of the decision (as Delegated Regulation (EU) 2025/2050 gives), and once."""
    if application.appealed_at is not None:
        return Refusal("command_not_possible", "An independent review was asked for once; its outcome stands.")
    if today > appeal_until(application):
        return Refusal("command_not_possible", f"An independent review can be asked for within {APPEAL_DAYS} days of the decision.")
    return None


def appeal_until(application: Application) -> date:
    """The last day on which an independent review can be asked for."""
    decided = application.decided_at or application.created_at
    return decided.date() + timedelta(days=APPEAL_DAYS)


def approval(application: Application, code: str, narrowed: Narrowed | None, facts: Facts) -> Refusal | None:
    """Approved is only what was found complete, after every review that was asked for, and never more than was asked."""
    if application.checked_at is None:
        return Refusal("not_checked", "Nobody has confirmed yet that the application is complete. Do that first.")
    if facts.reviewing:
        return Refusal("review_open", "A colleague was asked for a review and has not answered. Wait for it, or take the request back.")
    is_narrower = narrowed is not None and narrowed != as_asked(application)
    if narrowed is not None and (refusal := widening(application, narrowed)):
        return refusal
    if is_narrower != (code in NARROWED):
        message = (
            "You grant less than was asked for; choose the reason that says so."
            if is_narrower
            else "This reason is for granting less than was asked for; narrow the fields, rows or dates below."
        )
        return Refusal("invalid_input", "The reason does not fit what is granted.", {"fields": {"code": message}})
    return None


def assignee(account_id: str, stewards: Sequence[str], application: Application, recused: frozenset[str]) -> Refusal | None:
    """`invalid_input` unless the application may be given to this account: a steward who neither wrote it nor stepped back."""
    if account_id not in stewards or account_id == application.created_by or account_id in recused:
        return Refusal("invalid_input", "It cannot be given to this person.", {"fields": {"assignee": "Choose one of the people named."}})
    if application.state == State.APPEALED and account_id == application.declined_by:
        message = "This person declined it; the review is somebody else’s."
        return Refusal("invalid_input", "It cannot be given to this person.", {"fields": {"assignee": message}})
    return None


def basis(application: Application, content_sha256: str) -> Refusal | None:
    """`basis_missing` unless compliance confirmed the lawful basis for exactly what was handed in last (`content_sha256`)."""
    if application.basis and application.basis_content == content_sha256:
        return None
    reason = "Compliance has not confirmed the lawful basis for this application. Without it no contract is made and no data given."
    return Refusal("basis_missing", reason, {"application": application.id})

"""Decisions on appeals: pure. What may be appealed, what has to be said, and how one is answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts import addresses
from contracts.appeals.states import Command, State, next_state
from contracts.appeals.tables import Appeal
from contracts.errors import Refusal
from contracts.gate.naming import KEEP, Named

LONGEST = 2_000
MOST_WAITING = 1_000
"""More appeals than anyone answers: from then on nobody can fill the table, and people write to the contact address instead."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wrote."""

    email: str
    text: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of others: whether this decision was appealed, whether one of the same visitor waits, how many wait in all."""

    appealed: bool = False
    same_waits: bool = False
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it was given: on which revision, and the words that the person reads."""

    command: Command
    revision: int
    words: str


def explained(named: Named | None, now: datetime) -> Named | Refusal:
    """The decision, or `not_found` for an id that is none of ours or older than is kept."""
    if named is None:
        reason = "This is no decision that stopped a request. Copy the whole address; it was shown where the request was stopped."
        return Refusal("not_found", reason)
    if now - named.at > KEEP:
        return Refusal("not_found", f"The decision was made more than {KEEP.days} days ago. Nothing is known of it any more.")
    return named


def may_appeal(decision: Named, known: Known) -> Refusal | None:
    """Why the decision cannot be appealed, or None."""
    if decision.effect == "would_stop":
        return Refusal("command_not_possible", "Nobody was stopped: the gate only watched, and the request passed.")
    if known.appealed:
        reason = "Somebody objected to this decision before. The answer goes to the mail address that was given then."
        return Refusal("appealed_already", reason)
    if known.same_waits:
        reason = "An objection to another stop of yours waits for its answer, which holds for this one as well."
        return Refusal("appealed_already", reason)
    if known.waiting >= MOST_WAITING:
        return Refusal("appeals_full", "More objections wait than can be answered. Write to the address at the foot of this page instead.")
    return None


def check(asked: Asked) -> Refusal | None:
    """`invalid_input` with a sentence for each field that is missing or wrong."""
    wrong = {"email": addresses.address_problem(addresses.address(asked.email)), "text": _text_problem(asked.text)}
    fields = {name: problem for name, problem in wrong.items() if problem}
    return Refusal("invalid_input", "Mend the fields that are named and send the form again.", {"fields": fields}) if fields else None


def decide(appeal: Appeal, given: Given) -> State | Refusal:
    """The state that follows, or why not: state, revision, words; in this order."""
    after = next_state(State(appeal.state), given.command)
    if isinstance(after, Refusal):
        return after
    if appeal.revision != given.revision:
        return Refusal("changed_meanwhile", "The objection changed since you opened the page. Look at it again, then answer.")
    words = given.words.strip()
    if not words:
        return Refusal("invalid_input", "Write the answer.", {"fields": {"words": "Write what the person reads as your answer."}})
    if len(words) > LONGEST:
        return Refusal("invalid_input", "The answer is too long.", {"fields": {"words": f"Write at most {LONGEST:,} characters."}})
    return after


def _text_problem(text: str) -> str:
    if not text.strip():
        return "Write in a few lines what you were doing."
    return "" if len(text.strip()) <= LONGEST else f"Write at most {LONGEST:,} characters."

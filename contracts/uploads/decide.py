"""Rules about documents, pure: who adds and removes them, while what, and how many."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from contracts.applications.states import ROLES, Command, State, possible
from contracts.applications.tables import Application
from contracts.errors import Refusal
from contracts.people.actor import Actor
from contracts.uploads.kinds import KINDS

MOST_DOCUMENTS = 20


@dataclass(frozen=True, slots=True)
class Held:
    """What is there already: documents of the application, and bytes of all documents of the organisation."""

    documents: int
    organisation_bytes: int


def decide_add(application: Application, kind: str, size: int, held: Held, most_bytes: int, asked: Collection[str] = ()) -> Refusal | None:
    """Whether a document of a kind and size may be added; `most_bytes` is what one organisation may store in all.

    `asked` are the kinds that the application's own form asks for beside those that everybody may hand in.
    """
    if refusal := _closed(application):
        return refusal
    if kind not in KINDS and kind not in asked:
        return _wrong("document", "Choose what the document is.")
    if held.documents >= MOST_DOCUMENTS:
        return _wrong("file", f"An application has at most {MOST_DOCUMENTS} documents. Remove one, or put several into one file.")
    if held.organisation_bytes + size > most_bytes:
        return _wrong("file", "Your organisation’s documents take all the room that there is. Remove some of an old draft.")
    return None


def decide_remove(application: Application) -> Refusal | None:
    """Whether documents may be removed: as long as the application may be written, and not after it was handed in."""
    return _closed(application)


def may_change(actor: Actor, application: Application) -> bool:
    """Whether pages offer this person to add and remove documents."""
    own = actor.organisation_id == application.organisation_id
    return own and bool(actor.roles & set(ROLES[Command.SAVE])) and _closed(application) is None


def _closed(application: Application) -> Refusal | None:
    if Command.SAVE in possible(State(application.state)):
        return None
    reason = "Documents are added and removed while the application is being written. Who decides sees those that were handed in."
    return Refusal("command_not_possible", reason, {"state": application.state})


def _wrong(field: str, problem: str) -> Refusal:
    return Refusal("invalid_input", problem, {"fields": {field: problem}})

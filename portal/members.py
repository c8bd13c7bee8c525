"""People on projects in the words of pages, for their own organisation and for staff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from contracts.applications.tables import Application
from contracts.errors import Refusal
from contracts.members import queries
from contracts.members.affiliation import Shown
from contracts.members.states import Command, State, next_state
from contracts.members.tables import ProjectMember
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Account
from portal.words import StateWord

_WORDS: dict[State, StateWord] = {
    State.INVITED: StateWord("Invited", "wait"),
    State.REVIEW: StateWord("Waits for the platform", "wait"),
    State.CONFIRMED: StateWord("Confirmed", "good"),
    State.ACCEPTED: StateWord("Accepted the terms", "good"),
    State.REFUSED: StateWord("Not admitted", "stop"),
    State.REMOVED: StateWord("No longer on it", "plain"),
}
_AGAIN = StateWord("Accepts the new terms next", "wait")

_SHOWN: dict[Shown, str] = {
    Shown.INSTITUTION: "Signs in through the organisation’s own sign-in.",
    Shown.DOMAIN: "The address is at the organisation’s domain.",
    Shown.NOTHING: "Nothing shows that the person works there.",
}


@dataclass(frozen=True, slots=True)
class Person:
    """One line of the list. `again` tells that an invitation can be sent once more."""

    id: str
    name: str
    email: str
    word: StateWord
    detail: str
    row: ProjectMember
    again: bool
    waits: bool


def people_on(session: Session, application_id: str) -> list[Person]:
    """Everyone on a project, in the order in which they were named."""
    rows = queries.of_application(session, application_id)
    names, contract = queries.names_of(session, rows), queries.contract_in_force(session, application_id)
    found = []
    for row in rows:
        stale = row.state == State.ACCEPTED and contract is not None and not queries.is_current(session, row, contract)
        word = _AGAIN if stale else _WORDS[State(row.state)]
        found.append(
            Person(row.id, names[row.id], row.email, word, _detail(row), row, row.state == State.INVITED, row.state == State.REVIEW)
        )
    return found


def context(session: Session, actor: Actor, application: Application) -> dict[str, Any]:
    """What the list of people in a page shows: the applicant first, then everyone whom a lead named."""
    return {
        "people": [each for each in people_on(session, application.id) if each.row.account_id != application.created_by],
        "principal": session.get(Account, application.created_by),
        "may_look": Role.STEWARD in actor.roles,
        "may_refuse": lambda person: not isinstance(next_state(State(person.row.state), Command.REFUSE), Refusal),
    }


def _detail(row: ProjectMember) -> str:
    if row.confirmed_at is None:
        return "Has not answered yet."
    return _SHOWN[Shown(row.affiliation)]

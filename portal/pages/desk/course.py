"""How far an application is and who takes part: read in one snapshot for the desk's page of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from contracts.applications import queries
from contracts.applications.content import content_of
from contracts.applications.decide import offered
from contracts.applications.difference import Change
from contracts.applications.states import State
from contracts.applications.tables import Application, Note, Reviewer, Submission
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.service import staff
from portal.pages.desk import reads

# What stands over the words of a step; a remark is headed by what it advises.
HEADINGS = {
    "remark": "Remark",
    "return": "Returned for changes",
    "recuse": "Stepped back",
    "extend": "Day of the decision moved",
    "confirm_basis": "Lawful basis confirmed",
    "approve": "Approved",
    "decline": "Declined",
    "appeal": "Independent review asked for",
    "stop": "Stopped by a bar",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be named in a form."""

    account_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Course:
    """Everything about an application's way through the desk. `may` holds the names of the commands that the reader can give."""

    may: frozenset[str]
    names: Mapping[str, str]
    notes: Sequence[Note]
    reviewers: Sequence[Reviewer]
    changes: Sequence[Change]
    narrowed: Sequence[Change]
    times: int
    is_lawful: bool
    recused: bool
    colleagues: Sequence[Person]
    able: Sequence[Person]


def course_of(session: Session, actor: Actor, application: Application, today: date) -> Course:
    """Read it. `changes` is what the last hand-in made different, `narrowed` what the approval left out."""
    facts = queries.facts_of(session, actor, application, today)
    handed_in = queries.submissions(session, application.id)
    notes, reviewers = queries.notes(session, application.id, shared_only=False), queries.reviewers(session, application.id)
    people = staff(session)
    out = facts.recused | {application.created_by}
    named = [application.handler, application.basis_by, *(each.account_id for each in notes), *(each.account_id for each in reviewers)]
    return Course(
        may=frozenset(each.value for each in offered(application, actor, facts)),
        names=reads.people(session, named),
        notes=notes,
        reviewers=reviewers,
        changes=queries.changes(session, handed_in[-2].content, handed_in[-1].content) if len(handed_in) > 1 else (),
        narrowed=_narrowed(session, application, handed_in),
        times=len(handed_in),
        is_lawful=queries.basis_missing(session, application) is None,
        recused=actor.account_id in facts.recused,
        colleagues=[
            Person(each.account_id, each.name)
            for each in people
            if Role.STEWARD in each.roles and each.account_id not in out | {application.handler}
        ],
        able=[
            Person(each.account_id, each.name)
            for each in people
            if {Role.STEWARD, Role.COMPLIANCE} & set(each.roles) and each.account_id not in out | facts.reviewing | {actor.account_id}
        ],
    )


def _narrowed(session: Session, application: Application, handed_in: Sequence[Submission]) -> Sequence[Change]:
    if not handed_in or application.state != State.APPROVED:
        return ()
    return queries.changes(session, handed_in[-1].content, content_of(application))

"""Reading applications: each list for whom it is, and nothing of another organisation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlmodel import Session, col, func, select

from contracts.applications import rules
from contracts.applications.content import content_hash
from contracts.applications.difference import Change, difference
from contracts.applications.rules import Facts
from contracts.applications.states import WAITING, State
from contracts.applications.tables import Application, Note, Reviewer, Submission
from contracts.errors import Refusal, refuse
from contracts.forms.service import frozen
from contracts.people.actor import Actor
from contracts.people.independence import entangled_with


def get_for(session: Session, actor: Actor, application_id: str) -> Application:
    """The application where it is of the actor's organisation, or, once submitted, for staff; else `not_found`."""
    application = session.get(Application, application_id)
    if application is not None and application.organisation_id == actor.organisation_id:
        return application
    if application is not None and actor.is_staff and application.submitted_at is not None:
        return application
    raise refuse("not_found", "There is no such application.")


def of_organisation(session: Session, organisation_id: str) -> list[Application]:
    """An organisation's applications, newest first."""
    query = select(Application).where(Application.organisation_id == organisation_id)
    return list(session.exec(query.order_by(col(Application.created_at).desc(), col(Application.id).desc())).all())


def waiting(session: Session) -> list[Application]:
    """Applications that wait for staff, the one due first at the top."""
    query = select(Application).where(col(Application.state).in_([state.value for state in WAITING]))
    return list(session.exec(query.order_by(col(Application.decide_by), col(Application.submitted_at), col(Application.id))).all())


def submissions(session: Session, application_id: str) -> list[Submission]:
    """What was handed in, the first time at the top."""
    query = select(Submission).where(Submission.application_id == application_id)
    return list(session.exec(query.order_by(col(Submission.number))).all())


def changes(session: Session, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What became different between two contents, told by the questions of the forms that each was asked by."""
    forms = [form for each in (after, before) if (form := frozen(session, each.get("form"))) is not None]
    return difference(before, after, forms)


def handed_in(session: Session, application: Application) -> str:
    """The hash of what was handed in last; of the present content where nothing was, as in applications that staff began."""
    query = select(Submission.content_sha256).where(Submission.application_id == application.id)
    return session.exec(query.order_by(col(Submission.number).desc())).first() or content_hash(application)


def basis_missing(session: Session, application: Application) -> Refusal | None:
    """`basis_missing` unless compliance confirmed the lawful basis for what was handed in last."""
    return rules.basis(application, handed_in(session, application))


def reviewers(session: Session, application_id: str) -> list[Reviewer]:
    """Who was asked to look at it and who stepped back, in that order of time."""
    query = select(Reviewer).where(Reviewer.application_id == application_id)
    return list(session.exec(query.order_by(col(Reviewer.at), col(Reviewer.id))).all())


def facts_of(session: Session, actor: Actor, application: Application, today: date) -> Facts:
    """What the decision on a command needs to know beside the row."""
    parts = reviewers(session, application.id)
    before = frozenset({application.declined_by} if application.declined_by else ())
    return Facts(
        today=today,
        recused=frozenset(each.account_id for each in parts if each.part == "recused"),
        reviewing=frozenset(each.account_id for each in parts if each.part == "asked"),
        entangled=entangled_with(session, actor, before),
    )


def notes(session: Session, application_id: str, *, shared_only: bool) -> list[Note]:
    """What was said about it, oldest first; for the applicant what was shared alone."""
    query = select(Note).where(Note.application_id == application_id)
    if shared_only:
        query = query.where(col(Note.shared).is_(True))
    return list(session.exec(query.order_by(col(Note.at), col(Note.id))).all())


def submitted(session: Session, state: State | None = None) -> list[Application]:
    """Every application that was ever handed in, newest first; for staff."""
    query = select(Application).where(col(Application.submitted_at).is_not(None))
    if state is not None:
        query = query.where(Application.state == state.value)
    return list(session.exec(query.order_by(col(Application.submitted_at).desc(), col(Application.id).desc())).all())


def earlier(session: Session, application: Application) -> list[Application]:
    """What the same organisation handed in before for the same dataset, newest first: a re-request is seen as one."""
    query = select(Application).where(
        Application.organisation_id == application.organisation_id,
        Application.dataset == application.dataset,
        Application.id != application.id,
        col(Application.submitted_at).is_not(None),
        Application.created_at <= application.created_at,
    )
    return list(session.exec(query.order_by(col(Application.created_at).desc())).all())


def asked_by(session: Session, form: str) -> int:
    """How many applications are asked by a version of a form, named by its SHA-256."""
    return session.exec(select(func.count()).select_from(Application).where(Application.form == form)).one()

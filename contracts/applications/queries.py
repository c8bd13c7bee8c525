"""Reading applications: each list for whom it is, and nothing of another organisation."""

from __future__ import annotations

from sqlmodel import Session, col, select

from contracts.applications.states import State
from contracts.applications.tables import Application
from contracts.errors import refuse
from contracts.people.actor import Actor


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
    """Applications that wait for a decision, the one due first at the top."""
    query = select(Application).where(Application.state == State.SUBMITTED.value)
    return list(session.exec(query.order_by(col(Application.decide_by), col(Application.submitted_at))).all())


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

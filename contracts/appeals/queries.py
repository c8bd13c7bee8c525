"""Appeals as pages read them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from contracts.appeals.decide import Known
from contracts.appeals.states import State
from contracts.appeals.tables import Appeal
from contracts.errors import refuse
from contracts.gate.naming import Named
from contracts.people import links
from contracts.people.links import LinkKind


def known_of(session: Session, decision: Named) -> Known:
    """What has a say in whether a decision can be appealed."""
    waits = Appeal.state == State.WAITING.value
    return Known(
        appealed=session.exec(select(Appeal.id).where(Appeal.decision == decision.id)).first() is not None,
        same_waits=session.exec(select(Appeal.id).where(Appeal.mark == decision.mark, waits)).first() is not None,
        waiting=session.exec(select(func.count()).select_from(Appeal).where(waits)).one(),
    )


def waiting(session: Session, most: int = 50) -> list[Appeal]:
    """Those without an answer, the oldest first."""
    query = select(Appeal).where(Appeal.state == State.WAITING.value).order_by(col(Appeal.made_at), col(Appeal.id))
    return list(session.exec(query.limit(most)).all())


def answered(session: Session, most: int = 50) -> list[Appeal]:
    """Those with an answer, the newest first."""
    query = select(Appeal).where(Appeal.state != State.WAITING.value).order_by(col(Appeal.answered_at).desc(), col(Appeal.id))
    return list(session.exec(query.limit(most)).all())


def one(session: Session, appeal_id: str) -> Appeal:
    """One appeal; raises `not_found`."""
    found = session.get(Appeal, appeal_id)
    if found is None:
        raise refuse("not_found", "There is no such objection.")
    return found


def by_link(session: Session, token: str, now: datetime) -> Appeal:
    """The appeal that a person's link leads to; raises `link_unusable`. Changes nothing: mail scanners open links too."""
    link = links.find(session, token, now, LinkKind.APPEAL)
    found = session.exec(select(Appeal).where(Appeal.link_id == link.id)).first()
    if found is None:
        raise links.unusable()
    return found

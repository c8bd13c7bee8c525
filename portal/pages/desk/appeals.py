"""Objections to decisions of the gate that wait for an answer, among what waits on the desk."""

from __future__ import annotations

from sqlmodel import Session

from contracts.appeals import queries, service
from contracts.appeals.tables import Appeal
from contracts.gate.reasons import REASONS
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.pages.desk.duties import Duty


def waiting_appeals(session: Session, actor: Actor) -> list[Duty]:
    """Those that wait for this person's answer, the oldest first."""
    return [_duty(each) for each in queries.waiting(session)] if Role.OPERATOR in actor.roles else []


def _duty(appeal: Appeal) -> Duty:
    return Duty("Answer an objection", REASONS[appeal.reason].meaning, f"{service.PATH}/{appeal.id}", "Read it", appeal.made_at)

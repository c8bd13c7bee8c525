"""Holds that wait for a second person, among what waits on the desk."""

from __future__ import annotations

from sqlmodel import Session

from contracts.holds import service
from contracts.holds.states import ROLES, State
from contracts.holds.tables import Hold
from contracts.people.actor import Actor
from portal.pages.desk.duties import Duty, Waiting


def waiting_holds(session: Session, actor: Actor) -> tuple[list[Duty], list[Waiting]]:
    """Holds that wait for this person's word, and those that wait for somebody else's."""
    asked = [row for row in service.all_holds(session) if row.state in (State.PROPOSED, State.LIFT_ASKED)]
    mine = [row for row in asked if _before(row) != actor.account_id and actor.roles & set(ROLES)]
    others = [Waiting("A hold on entries", "A second person", service.PATH, row.proposed_at) for row in asked if row not in mine]
    return [_duty(row) for row in mine], others


def _before(row: Hold) -> str | None:
    return row.proposed_by if row.state == State.PROPOSED else row.lift_asked_by


def _duty(row: Hold) -> Duty:
    if row.state == State.PROPOSED:
        return Duty("Decide on a hold", "A colleague proposes to hold entries of the ledger.", service.PATH, "Decide", row.proposed_at)
    return Duty("Decide whether to lift a hold", "A colleague asks to lift it before its end.", service.PATH, "Decide", row.proposed_at)

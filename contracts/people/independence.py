"""Four eyes: who counts as another person than the one who took the step before."""

from __future__ import annotations

from sqlmodel import Session, col, or_, select

from contracts.errors import Refusal
from contracts.people.actor import Actor
from contracts.people.tables import Membership


def second_person(actor: Actor, before: frozenset[str], entangled: frozenset[str]) -> Refusal | None:
    """`second_person_required` where the actor took the step before, or one of the two gave the other a role."""
    if actor.account_id in before:
        return Refusal("second_person_required", "You took the step before this one. Ask another member of staff.")
    if before & (entangled | actor.roles_given_by):
        return Refusal(
            "second_person_required",
            "One of you two gave the other a role, so you do not count as independent. Ask another member of staff.",
        )
    return None


def entangled_with(session: Session, actor: Actor, before: frozenset[str]) -> frozenset[str]:
    """Those of the accounts that gave the actor a role or got one from the actor, in rows that still run or have ended."""
    if not before:
        return frozenset()
    gave = (col(Membership.given_by) == actor.account_id) & col(Membership.account_id).in_(before)
    got = (col(Membership.account_id) == actor.account_id) & col(Membership.given_by).in_(before)
    rows = session.exec(select(Membership).where(or_(gave, got))).all()
    return frozenset(each for row in rows for each in (row.account_id, row.given_by) if each in before)

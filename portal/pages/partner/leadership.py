"""A hand-over of leadership as the organisation's own people see it: accept, decline, take back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import refuse
from contracts.house import House
from contracts.people import hand_over
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.hand_over_states import OPEN, State
from contracts.people.tables import Account, HandOver
from portal.again import asked_for
from portal.deps import go, house_of, page, partner
from portal.forms import Form, submitted
from portal.limits import SIGN_IN, limited
from portal.pages.partner.duties import Duty
from portal.sent import SentForm

router = APIRouter(prefix="/partner/leadership/{hand_over_id}")

Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]


@router.get("")
def show(request: Request, hand_over_id: str, actor: Partner) -> Response:
    """Who names whom, what it means, and the forms for those whom it concerns."""
    return _page(request, actor, hand_over_id, Form())


@router.post("/accept")
@limited(SIGN_IN)
def accept(request: Request, hand_over_id: str, actor: Partner, form: Sent) -> Response:
    """Take the leadership over."""
    sent = SentForm(request, form, "/partner/team", lambda mended, status: _page(request, actor, hand_over_id, mended, status))
    return sent.proved(actor, Act.MEMBER, "lead-accepted", lambda unit, asking: hand_over.accept_lead(unit, asking, hand_over_id))


@router.post("/decline")
def decline(request: Request, hand_over_id: str, actor: Partner) -> Response:
    """Rather not."""
    with house_of(request).store.write("hand-over") as unit:
        hand_over.decline_lead(unit, actor, hand_over_id)
    return go("/partner/team", "lead-declined")


@router.post("/withdraw")
def withdraw(request: Request, hand_over_id: str, actor: Partner) -> Response:
    """A lead takes it back, or stops what staff proposed."""
    with house_of(request).store.write("hand-over") as unit:
        hand_over.withdraw_lead(unit, actor, hand_over_id)
    return go("/partner/team", "lead-withdrawn")


def duty_of(session: Session, house: House, actor: Actor) -> list[Duty]:
    """What the hand-over that is under way asks of this person."""
    row = hand_over.open_hand_over(session, actor.organisation_id)
    if row is None or row.state != State.OFFERED or row.named != actor.account_id or row.expires_at <= house.clock.now():
        return []
    asker = session.get_one(Account, row.asked_by).name
    detail = f"{asker} asks you to lead your organisation."
    return [Duty(row.created_at, "7 days", "wait", "Take the leadership over", detail, f"/partner/leadership/{row.id}", "Read and decide")]


def _page(request: Request, actor: Actor, hand_over_id: str, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        row = session.get(HandOver, hand_over_id)
        if row is None or row.organisation_id != actor.organisation_id:
            raise refuse("not_found", "There is no such hand-over here.")
        asker, named = session.get_one(Account, row.asked_by), session.get_one(Account, row.named)
    is_open = row.state in OPEN and row.expires_at > house.clock.now()
    return page(
        request,
        "partner/leadership.html",
        status,
        row=row,
        asker=asker.name if row.state != State.PROPOSED and not row.reason else "",
        named=named.name,
        form=form,
        is_open=is_open,
        is_named=row.named == actor.account_id,
        is_lead="lead" in actor.roles,
        asked=asked_for(request, actor, Act.MEMBER),
    )

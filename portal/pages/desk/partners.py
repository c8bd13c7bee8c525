"""A partner's people as staff see them, and handing over the leadership of one whose lead is gone: one proposes, another agrees."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.bars.service import bars_of
from contracts.bars.standing import resembling
from contracts.errors import refuse
from contracts.people import hand_over, service
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.decide_hand_over import DECIDING_STAFF
from contracts.people.hand_over_states import State
from contracts.people.roles import Role, Side
from contracts.people.tables import Account, HandOver, Organisation
from portal.again import asked_for
from portal.deps import go, house_of, page, requires, signed_in
from portal.forms import Form, submitted
from portal.limits import SIGN_IN, limited
from portal.pages.desk.duties import Duty, Waiting
from portal.sent import SentForm

routes = APIRouter(prefix="/desk/partners/{organisation_id}")


def _sent(request: Request, organisation_id: str, form: Annotated[Form, Depends(submitted)]) -> SentForm:
    actor, there = signed_in(request), f"/desk/partners/{organisation_id}"
    return SentForm(request, form, there, lambda mended, status: _page(request, actor, organisation_id, mended, status))


Deciding = Annotated[Actor, Depends(requires(*DECIDING_STAFF))]
Sent = Annotated[SentForm, Depends(_sent)]


@routes.get("")
def show(request: Request, organisation_id: str, actor: Deciding) -> Response:
    """Who belongs to the partner, in which role, last here when; and a hand-over that is under way."""
    return _page(request, actor, organisation_id, Form())


@routes.post("/lead")
@limited(SIGN_IN)
def propose(request: Request, organisation_id: str, actor: Deciding, sent: Sent) -> Response:
    """Name another member where the lead is gone."""
    given = sent.form.text("named"), sent.form.text("reason")
    return sent.proved(
        actor, Act.MEMBER, "lead-proposed", lambda unit, asking: hand_over.propose_lead(unit, asking, organisation_id, *given)
    )


@routes.post("/lead/{hand_over_id}/confirm")
@limited(SIGN_IN)
def confirm(request: Request, hand_over_id: str, actor: Deciding, sent: Sent) -> Response:
    """Agree as a second person."""
    return sent.proved(actor, Act.MEMBER, "lead-confirmed", lambda unit, asking: hand_over.confirm_lead(unit, asking, hand_over_id))


@routes.post("/lead/{hand_over_id}/withdraw")
def withdraw(request: Request, organisation_id: str, hand_over_id: str, actor: Deciding) -> Response:
    """Take the proposal back, or disagree with it."""
    with house_of(request).store.write("hand-over") as unit:
        hand_over.withdraw_lead(unit, actor, hand_over_id)
    return go(f"/desk/partners/{organisation_id}", "lead-withdrawn")


def hand_overs(session: Session, actor: Actor) -> tuple[list[Duty], list[Waiting]]:
    """Proposals that wait for this person's word, and those that wait for somebody else's."""
    if not actor.roles & DECIDING_STAFF:
        return [], []
    mine, others = [], []
    for row in hand_over.proposed(session):
        partner = session.get_one(Organisation, row.organisation_id).name
        href = f"/desk/partners/{row.organisation_id}"
        if row.asked_by == actor.account_id:
            others.append(Waiting(f"New lead of {partner}", "A second member of staff", href, row.created_at))
        else:
            detail = "A colleague proposes a new lead, because the present one is gone. A second person decides."
            mine.append(Duty(f"New lead of {partner}", detail, href, "Decide", row.created_at))
    return mine, others


def _page(request: Request, actor: Actor, organisation_id: str, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        organisation = session.get(Organisation, organisation_id)
        if organisation is None or organisation.side != Side.PARTNER:
            raise refuse("not_found", "There is no such partner.")
        rows = service.members(session, organisation_id)
        row = hand_over.open_hand_over(session, organisation_id)
        names = {} if row is None else {each: session.get_one(Account, each).name for each in (row.asked_by, row.named)}
        barred = bars_of(session, organisation_id)
        alike = resembling(session, organisation)
    return page(
        request,
        "desk/partner.html",
        status,
        organisation=organisation,
        people=rows,
        candidates=[("", "Choose a person"), *((each.account_id, each.name) for each in rows if Role.LEAD not in each.roles)],
        row=row,
        names=names,
        has_ended=row is not None and row.expires_at <= house.clock.now(),
        may_confirm=_may_confirm(row, actor),
        is_proposal=row is not None and row.state == State.PROPOSED,
        form=form,
        asked=asked_for(request, actor, Act.MEMBER),
        barred=barred,
        alike=alike,
        barrable=[(organisation.id, f"{organisation.name}, the whole organisation"), *((each.account_id, each.name) for each in rows)],
    )


def _may_confirm(row: HandOver | None, actor: Actor) -> bool:
    return row is not None and row.state == State.PROPOSED and row.asked_by != actor.account_id

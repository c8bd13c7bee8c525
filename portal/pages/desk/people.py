"""The platform's people: who holds which role, and invitations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused, refuse
from contracts.people import invitations, proposals, service
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import ROLES, STAFF, Role, Side
from contracts.people.tables import Account
from portal.again import asked_for, assured
from portal.deps import go, house_of, page, requires
from portal.forms import Form, mendable, submitted
from portal.limits import MAILS, SIGN_IN, limited

routes = APIRouter(prefix="/desk/people")
Agreeing = Annotated[Actor, Depends(requires(*proposals.MAY_AGREE))]
OFFERED = tuple((role.value, role.value.capitalize(), facts.meaning) for role, facts in ROLES.items() if facts.side is Side.PLATFORM)


@routes.get("")
def every(request: Request, actor: Annotated[Actor, Depends(requires(*STAFF))]) -> Response:
    """Who works here, in which role, since when; and invitations with what became of them."""
    return _page(request, actor, Form())


@routes.post("")
@limited(MAILS)
def invite(
    request: Request, actor: Annotated[Actor, Depends(requires(Role.ADMINISTRATOR))], form: Annotated[Form, Depends(submitted)]
) -> Response:
    """Invite a member of staff. Where no mail leaves, the link is shown here, once."""
    settings = house_of(request).settings
    try:
        form.require("email", "Give the address that the invitation goes to.")
        role = _role(form)
        form.check()
        actor = assured(request, actor, Act.MEMBER, form)
        with house_of(request).store.write() as unit:
            link = service.invite(unit, actor, email=form.text("email"), role=role, base_url=settings.base_url)
    except Refused as error:
        form.take(mendable(error))
        return _page(request, actor, form, status=422)
    if not link:
        return go("/desk/people", "role-proposed")
    if settings.mail.transport == "none":
        return _page(request, actor, Form(), link=link, invited=form.text("email"))
    return go("/desk/people", "invited")


@routes.post("/proposals/{proposal_id}/agree")
@limited(SIGN_IN)
def agree(request: Request, actor: Agreeing, proposal_id: str, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Agree to a proposed role as the second person; the invitation leaves."""
    settings = house_of(request).settings
    try:
        asking = assured(request, actor, Act.MEMBER, form)
        with house_of(request).store.write() as unit:
            link = invitations.agree(unit, asking, proposal_id, settings.base_url)
    except Refused as error:
        form.take(mendable(error))
        return _page(request, actor, form, status=422)
    if settings.mail.transport == "none":
        return _page(request, actor, Form(), link=link, invited="the person to whom you agreed")
    return go("/desk/people", "invited")


@routes.post("/proposals/{proposal_id}/decline")
def decline(request: Request, actor: Agreeing, proposal_id: str) -> Response:
    """Decline a proposed role, or take it back."""
    with house_of(request).store.write() as unit:
        proposals.decline(unit, actor, proposal_id)
    return go("/desk/people", "role-declined")


def _role(form: Form) -> Role:
    code = form.text("role")
    if code not in STAFF:
        form.errors["role"] = "Choose what the person may do."
        form.check()
        raise refuse("invalid_input", "Choose what the person may do.")
    return Role(code)


def _page(request: Request, actor: Actor, form: Form, status: int = 200, link: str = "", invited: str = "") -> Response:
    house = house_of(request)
    with house.store.read() as session:
        people = service.staff(session)
        proposed = [(row, session.get_one(Account, row.proposed_by).name) for row in proposals.open_proposals(session)]
        invitations = service.invitations_of(session, actor.organisation_id, house.clock.now())
    return page(
        request,
        "desk/people.html",
        status,
        form=form,
        asked=asked_for(request, actor, Act.MEMBER),
        people=people,
        proposed=proposed,
        may_agree=bool(actor.roles & set(proposals.MAY_AGREE)),
        invitations=invitations,
        roles=OFFERED,
        may_invite=Role.ADMINISTRATOR in actor.roles,
        stewards=sum(Role.STEWARD in row.roles for row in people),
        no_mail=house.settings.mail.transport == "none",
        link=link,
        invited=invited,
    )

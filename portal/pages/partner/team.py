"""A partner's people: who has which role, and inviting colleagues."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused
from contracts.people import lost
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.hand_over import open_hand_over
from contracts.people.lost_states import MEANING
from contracts.people.roles import ROLES, Role, Side
from contracts.people.tables import Organisation
from portal.again import asked_for, assured
from portal.deps import go, house_of, page, partner
from portal.forms import Form, mendable, submitted
from portal.limits import MAILS, limited

router = APIRouter(prefix="/partner/team")

Partner = Annotated[Actor, Depends(partner)]
CHOICES = [(role.value, role.value.capitalize(), facts.meaning) for role, facts in ROLES.items() if facts.side is Side.PARTNER]


@router.get("")
def show(request: Request, actor: Partner) -> Response:
    """Members with roles, open invitations, and the form for leads."""
    return _page(request, actor, Form())


@router.post("")
@limited(MAILS)
def invite(request: Request, actor: Partner, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Invite a colleague to a role. Where no mail leaves, the link is shown to who invited, because nobody else could pass it on."""
    house = house_of(request)
    try:
        role = _role(form)
        actor = assured(request, actor, Act.MEMBER, form)
        with house.store.write("invite") as unit:
            link = people.invite(unit, actor, email=form.text("email"), role=role, base_url=house.settings.base_url)
    except Refused as error:
        form.take(mendable(error))
        return _page(request, actor, form, 422)
    if house.settings.mail.transport == "none":
        return _page(request, actor, Form(), link=link)
    return go("/partner/team", "invited")


@router.post("/lost/{lost_id}/stop")
def stop_lost(request: Request, actor: Partner, lost_id: str) -> Response:
    """Stop the removal of a member's lost second factor, as a lead."""
    with house_of(request).store.write("lost factor") as unit:
        lost.stop(unit, actor, lost_id)
    return go("/partner/team", "lost-stopped")


def _role(form: Form) -> Role:
    given = form.text("role")
    if given not in {code for code, _, _ in CHOICES}:
        form.errors["role"] = "Choose what the person may do."
        form.check()
    return Role(given)


def _page(request: Request, actor: Actor, form: Form, status: int = 200, link: str = "") -> Response:
    house = house_of(request)
    with house.store.read() as session:
        rows = people.members(session, actor.organisation_id)
        invitations = people.invitations_of(session, actor.organisation_id, house.clock.now())
        waits = open_hand_over(session, actor.organisation_id)
        organisation = session.get(Organisation, actor.organisation_id)
        cases = lost.open_cases(session, actor.organisation_id) if Role.LEAD in actor.roles else []
    return page(
        request,
        "partner/team.html",
        status,
        rows=rows,
        invitations=[each for each in invitations if each.state != "accepted"],
        organisation=organisation,
        choices=CHOICES,
        form=form,
        cases=cases,
        meaning=MEANING,
        asked=asked_for(request, actor, Act.MEMBER),
        link=link,
        waits=waits,
        may_invite=Role.LEAD in actor.roles,
    )

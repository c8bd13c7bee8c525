"""One person of a partner: what they may do, as a lead changes it; removing them; and leaving oneself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import refuse
from contracts.people import hand_over, team
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.hand_over import open_hand_over
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from portal import cookies
from portal.again import asked_for
from portal.deps import go, house_of, page, partner, requires, signed_in
from portal.forms import Form, of, submitted
from portal.limits import SIGN_IN, limited
from portal.pages.partner.team import CHOICES
from portal.sent import SentForm

router = APIRouter(prefix="/partner/team")


def _sent(request: Request, account_id: str, form: Annotated[Form, Depends(submitted)]) -> SentForm:
    actor = signed_in(request)
    return SentForm(request, form, "/partner/team", lambda mended, status: _page(request, actor, account_id, mended, status))


Partner = Annotated[Actor, Depends(partner)]
Lead = Annotated[Actor, Depends(requires(Role.LEAD))]
Sent = Annotated[SentForm, Depends(_sent)]


@router.post("/leave")
@limited(SIGN_IN)
def leave(request: Request, actor: Partner) -> Response:
    """Leave the organisation; the browser is signed out with it."""
    with house_of(request).store.write("leave") as unit:
        team.leave(unit, actor)
    cookies.drop_session(request)
    return go("/", "left")


@router.get("/{account_id}")
def show(request: Request, account_id: str, actor: Partner) -> Response:
    """The person's roles, for everyone to see; forms for a lead."""
    return _page(request, actor, account_id, None)


@router.post("/{account_id}/roles")
@limited(SIGN_IN)
def set_roles(request: Request, account_id: str, actor: Lead, sent: Sent) -> Response:
    """Give the person exactly the roles that are ticked."""
    known = {code for code, _, _ in CHOICES}
    wanted = frozenset(Role(code) for code in sent.form.all("roles") if code in known)
    return sent.proved(actor, Act.MEMBER, "roles-changed", lambda unit, asking: team.set_roles(unit, asking, account_id, wanted))


@router.post("/{account_id}/remove")
@limited(SIGN_IN)
def remove(request: Request, account_id: str, actor: Lead, sent: Sent) -> Response:
    """Take the person out of the organisation."""
    return sent.proved(actor, Act.MEMBER, "removed", lambda unit, asking: team.remove(unit, asking, account_id))


@router.post("/{account_id}/lead")
@limited(SIGN_IN)
def offer_lead(request: Request, account_id: str, actor: Lead, sent: Sent) -> Response:
    """Name the person as the next lead, who then accepts or not."""
    return sent.proved(actor, Act.MEMBER, "lead-offered", lambda unit, asking: hand_over.offer_lead(unit, asking, account_id))


def _page(request: Request, actor: Actor, account_id: str, form: Form | None, status: int = 200) -> Response:
    with house_of(request).store.read() as session:
        rows = people.members(session, actor.organisation_id)
        organisation = session.get_one(Organisation, actor.organisation_id)
        waits = open_hand_over(session, actor.organisation_id)
    person = next((each for each in rows if each.account_id == account_id), None)
    if person is None:
        raise refuse("not_found", "There is no such person in your organisation.")
    shown = form or Form()
    if "roles" not in shown.values:
        shown = of({"roles": [role.value for role in person.roles]})
        shown.errors = form.errors if form else {}
    return page(
        request,
        "partner/member.html",
        status,
        person=person,
        organisation=organisation,
        form=shown,
        choices=CHOICES,
        own=[code for code, _, _ in CHOICES if account_id == actor.account_id and code not in {each.value for each in person.roles}],
        may_change=Role.LEAD in actor.roles,
        is_self=account_id == actor.account_id,
        leads=sum(Role.LEAD in each.roles for each in rows),
        waits=waits,
        asked=asked_for(request, actor, Act.MEMBER),
    )

"""A new version of a contract, for the partner: what changes, its text, and signing or declining it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.amendments import queries, service
from contracts.amendments.states import MEANING, State
from contracts.errors import Refused
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from portal.again import asked_for, assured
from portal.deps import go, house_of, page, partner
from portal.forms import Form, mendable, submitted
from portal.hints import hinted
from portal.limits import SIGN_IN, limited
from portal.versions import context_of, pdf_response

router = APIRouter(prefix="/partner/amendments")
Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]


@router.get("/{amendment_id}")
def one(request: Request, actor: Partner, amendment_id: str) -> Response:
    """What changes and why, the whole text, and what can be done with it."""
    return _page(request, actor, amendment_id, hinted(request, "name", "capacity", name=actor.name))


@router.get("/{amendment_id}/pdf")
def pdf(request: Request, actor: Partner, amendment_id: str) -> Response:
    """The new version as PDF."""
    return pdf_response(request, actor, amendment_id)


@router.post("/{amendment_id}/sign")
@limited(SIGN_IN)
def sign(request: Request, actor: Partner, amendment_id: str, form: Sent) -> Response:
    """Sign with name, capacity and password."""
    house = house_of(request)
    with house.store.read() as session:
        queries.get_for(session, actor, amendment_id)
    try:
        form.require("name", "Write your full name.")
        form.require("capacity", "Say in what role you sign.")
        if not form.checked("read"):
            form.errors["read"] = "Say that you have read the new version and may sign for your organisation."
        form.check()
        signer = assured(request, actor, Act.SIGN, form)
        name, capacity = form.text("name"), form.text("capacity")
        with house.store.write("amendment") as unit:
            service.sign(unit, signer, amendment_id, form.number("revision"), house.settings, name=name, capacity=capacity)
    except Refused as error:
        form.take(mendable(error))
        return _page(request, actor, amendment_id, form, 422)
    return go(f"/partner/amendments/{amendment_id}", "amendment-signed")


@router.post("/{amendment_id}/decline")
def decline(request: Request, actor: Partner, amendment_id: str, form: Sent) -> Response:
    """Decline with a reason; the present version goes on."""
    house = house_of(request)
    try:
        with house.store.write("amendment") as unit:
            service.decline(unit, actor, amendment_id, form.number("revision"), house.settings, form.text("reason"))
    except Refused as error:
        form.take_reason(mendable(error), "reason")
        return _page(request, actor, amendment_id, form, 422)
    return go(f"/partner/amendments/{amendment_id}", "amendment-declined")


def _page(request: Request, actor: Actor, amendment_id: str, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        contract, amendment = queries.get_for(session, actor, amendment_id)
        context = context_of(house, session, contract, amendment)
        organisation = session.get_one(Organisation, contract.organisation_id)
    return page(
        request,
        "partner/amendment.html",
        status,
        form=form,
        organisation=organisation,
        meaning=MEANING[State(amendment.state)],
        asked=asked_for(request, actor, Act.SIGN),
        may_sign=amendment.state == State.OFFERED and bool(actor.roles & {Role.LEAD, Role.SIGNATORY}),
        **context,
    )

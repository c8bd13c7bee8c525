"""A new version of a contract, for the partner: what changes, its text, and signing or declining it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.amendments import queries, service
from contracts.amendments.states import MEANING, State
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from portal.again import asked_for
from portal.deps import house_of, page, partner
from portal.forms import Form, submitted
from portal.hints import hinted
from portal.limits import SIGN_IN, limited
from portal.sent import SentForm
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
    name, capacity = form.require("name", "Write your full name."), form.require("capacity", "Say in what role you sign.")
    if not form.checked("read"):
        form.errors["read"] = "Say that you have read the new version and may sign for your organisation."
    given = form.number("revision"), house.settings
    return _sent(request, actor, amendment_id, form).proved(
        actor,
        Act.SIGN,
        "amendment-signed",
        lambda unit, signer: service.sign(unit, signer, amendment_id, *given, name=name, capacity=capacity),
    )


@router.post("/{amendment_id}/decline")
def decline(request: Request, actor: Partner, amendment_id: str, form: Sent) -> Response:
    """Decline with a reason; the present version goes on."""
    given = form.number("revision"), house_of(request).settings, form.text("reason")
    return _sent(request, actor, amendment_id, form).act(
        "amendment-declined", lambda unit: service.decline(unit, actor, amendment_id, *given)
    )


def _sent(request: Request, actor: Actor, amendment_id: str, form: Form) -> SentForm:
    there = f"/partner/amendments/{amendment_id}"
    return SentForm(request, form, there, lambda mended, status: _page(request, actor, amendment_id, mended, status))


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

"""Agreements signed before Licet: what waits for confirmation, and one beside its signed PDF."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.agreements import service
from contracts.agreements.states import MEANING, State
from contracts.agreements.tables import Agreement
from contracts.errors import refuse
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.queries import members, organisation_named
from contracts.people.roles import Role
from contracts.store.unit import Unit
from contracts.terms.model import readable
from contracts.terms.words import plain
from portal.again import asked_for
from portal.deps import go, house_of, page, requires
from portal.forms import Form, of, submitted
from portal.limits import SIGN_IN, limited
from portal.pages.desk import reads
from portal.sent import SentForm

routes = APIRouter(prefix="/desk/agreements")
BASE = "/desk/agreements"
Guard = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]
Sent = Annotated[Form, Depends(submitted)]


@routes.get("")
def every(request: Request, actor: Guard) -> Response:
    """All that were brought, those that wait first."""
    with house_of(request).store.read() as session:
        found = sorted(service.every(session), key=lambda each: each.state not in ("staged", "confirmed"))
    return page(request, "desk/agreements.html", found=found)


@routes.get("/{agreement_id}")
def one(request: Request, actor: Guard, agreement_id: str) -> Response:
    """One agreement: who, its terms in plain words, its PDF, and the act that is due."""
    return _page(request, actor, agreement_id, of({}))


@routes.get("/{agreement_id}/document.pdf")
def document(request: Request, actor: Guard, agreement_id: str) -> Response:
    """The signed PDF as the operator brought it; never shown inside a page, because others made it."""
    with house_of(request).store.read() as session:
        content = _found(session, agreement_id).pdf
    headers = {"content-disposition": f'attachment; filename="{agreement_id}.pdf"', "cache-control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers | {"x-content-type-options": "nosniff"})


@routes.post("/{agreement_id}/confirm")
@limited(SIGN_IN)
def confirm(request: Request, actor: Guard, agreement_id: str, form: Sent) -> Response:
    """Confirm as the first, or as the second person; the second brings it into force."""
    house, number = house_of(request), form.number("revision")
    if not form.checked("read"):
        form.errors["read"] = "Say that you compared the terms with the signed PDF."
    with house.store.read() as session:
        first = _found(session, agreement_id).state == State.STAGED

    def confirmed(unit: Unit, signer: Actor) -> object:
        if first:
            return service.confirm(unit, signer, agreement_id, number)
        return service.bring_in(unit, signer, house.keys, agreement_id, number, house.settings)

    said = "agreement-confirmed" if first else "agreement-brought-in"
    return _sent(request, actor, agreement_id, form).proved(actor, Act.COUNTERSIGN, said, confirmed)


@routes.post("/{agreement_id}/reject")
def reject(request: Request, actor: Guard, agreement_id: str, form: Sent) -> Response:
    """Do not take it, with a reason."""
    given = form.number("revision"), form.text("reason")
    return _sent(request, actor, agreement_id, form).act(
        "agreement-rejected", lambda unit: service.reject(unit, actor, agreement_id, *given)
    )


def _sent(request: Request, actor: Actor, agreement_id: str, form: Form) -> SentForm:
    return SentForm(request, form, f"{BASE}/{agreement_id}", lambda mended, status: _page(request, actor, agreement_id, mended, status))


@routes.post("/{agreement_id}/remind")
def remind(request: Request, actor: Guard, agreement_id: str) -> Response:
    """Send the contact a new link to take the account over; the one before ends."""
    house = house_of(request)
    with house.store.write("agreement") as unit:
        service.remind(unit, actor, agreement_id, house.settings)
    return go(f"{BASE}/{agreement_id}", "claim-sent")


def _page(request: Request, actor: Actor, agreement_id: str, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        found = _found(session, agreement_id)
        names = reads.people(session, (found.confirmed_by, found.settled_by))
        home = organisation_named(session, found.organisation)
        led = home is not None and any(Role.LEAD in row.roles for row in members(session, home.id))
    terms = readable(found.terms_json)
    return page(
        request,
        "desk/agreement.html",
        status,
        form=form,
        found=found,
        meaning=MEANING[State(found.state)],
        names=names,
        home=home,
        led=led,
        lines=plain(terms, house.settings) if terms else [],
        terms=terms,
        hindrance=_hindrance(found, actor),
        asked=asked_for(request, actor, Act.COUNTERSIGN),
    )


def _hindrance(found: Agreement, actor: Actor) -> str:
    if found.state != State.CONFIRMED:
        return ""
    if found.confirmed_by == actor.account_id:
        return "You confirmed it first, so another person confirms it again."
    if found.confirmed_by in actor.roles_given_by:
        return "The person who confirmed it first gave you your role, so another person confirms it again."
    return ""


def _found(session: Session, agreement_id: str) -> Agreement:
    found = session.get(Agreement, agreement_id)
    if found is None:
        raise refuse("not_found", "There is no such agreement.")
    return found

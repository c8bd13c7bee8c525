"""What a partner does about a contract after its signature: ask for a renewal, and certify after the end that records were destroyed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.amendments import queries as amendments
from contracts.amendments import renewal
from contracts.clock import day_in
from contracts.lifecycle import closing, queries
from contracts.lifecycle.states import LIVE, State
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from portal.again import asked_for
from portal.deps import go, house_of, page, partner
from portal.forms import Form, submitted
from portal.hints import hinted
from portal.limits import SIGN_IN, limited
from portal.sent import SentForm

router = APIRouter(prefix="/partner/contracts")
Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]


@router.post("/{contract_id}/renew")
def renew(request: Request, actor: Partner, contract_id: str) -> Response:
    """Begin the application for a renewal, or open the one that is under way."""
    house = house_of(request)
    today = day_in(house.clock.now(), house.settings.platform.time_zone)
    with house.store.read() as session:
        queries.get_for(session, actor, contract_id)
        described = bool(session.get_one(Organisation, actor.organisation_id).kind)
    if not described:
        return go(f"/partner/organisation?next=/partner/contracts/{contract_id}")
    with house.store.write("renew") as unit:
        application = renewal.ask(unit, actor, contract_id, today)
    return go(f"/partner/applications/{application.id}", "renewal-begun")


@router.get("/{contract_id}/certificate")
def certificate(request: Request, actor: Partner, contract_id: str) -> Response:
    """The certificate of destruction: what is owed and by when, or what was given."""
    return _page(request, actor, contract_id, hinted(request, "name", "capacity", "statement", name=actor.name))


@router.post("/{contract_id}/certificate")
@limited(SIGN_IN)
def certify(request: Request, actor: Partner, contract_id: str, form: Sent) -> Response:
    """Certify that every record was destroyed; signed as a contract is."""
    with house_of(request).store.read() as session:
        queries.get_for(session, actor, contract_id)
    statement, number = form.require("statement", "Say what was destroyed, where and how."), form.number("revision")
    name, capacity = form.require("name", "Write your full name."), form.require("capacity", "Say in what role you sign.")
    there = f"/partner/contracts/{contract_id}/certificate"
    sent = SentForm(request, form, there, lambda mended, status: _page(request, actor, contract_id, mended, status))
    return sent.proved(
        actor,
        Act.SIGN,
        "certified",
        lambda unit, signer: closing.certify(unit, signer, contract_id, number, statement, name=name, capacity=capacity),
        reason="statement",
    )


def life_of(session: Session, actor: Actor, contract: Contract) -> dict[str, Any]:
    """What the contract's page says about its further life."""
    live = contract.state in LIVE
    return {
        "amendments": amendments.of_contract(session, contract.id),
        "renewal": renewal.under_way(session, contract.id) if live else None,
        "may_renew": live and Role.LEAD in actor.roles,
        "closing": closing.closing_of(session, contract.id),
    }


def _page(request: Request, actor: Actor, contract_id: str, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        owed = closing.closing_of(session, contract_id)
        organisation = session.get_one(Organisation, contract.organisation_id)
    binds = bool(actor.roles & {Role.LEAD, Role.SIGNATORY})
    return page(
        request,
        "partner/certificate.html",
        status,
        form=form,
        contract=contract,
        closing=owed,
        organisation=organisation,
        today=day_in(house.clock.now(), house.settings.platform.time_zone),
        asked=asked_for(request, actor, Act.SIGN),
        may_certify=contract.state == State.CLOSING and binds,
    )

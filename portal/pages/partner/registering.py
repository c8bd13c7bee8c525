"""Tokens with which programs register themselves under one contract: made, shown once beside a command, listed and ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.credentials import registration
from contracts.credentials.service import clients_of
from contracts.credentials.tables import RegistrationToken
from contracts.errors import Refused, refuse
from contracts.lifecycle import queries
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from portal.again import asked_for, assured
from portal.deps import go, house_of, page, partner
from portal.forms import Form, mendable, of, submitted
from portal.limits import SIGN_IN, limited
from portal.pages.partner import commands, reads

router = APIRouter(prefix="/partner/contracts/{contract_id}/registration")

Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]


@router.get("")
def every(request: Request, actor: Partner, contract_id: str) -> Response:
    """The contract's tokens with the programs that registered by each, and the form for the next."""
    return _page(request, actor, contract_id)


@router.post("")
@limited(SIGN_IN)
def make(request: Request, actor: Partner, contract_id: str, form: Sent) -> Response:
    """Make a token and answer with it. The answer is stored nowhere; loading it again would make another one."""
    uses, days = form.number("uses"), form.number("days")
    try:
        form.check()
        actor = assured(request, actor, Act.CREDENTIAL, form)
        with house_of(request).store.write("registration") as unit:
            queries.get_for(unit.session, actor, contract_id)
            row, secret = registration.make_registration_token(unit, actor, contract_id, uses=uses, days=days)
    except Refused as error:
        form.take(mendable(error))
        return _page(request, actor, contract_id, form, 422)
    return _secret(request, actor, row, secret)


@router.post("/{registration_id}/end")
def end(request: Request, actor: Partner, contract_id: str, registration_id: str) -> Response:
    """Let nobody register with a token of this contract any more."""
    with house_of(request).store.write("registration") as unit:
        row = registration.token_of(unit.session, actor, contract_id, registration_id)
        registration.end_registration_token(unit, actor, row.id)
    return go(f"/partner/contracts/{contract_id}/registration", "registration-closed")


def _page(request: Request, actor: Actor, contract_id: str, form: Form | None = None, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        actor.require(Role.LEAD, Role.DEVELOPER)
        tokens = registration.registration_tokens_of(session, contract.id)
        clients = clients_of(session, contract.id)
    now = house.clock.now()
    return page(
        request,
        "partner/registration.html",
        status,
        contract=contract,
        tokens=[(each, [one for one in clients if one.registered_by == each.id]) for each in tokens],
        good={each.id for each in tokens if registration.is_good(each, now)},
        now=now,
        form=form or of({"uses": "1", "days": "7"}),
        asked=asked_for(request, actor, Act.CREDENTIAL),
        most_uses=registration.MOST_USES,
        most_days=registration.MOST_DAYS,
    )


def _secret(request: Request, actor: Actor, row: RegistrationToken, secret: str) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, row.contract_id)
        terms = reads.terms_of(session, contract)
    if terms is None:
        raise refuse("not_found", "The contract has no such version.")
    return page(
        request,
        "partner/registration-secret.html",
        contract=contract,
        token=row,
        secret=secret,
        curl=commands.register(house.settings.base_url, secret, terms),
        named_users=terms.named_users,
    )

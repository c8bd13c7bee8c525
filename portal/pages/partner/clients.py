"""Credentials of a contract: made with a secret that is shown once beside ready commands, and revoked."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.credentials import service
from contracts.credentials.decide import CLIENT_KIND, KEY_KIND, ForPeople
from contracts.credentials.redirects import OWN_MACHINE
from contracts.errors import Refused
from contracts.lifecycle import queries
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from portal.again import assured
from portal.deps import go, house_of, partner
from portal.forms import Form, mendable, submitted
from portal.limits import SIGN_IN, limited
from portal.pages.partner.contracts import contract_page
from portal.pages.partner.credential import client_of
from portal.pages.partner.secret import secret_page

router = APIRouter(prefix="/partner/contracts/{contract_id}/clients")

Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]


@router.post("")
@limited(SIGN_IN)
def create(request: Request, actor: Partner, contract_id: str, form: Sent) -> Response:
    """Make the credential and answer with its secret. The answer is stored nowhere; loading it again would make another one."""
    house = house_of(request)
    audience: Literal["api", "site"] = "site" if form.text("audience") == "site" else "api"
    networks, last_day = form.text("networks").split(), form.day("last_day")
    # A choice of what is read says nothing about fetching the site.
    scopes = form.all("scopes") if audience == "api" else []
    try:
        form.check()
        actor = assured(request, actor, Act.CREDENTIAL, form)
        with house.store.write("client") as unit:
            contract = queries.get_for(unit.session, actor, contract_id)
            client, secret = service.create_client(
                unit,
                actor,
                contract,
                name=form.text("name"),
                audience=audience,
                networks=networks,
                last_day=last_day,
                people=_people(form),
                kind=KEY_KIND if form.text("who") == "key" else CLIENT_KIND,
                scopes=scopes,
                datasets=form.all("datasets"),
            )
    except Refused as error:
        form.take(mendable(error))
        return contract_page(request, actor, contract_id, status=422, client_form=form)
    return secret_page(request, actor, client, secret)


def _people(form: Form) -> ForPeople | None:
    """Whether the client reads for people; a program on their own machine that names no address is `licet login`."""
    who = form.text("who")
    if who not in ("people", "people-server"):
        return None
    named = tuple(form.text("redirect_uris").split())
    return ForPeople(named or (() if who == "people-server" else (OWN_MACHINE,)), secret=who == "people-server")


@router.post("/{client_id}/revoke")
def revoke(request: Request, actor: Partner, contract_id: str, client_id: str) -> Response:
    """End a credential of this contract, for good."""
    with house_of(request).store.write("revoke") as unit:
        client_of(unit.session, actor, contract_id, client_id)
        service.revoke_client(unit, actor, client_id)
    return go(f"/partner/contracts/{contract_id}", "revoked")

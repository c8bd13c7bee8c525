"""Clients of a contract: made with a secret that is shown once beside ready commands, and revoked."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.credentials import service
from contracts.errors import Refused, refuse
from contracts.lifecycle import queries
from contracts.people.actor import Actor
from portal.chain import chain
from portal.deps import go, house_of, page, partner
from portal.forms import Form, mendable, submitted
from portal.pages.partner import commands, reads
from portal.pages.partner.contracts import contract_page

router = APIRouter(prefix="/partner/contracts/{contract_id}/clients")

Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]


@router.post("")
def create(request: Request, actor: Partner, contract_id: str, form: Sent) -> Response:
    """Make the client and answer with its secret. The answer is stored nowhere; loading it again would make another client."""
    house = house_of(request)
    audience: Literal["api", "site"] = "site" if form.text("audience") == "site" else "api"
    try:
        with house.store.write("client") as unit:
            contract = queries.get_for(unit.session, actor, contract_id)
            client, secret = service.create_client(unit, actor, contract, name=form.text("name"), audience=audience)
    except Refused as error:
        form.take(mendable(error))
        return contract_page(request, actor, contract_id, status=422, client_form=form)
    with house.store.read() as session:
        terms = reads.terms_of(session, contract)
        links = chain(session, contract=contract, staff=False)
    if terms is None:
        raise refuse("not_found", "The contract has no such version.")
    key = commands.Key(house.settings.base_url, client.id, secret)
    site = audience == "site"
    return page(
        request,
        "partner/secret.html",
        contract=contract,
        client=client,
        secret=secret,
        links=links,
        terms=terms,
        curl=commands.curl_site(key, terms, house.settings.platform.site) if site else commands.curl_records(key, terms),
        python="" if site else commands.python_records(key, terms),
    )


@router.post("/{client_id}/revoke")
def revoke(request: Request, actor: Partner, contract_id: str, client_id: str) -> Response:
    """End a client of this contract, for good."""
    with house_of(request).store.write("revoke") as unit:
        client = service.client_for(unit.session, actor, client_id)
        if client.contract_id != contract_id:
            raise refuse("not_found", "There is no such credential here.")
        service.revoke_client(unit, actor, client_id)
    return go(f"/partner/contracts/{contract_id}", "revoked")

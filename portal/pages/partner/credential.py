"""One credential: what it is held to, how it is used under its lasting id, a new secret with the old one's cut-off, and its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.clock import day_in
from contracts.credentials import renewal, service
from contracts.credentials.client_keys import kept_keys
from contracts.credentials.decide import KEY_KIND, WITH_SECRET, key_refusal
from contracts.credentials.tables import Client
from contracts.credentials.use import used_by_day
from contracts.errors import Refused, refuse
from contracts.lifecycle import queries
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from portal.again import asked_for, assured
from portal.chain import chain
from portal.deps import go, house_of, page, partner
from portal.forms import Form, mendable, of, submitted
from portal.limits import SIGN_IN, limited
from portal.pages.partner import commands, reads
from portal.pages.partner.secret import secret_page
from portal.pages.partner.usage import short_day

router = APIRouter(prefix="/partner/contracts/{contract_id}/clients/{client_id}")

Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]
DAYS = 30
OVERLAPS = (
    ("0", "Not at all", "For a secret that leaked: it stops within 2 seconds, and so do tokens that came by it."),
    ("1", "One hour", ""),
    ("24", "One day", ""),
    ("168", "Seven days", ""),
)
_HOURS = {hours: timedelta(hours=int(hours)) for hours, _, _ in OVERLAPS}


@router.get("")
def one(request: Request, actor: Partner, contract_id: str, client_id: str) -> Response:
    """The credential as it stands."""
    return credential_page(request, actor, contract_id, client_id)


@router.post("/rotate")
@limited(SIGN_IN)
def rotate(request: Request, actor: Partner, contract_id: str, client_id: str, form: Sent) -> Response:
    """Make a new secret and answer with it; the answer is stored nowhere."""
    house = house_of(request)
    overlap = _HOURS.get(form.text("overlap"))
    if overlap is None:
        form.errors["overlap"] = "Choose how long the old secret still works."
    try:
        form.check()
        actor = assured(request, actor, Act.CREDENTIAL, form)
        with house.store.write("rotate") as unit:
            client_of(unit.session, actor, contract_id, client_id)
            client, secret = renewal.rotate_client(unit, actor, client_id, overlap or timedelta())
    except Refused as error:
        form.take(mendable(error))
        return credential_page(request, actor, contract_id, client_id, form, 422)
    return secret_page(request, actor, client, secret)


@router.post("/end-earlier")
def end_earlier(request: Request, actor: Partner, contract_id: str, client_id: str) -> Response:
    """End the old secret before its cut-off."""
    with house_of(request).store.write("end secret") as unit:
        client_of(unit.session, actor, contract_id, client_id)
        renewal.end_earlier_secret(unit, actor, client_id)
    return go(f"/partner/contracts/{contract_id}/clients/{client_id}", "secret-ended")


def client_of(session: Session, actor: Actor, contract_id: str, client_id: str) -> Client:
    """The credential of this contract that the person may see; `not_found` for any other."""
    client = service.client_for(session, actor, client_id)
    if client.contract_id != contract_id:
        raise refuse("not_found", "There is no such credential here.")
    return client


def credential_page(
    request: Request,
    actor: Actor,
    contract_id: str,
    client_id: str,
    form: Form | None = None,
    status: int = 200,
) -> Response:
    """The page; `form` is the rotation's with its errors."""
    house = house_of(request)
    now = house.clock.now()
    today = day_in(now, house.settings.platform.time_zone)
    since = today - timedelta(days=DAYS - 1)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        client = client_of(session, actor, contract_id, client_id)
        used = used_by_day(session, client_id, since)
        terms = reads.terms_of(session, contract)
        links = chain(session, contract=contract, staff=False)
    days = [since + timedelta(days=each) for each in range(DAYS)]
    may_act = bool(actor.roles & {Role.LEAD, Role.DEVELOPER}) and client.revoked_at is None
    return page(
        request,
        "partner/credential.html",
        status,
        contract=contract,
        client=client,
        terms=terms,
        links=links,
        form=form or of({"overlap": "24"}),
        keys=kept_keys(client.jwks),
        bound=client.dpop_bound or (terms is not None and terms.bound_tokens and client.audience == "api"),
        overlaps=OVERLAPS,
        contract_refuses=client.kind == KEY_KIND and terms is not None and key_refusal(terms) is not None,
        ended=client.last_day is not None and today > client.last_day,
        overlapping=client.earlier_until is not None and client.earlier_until > now,
        may_act=may_act,
        login=commands.login(house.settings.base_url, client.id, terms) if terms and client.auth_method == "none" else "",
        asked=asked_for(request, actor, Act.CREDENTIAL),
        may_rotate=may_act and client.auth_method in WITH_SECRET,
        series=[(short_day(each), used[each].records if each in used else 0) for each in days],
        rows=[(each, used[each].requests, used[each].records) for each in reversed(days) if each in used],
        zone=house.settings.platform.time_zone,
    )

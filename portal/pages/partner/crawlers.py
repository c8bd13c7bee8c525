"""Keys that a partner's crawlers sign with: registered by value or from a directory, proved, and revoked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.agent import Agent
from contracts.crawlers import directory, follow, service
from contracts.crawlers.decide import PublicPart, challenge, keys_in
from contracts.crawlers.tables import CrawlerKey
from contracts.errors import Refusal, Refused, refuse
from contracts.guarded import GuardedClient
from contracts.lifecycle import queries
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from portal.again import asked_for, assured
from portal.chain import chain
from portal.deps import go, house_of, page, partner
from portal.forms import Form, mendable, of, submitted
from portal.limits import SIGN_IN, limited
from portal.pages.partner import reads

router = APIRouter(prefix="/partner/contracts/{contract_id}/crawlers")

Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]


@router.get("")
def every(request: Request, actor: Partner, contract_id: str) -> Response:
    """The contract's crawler keys, with what each that waits has to sign."""
    return crawlers_page(request, actor, contract_id)


@router.post("")
@limited(SIGN_IN)
def register(request: Request, actor: Partner, contract_id: str, form: Sent) -> Response:
    """Note keys. A directory is fetched before the unit, because that takes its time."""
    house = house_of(request)
    try:
        actor = assured(request, actor, Act.CREDENTIAL, form)
        with house.store.read() as session:
            queries.get_for(session, actor, contract_id)
        url = form.text("directory_url")
        keys = _keys(form, request)
        with house.store.write("crawler") as unit:
            service.register(unit, actor, contract_id, form.text("name"), keys, url)
    except Refused as error:
        form.take(_beside(error))
        return crawlers_page(request, actor, contract_id, form, 422)
    return go(f"/partner/contracts/{contract_id}/crawlers", "crawler-registered")


@router.post("/{crawler_id}/prove")
@limited(SIGN_IN)
def prove(request: Request, actor: Partner, contract_id: str, crawler_id: str, form: Sent) -> Response:
    """Take the signature that proves that the partner has the key."""
    house = house_of(request)
    try:
        actor = assured(request, actor, Act.CREDENTIAL, form)
        with house.store.write("crawler proof") as unit:
            _of_contract(unit.session, actor, contract_id, crawler_id)
            service.prove(unit, actor, crawler_id, form.text("signature"), house.settings.base_url)
    except Refused as error:
        form.take(mendable(error))
        return crawlers_page(request, actor, contract_id, of({}), 422, {crawler_id: form})
    return go(f"/partner/contracts/{contract_id}/crawlers", "crawler-proved")


@router.post("/{crawler_id}/revoke")
def revoke(request: Request, actor: Partner, contract_id: str, crawler_id: str) -> Response:
    """End a key."""
    with house_of(request).store.write("revoke") as unit:
        _of_contract(unit.session, actor, contract_id, crawler_id)
        service.revoke(unit, actor, crawler_id)
    return go(f"/partner/contracts/{contract_id}/crawlers", "crawler-revoked")


def crawlers_page(
    request: Request, actor: Actor, contract_id: str, form: Form | None = None, status: int = 200, proofs: dict[str, Form] | None = None
) -> Response:
    """The page; `form` is the registration's, `proofs` those of single keys, each with its errors."""
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        keys = service.crawlers_of(session, contract.id)
        directories = follow.directories_of(session, contract.id)
        terms = reads.terms_of(session, contract)
        links = chain(session, contract=contract, staff=False)
    now = house.clock.now()
    waiting = [each for each in keys if each.proved_at is None and each.revoked_at is None and each.nonce_until > now]
    return page(
        request,
        "partner/crawlers.html",
        status,
        contract=contract,
        keys=keys,
        directories=directories,
        links=links,
        form=form or of({}),
        proofs=proofs or {},
        blank=of({}),
        waiting=[(each, challenge(each, house.settings.base_url)) for each in waiting],
        may_act=bool(actor.roles & {Role.LEAD, Role.DEVELOPER}) and contract.state == "active",
        crawls=terms is not None and terms.crawl is not None,
        asked=asked_for(request, actor, Act.CREDENTIAL),
        now=now,
    )


def _keys(form: Form, request: Request) -> list[PublicPart]:
    url, text = form.text("directory_url"), form.text("keys")
    if bool(url) == bool(text):
        raise refuse("invalid_input", "Some fields need your attention.", fields={"keys": "Give either keys or a directory’s address."})
    if text:
        return keys_in(text)
    house = house_of(request)
    asking = GuardedClient(sign=Agent(house.keys, house.store, house.clock, house.settings.base_url).sign)
    return directory.fetch(asking, url, house.clock.now())


def _beside(error: Refused) -> Refusal:
    """Also what is wrong with an address, beside its field."""
    if error.refusal.code not in ("address_refused", "fetch_failed"):
        return mendable(error)
    return Refusal("invalid_input", error.refusal.reason, {"fields": {"directory_url": error.refusal.reason}})


def _of_contract(session: Session, actor: Actor, contract_id: str, crawler_id: str) -> CrawlerKey:
    row = session.get(CrawlerKey, crawler_id)
    if row is None or row.contract_id != contract_id or row.organisation_id != actor.organisation_id:
        raise refuse("not_found", "There is no such key here.")
    return row

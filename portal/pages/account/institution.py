"""Signing in through an institution: to its OpenID provider and back.

What has to come back unchanged (nonce, PKCE verifier, where to go after) travels in `state`, sealed for this provider and this very
browser, good once and for ten minutes. Each provider has an address of its own to come back to, so answers cannot be mixed up
(RFC 9700 section 4.4.2).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from contracts.credentials.spent import Once, spend
from contracts.errors import Misconfigured, Refused, refuse
from contracts.ledger.stage import Entry, record
from contracts.people import assurance, identities
from contracts.people import service as people
from contracts.people.assurance import Act
from contracts.people.openid import Person, failed
from portal import cookies
from portal.csrf import new_visitor
from portal.deps import go, house_of, portal_of, safe_path, signed_in
from portal.limits import SIGN_IN, limited, network_of
from portal.openid import Provider, bytes_of, text_of
from portal.pages.account.sign_in import open_browser

router = APIRouter(prefix="/sign-in/with/{provider_id}")

LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Away:
    """What is remembered of a browser while it is at the provider. `links` is the account that asked to be linked, or empty."""

    nonce: str
    verifier: str
    next_path: str
    links: str
    ends_at: float


@router.get("")
@limited(SIGN_IN)
def leave(request: Request, provider_id: str) -> Response:
    """To the provider. With `link=yes` the signed-in person's account is linked to the identity there."""
    house, provider = house_of(request), _provider(request, provider_id)
    links = _linking(request) if request.query_params.get("link") == "yes" else ""
    if not cookies.holder_of(request):
        cookies.put(request, cookies.VISITOR, new_visitor())
    next_path = safe_path(request.query_params.get("next", ""))
    ends_at = (house.clock.now() + LIFETIME).timestamp()
    away = Away(secrets.token_urlsafe(24), secrets.token_urlsafe(48), next_path, links, ends_at)
    state = text_of(house.keys.wrap(json.dumps(asdict(away)).encode(), _context(request, provider_id)))
    return RedirectResponse(provider.begin(state, away.nonce, away.verifier), 303, {"cache-control": "no-store"})


@router.get("/back")
@limited(SIGN_IN)
def back(request: Request, provider_id: str) -> Response:
    """From the provider: check its answer, then sign in or link."""
    try:
        return _answered(request, provider_id, _provider(request, provider_id))
    except Refused as error:
        if error.refusal.code in ("institution_failed", "fetch_failed", "address_refused"):
            with house_of(request).store.write("institution") as unit:
                facts, personal = {"provider": provider_id}, {"network": network_of(request)}
                rule = error.refusal.code
                record(unit, Entry(event="account.signed_in", decision="refuse", rule=rule, facts=facts, personal=personal))
        raise


def _answered(request: Request, provider_id: str, provider: Provider) -> Response:
    house, query = house_of(request), request.query_params
    away = _remembered(request, provider_id, query.get("state", ""))
    issuer = query.get("iss", "" if not provider.metadata().names_itself else "missing")
    if issuer not in ("", provider.setting.issuer):
        raise Refused(failed("answered in another’s name"))
    if query.get("error") or not query.get("code"):
        raise Refused(failed("did not let you in"))
    person = provider.finish(query.get("code", ""), away.nonce, away.verifier, house.clock.now().timestamp())
    return _link(request, away, person) if away.links else _sign_in(request, provider, away, person)


def _sign_in(request: Request, provider: Provider, away: Away, person: Person) -> Response:
    with house_of(request).store.write("institution") as unit:
        account = identities.account_for(unit, person, provider.setting, network_of(request))
    second = identities.counts_as_second_factor(person, provider.setting)
    return open_browser(request, account, away.next_path, method=people.Method.INSTITUTION, second_factor=second)


def _link(request: Request, away: Away, person: Person) -> Response:
    actor = signed_in(request)
    if actor.account_id != away.links:
        raise Refused(failed("was asked for by somebody else in this browser"))
    with house_of(request).store.write("institution") as unit:
        identities.link(unit, actor, person)
    return go("/account", "linked")


def _linking(request: Request) -> str:
    """The account to be linked. Only our own pages ask for it, and only where the person proved themselves just now."""
    actor = signed_in(request)
    assurance.insist(actor, Act.FACTOR, house_of(request).clock.now())
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise refuse("csrf_failed", "Begin on your account page. Nothing was changed.")
    return actor.account_id


def _remembered(request: Request, provider_id: str, state: str) -> Away:
    house = house_of(request)
    try:
        away = Away(**json.loads(house.keys.unwrap(bytes_of(state), _context(request, provider_id))))
    except (Misconfigured, ValueError) as error:
        raise Refused(failed("answered a request that was not made in this browser")) from error
    ends_at = house.clock.now() + LIFETIME
    once = Once("sign_in", provider_id, state, ends_at)
    if away.ends_at <= house.clock.now().timestamp():
        raise Refused(failed("took longer than ten minutes"))
    with house.store.write("institution") as unit:
        if spend(unit, [once]) is not None:
            raise Refused(failed("answered a second time"))
    return away


def _provider(request: Request, provider_id: str) -> Provider:
    found = portal_of(request).providers.get(provider_id)
    if found is None:
        raise refuse("not_found", "There is no such way to sign in here.")
    return found


def _context(request: Request, provider_id: str) -> str:
    holder = hashlib.sha256(cookies.holder_of(request).encode()).hexdigest()
    return f"sign-in|{provider_id}|{holder}"

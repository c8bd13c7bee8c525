"""A program asks to read under a contract for a person: what it would be allowed, in plain words, and the answer."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from contracts.credentials import authorizations
from contracts.credentials.authorizations import MAY_CONSENT
from contracts.credentials.details import in_words
from contracts.credentials.redirects import answer_uri, origin_of
from contracts.credentials.tables import Authorization, Client
from contracts.errors import Refusal, Refused, refuse
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.terms.model import readable
from contracts.terms.words import plain
from portal.deps import go, house_of, page, requires
from portal.forms import Form, submitted
from portal.limits import PAGES, limited
from portal.problems import problem

router = APIRouter()

# What the authorization address cannot tell the program, because nobody knows where it is (RFC 6749 section 4.1.2.1).
REFUSED = {
    "program_unknown": "No program of this id reads under a contract here; it may have been revoked. You were sent nowhere and nothing "
    "was given away. Ask whoever gave you the program, or your lead.",
    "return_address_unknown": "The program wanted you sent back to an address that is not registered for it, so you were sent nowhere. If "
    "you did not start a program of yours just now, somebody may be trying to trick you: close this page. Else ask your lead to "
    "register the address.",
    "pushed_request_unusable": "The program’s request has ended or was used before. Start again in the program.",
    "bad_request": "The program’s request cannot be read. Start again in the program; if it comes back, tell whoever made it.",
    "too_many_requests": "Too many requests of programs came from your network. Wait a minute, then start again in the program.",
}

_may_consent = requires(*MAY_CONSENT)
# As every page's, but for where the form's answer leads (Content Security Policy level 3 section 6.4.2 holds redirects to it too).
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'none'; form-action 'self' {origin}; "
    "frame-ancestors 'none'; base-uri 'none'"
)


@router.get("/consent/{authorization_id}")
@limited(PAGES)
def show(request: Request, authorization_id: str, actor: Actor = Depends(_may_consent)) -> Response:
    """Who asks, and what of the contract it would be allowed; to whom has yet to accept its terms, those first."""
    house = house_of(request)
    with house.store.read() as session:
        try:
            asked = authorizations.waiting_for(session, actor, authorization_id, house.clock.now())
        except Refused as error:
            if error.refusal.code != "member_required":
                raise
            contract_id = session.get_one(Authorization, authorization_id).contract_id
            return go(f"/partner/contracts/{contract_id}/membership?next=/consent/{authorization_id}")
        client, contract = session.get_one(Client, asked.client_id), session.get_one(Contract, asked.contract_id)
        terms = readable(version_of(session, contract).terms_json)
    if terms is None:
        raise refuse("seal_broken", "The contract's terms cannot be read. Nothing can be allowed under it now.")
    lines, details = plain(terms, house.settings), in_words(asked.details, house.settings)
    response = page(request, "account/consent.html", asked=asked, client=client, contract=contract, lines=lines, details=details)
    response.headers["content-security-policy"] = _POLICY.format(origin=origin_of(asked.redirect_uri))
    return response


@router.get("/consent/refused/{code}")
@limited(PAGES)
def refused(request: Request, code: str) -> Response:
    """Why a program's request went no further, for the person whom it sent here; nothing of the request stands on the page."""
    if code not in REFUSED:
        raise refuse("not_found", "Start again in the program that sent you here.")
    return problem(request, Refusal(code, REFUSED[code]))


@router.post("/consent/{authorization_id}")
@limited(PAGES)
def decide(request: Request, authorization_id: str, actor: Actor = Depends(_may_consent), form: Form = Depends(submitted)) -> Response:
    """Note the answer and send the person back to the program with it (RFC 6749 section 4.1.2, RFC 9207 section 2)."""
    house, answer = house_of(request), form.text("answer")
    if answer not in ("allow", "deny"):
        raise refuse("bad_request", "Choose whether to allow it or not. Go back and try again.")
    with house.store.write("consent") as unit:
        if answer == "allow":
            asked, code = authorizations.allow(unit, actor, authorization_id)
            said = {"code": code}
        else:
            asked = authorizations.deny(unit, actor, authorization_id)
            said = {"error": "access_denied", "error_description": "The person did not allow it."}
    return _back(asked, said, house.settings.base_url.rstrip("/"))


def _back(asked: Authorization, said: dict[str, str], issuer: str) -> Response:
    state = {"state": asked.state} if asked.state else {}
    headers = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
    return RedirectResponse(answer_uri(asked.redirect_uri, {**said, **state, "iss": issuer}), 303, headers)

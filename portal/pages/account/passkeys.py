"""Passkeys of one's own: registered and removed; shown at sign-in, alone or after the password, and before an act."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused, refuse
from contracts.people import passkeys
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from portal import cookies
from portal.again import insisted, is_fresh
from portal.browsers import browser_of
from portal.deps import go, house_of, page, present, safe_path
from portal.forms import Form, mendable, submitted
from portal.limits import SIGN_IN, hold_person, limited, network_of
from portal.pages.account.factor import codes_page, may_set_up
from portal.pages.account.sign_in import lead_on, waiting_here
from portal.passkeys import checked_use, offer_new, opened, verified_new
from portal.words import home_of

router = APIRouter()
Present = Annotated[Actor, Depends(present)]
Sent = Annotated[Form, Depends(submitted)]


@router.post("/sign-in/passkey")
@limited(SIGN_IN)
def sign_in(request: Request, form: Sent) -> Response:
    """Sign in by a passkey alone: it made sure of its owner, so it is both factors (WebAuthn section 6.2.3)."""
    challenge, used = checked_use(request, form)
    browser, before = browser_of(request.headers.get("user-agent", "")), cookies.session_of(request)
    how = people.Method.PASSKEY
    with house_of(request).store.write("sign-in") as unit:
        passkeys.use_passkey(unit, challenge, used, network_of(request))
        token = people.open_session(
            unit, used.account_id, network_of(request), browser=browser, method=how, instead_of=before, second_factor=True
        )
    return lead_on(request, token, safe_path(form.text("next")))


@router.post("/sign-in/code/passkey")
@limited(SIGN_IN)
def complete(request: Request, form: Sent) -> Response:
    """Show a passkey as the second factor after the password."""
    account_id = waiting_here(request)
    if account_id is None:
        raise refuse("sign_in_required", "Your sign-in took too long. Begin again with your password.")
    hold_person(request, account_id, "passkey")
    challenge, used = checked_use(request, form, account_id)
    with house_of(request).store.write("sign-in") as unit:
        passkeys.use_passkey(unit, challenge, used, network_of(request))
        token = people.complete_session(unit, cookies.session_of(request), network_of(request))
    return lead_on(request, token, safe_path(form.text("next")))


@router.post("/account/second-factor/passkey")
@limited(SIGN_IN)
def confirm(request: Request, actor: Present, form: Sent) -> Response:
    """Show a passkey in this session, before an act that asks for it."""
    hold_person(request, actor.account_id, "passkey")
    challenge, used = checked_use(request, form, actor.account_id)
    with house_of(request).store.write("second factor") as unit:
        passkeys.use_passkey(unit, challenge, used, network_of(request))
        token = people.give_second_factor(unit, cookies.session_of(request))
    cookies.keep_session(request, token)
    return go(safe_path(form.text("next")) or home_of(actor))


@router.get("/account/passkeys/new")
def show(request: Request, actor: Present) -> Response:
    """The page on which the browser makes a passkey."""
    return _page(request, actor, Form(), safe_path(request.query_params.get("next", "")))


@router.post("/account/passkeys")
@limited(SIGN_IN)
def add(request: Request, actor: Present, form: Sent) -> Response:
    """Keep the passkey that the browser made; the first factor brings recovery codes and ends sessions that were opened without it."""
    next_path = safe_path(form.text("next"))
    try:
        actor, first = may_set_up(request, actor, form)
        challenge = opened(request, form, "register")
        made = verified_new(request, challenge, form, actor.account_id)
        with house_of(request).store.write("passkey") as unit:
            codes = passkeys.add_passkey(unit, challenge, made)
            token = people.use_new_factor(unit, cookies.session_of(request), actor.account_id) if first else ""
    except Refused as error:
        form.take(mendable(error))
        return _page(request, actor, form, next_path, 422)
    if token:
        cookies.keep_session(request, token)
    return codes_page(request, codes, next_path or home_of(actor)) if codes else go(next_path or "/account", "passkey-added")


@router.post("/account/passkeys/{passkey_id}/remove")
@limited(SIGN_IN)
def remove(request: Request, actor: Present, passkey_id: str) -> Response:
    """Remove a passkey of one's own."""
    insisted(request, actor, Act.FACTOR)
    with house_of(request).store.write("passkey") as unit:
        passkeys.remove_passkey(unit, actor.account_id, passkey_id)
    return go("/account", "passkey-removed")


def _page(request: Request, actor: Actor, form: Form, next_path: str, status: int = 200) -> Response:
    offer = offer_new(request, actor.account_id)
    shown = Form({"name": form.all("name") or ["This device"]}, form.errors)
    return page(
        request,
        "account/new-passkey.html",
        status,
        form=shown,
        next_path=next_path,
        offer=offer,
        asks_password=not is_fresh(request, actor),
    )

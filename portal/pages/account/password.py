"""Changing the password with the old one, and setting a new one where it is forgotten, without telling who has an account."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused
from contracts.people import links
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.passwords import hash_password, verify_password, weakness
from contracts.people.tables import Account
from portal import cookies
from portal.deps import go, house_of, page, signed_in
from portal.forms import Form, mendable, submitted
from portal.limits import MAILS, PAGES, SIGN_IN, limited, network_of

router = APIRouter()


@router.get("/account/password")
def show(request: Request, actor: Actor = Depends(signed_in)) -> Response:
    """The form; an account that signs in through its institution has no password yet."""
    return _change_page(request, actor, Form())


@router.post("/account/password")
@limited(SIGN_IN)
def change(request: Request, actor: Actor = Depends(signed_in), form: Form = Depends(submitted)) -> Response:
    """Check the old password, keep the new one, end every other session."""
    house = house_of(request)
    try:
        hashed = _new_hash(request, actor, form)
    except Refused as error:
        form.take(mendable(error))
        return _change_page(request, actor, form, 422)
    with house.store.write("password") as unit:
        token = people.change_password(unit, actor, cookies.session_of(request), hashed, house.settings.base_url)
    cookies.keep_session(request, token)
    return go("/account", "password-changed")


@router.get("/forgotten")
@limited(PAGES)
def show_forgotten(request: Request) -> Response:
    """Ask for the address."""
    return page(request, "account/forgotten.html", form=Form())


@router.post("/forgotten")
@limited(MAILS)
def forgotten(request: Request, form: Form = Depends(submitted)) -> Response:
    """Send the link where there is an account; the page is the same for every address."""
    house = house_of(request)
    with house.store.write("forgotten") as unit:
        people.ask_reset(unit, form.text("email"), network=network_of(request), base_url=house.settings.base_url)
    return page(request, "account/forgotten-sent.html", email=form.text("email"))


@router.get("/reset/{token}")
@limited(PAGES)
def show_reset(request: Request, token: str) -> Response:
    """The form for a new password; opening it changes nothing."""
    return _reset_page(request, token, Form())


@router.post("/reset/{token}")
@limited(SIGN_IN)
def reset(request: Request, token: str, form: Form = Depends(submitted)) -> Response:
    """Keep the new password and lead to the sign-in page: a link opens no session, so a second factor is asked as ever."""
    house = house_of(request)
    problem = weakness(form.raw("new_password"))
    if problem is not None:
        form.errors["new_password"] = problem
        return _reset_page(request, token, form, 422)
    hashed = hash_password(form.raw("new_password"))
    with house.store.write("reset") as unit:
        people.reset_password(unit, token, hashed, network=network_of(request), base_url=house.settings.base_url)
    return go("/sign-in", "password-reset")


def _new_hash(request: Request, actor: Actor, form: Form) -> str:
    with house_of(request).store.read() as session:
        account = session.get_one(Account, actor.account_id)
    if not verify_password(account.password_hash, form.raw("password")):
        form.errors["password"] = "That is not your password."
    problem = weakness(form.raw("new_password"))
    if problem is not None:
        form.errors["new_password"] = problem
    form.check()
    return hash_password(form.raw("new_password"))


def _change_page(request: Request, actor: Actor, form: Form, status: int = 200) -> Response:
    with house_of(request).store.read() as session:
        account = session.get_one(Account, actor.account_id)
    return page(request, "account/password.html", status, form=form, account=account)


def _reset_page(request: Request, token: str, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        link = links.find(session, token, house.clock.now(), links.LinkKind.RESET)
    return page(request, "account/reset.html", status, form=form, email=link.email)

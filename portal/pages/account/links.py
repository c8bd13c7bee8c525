"""Where one-time links lead: confirm an address, join an organisation. Opening a link changes nothing, because mail scanners
open links too; the form on the page does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused, refuse
from contracts.people import links
from contracts.people import service as people
from contracts.people.passwords import hash_password, verify_password, weakness
from contracts.people.roles import ROLES, Role
from contracts.people.tables import Account, Organisation
from portal.deps import house_of, page
from portal.forms import Form, mendable, submitted
from portal.limits import PAGES, SIGN_IN, limited
from portal.pages.account.sign_in import open_browser

router = APIRouter()


@router.get("/confirm/{token}")
@limited(PAGES)
def show_confirm(request: Request, token: str) -> Response:
    """Ask for the password chosen at sign-up: who merely got the mail does not get the account."""
    house = house_of(request)
    with house.store.read() as session:
        link = links.find(session, token, house.clock.now(), links.LinkKind.CONFIRM)
    return page(request, "account/confirm.html", form=Form(), email=link.email)


@router.post("/confirm/{token}")
@limited(SIGN_IN)
def confirm(request: Request, token: str, form: Form = Depends(submitted)) -> Response:
    """Confirm the address and sign in, in one step."""
    house = house_of(request)
    with house.store.read() as session:
        link = links.find(session, token, house.clock.now(), links.LinkKind.CONFIRM)
        account = session.get(Account, link.account_id)
    if account is None or not verify_password(account.password_hash, form.raw("password")):
        form.errors["password"] = "This is not the password that you chose. Try again."
        return page(request, "account/confirm.html", 403, form=form, email=link.email)
    with house.store.write("confirm") as unit:
        confirmed, next_path = people.confirm(unit, token)
    return open_browser(request, confirmed, next_path)


@router.get("/join/{token}")
@limited(PAGES)
def show_join(request: Request, token: str) -> Response:
    """Who invites, to what; and the form for a new account, or the password of the one that exists."""
    return page(request, "account/join.html", form=Form(), **_invited(request, token))


@router.post("/join/{token}")
@limited(SIGN_IN)
def join(request: Request, token: str, form: Form = Depends(submitted)) -> Response:
    """Take up the role and sign in."""
    invited = _invited(request, token)
    try:
        hashed = chosen_password(form, invited["account"])
        with house_of(request).store.write("join") as unit:
            account = people.accept_invitation(unit, token, name=form.text("name"), password_hash=hashed)
    except Refused as error:
        form.take(mendable(error))
        return page(request, "account/join.html", 422, form=form, **invited)
    return open_browser(request, account, invited["link"].next_path)


def _invited(request: Request, token: str) -> dict[str, Any]:
    house = house_of(request)
    with house.store.read() as session:
        link = people.invitation(session, token, house.clock.now())
        role = Role(link.role)
        return {
            "link": link,
            "role": role.value,
            "meaning": ROLES[role].meaning,
            "account": _confirmed(session, link.email),
            "organisation": session.get(Organisation, link.organisation_id),
            "inviter": session.get(Account, link.given_by) if link.given_by else None,
        }


def _confirmed(session: Session, email: str) -> Account | None:
    account = people.find_account(session, email)
    return account if account is not None and account.confirmed_at is not None else None


def chosen_password(form: Form, account: object) -> str:
    """A new hash for a new account; for one that exists its own password proves whose it is, and the hash stays unused."""
    password = form.raw("password")
    if isinstance(account, Account):
        if not verify_password(account.password_hash, password):
            raise refuse("wrong_password", "Not accepted.", fields={"password": "This is not your password. Try again."})
        return account.password_hash
    problem = weakness(password)
    if problem is not None:
        form.errors["password"] = problem
    form.require("name", "Tell us your name.")
    form.check()
    return hash_password(password)

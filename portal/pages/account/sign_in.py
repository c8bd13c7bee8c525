"""Signing in and out. A wrong password, an unknown address and an unconfirmed one are answered alike and take the same time.

Who has a second factor gives it on a second page; until then the browser holds a session that opens nothing.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused, refuse
from contracts.people import service as people
from contracts.people.passwords import verify_password
from contracts.people.tables import Account
from portal import cookies
from portal.browsers import browser_of
from portal.deps import go, house_of, page, safe_path, visitor
from portal.forms import Form, submitted
from portal.guesses import hold_guess, note_failure, release_guess
from portal.limits import PAGES, SIGN_IN, limited, network_of
from portal.passkeys import offer_use
from portal.problems import STATUS
from portal.words import home_of

router = APIRouter()

_FAILED = "Address and password do not belong together, or the address is not confirmed yet."


@router.get("/sign-in")
@limited(PAGES)
def show(request: Request) -> Response:
    """The form; people who are signed in already go on."""
    next_path = safe_path(request.query_params.get("next", ""))
    actor = visitor(request)
    if actor is not None:
        return go(next_path or home_of(actor))
    if waiting_here(request) is not None:
        return go(code_path(next_path))
    return _page(request, Form(), next_path)


@router.post("/sign-in")
@limited(SIGN_IN)
def sign_in(request: Request, form: Form = Depends(submitted)) -> Response:
    """Check the password outside any transaction, then open the session."""
    next_path = safe_path(form.text("next"))
    try:
        account = checked_account(request, form.text("email"), form.raw("password"))
        return open_browser(request, account, next_path)
    except Refused as error:
        if error.refusal.code != "sign_in_failed":
            raise
        form.take(error.refusal)
        return _page(request, form, next_path, STATUS[error.refusal.kind])


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End the session here and in the store."""
    token = cookies.session_of(request)
    if token:
        with house_of(request).store.write("sign-out") as unit:
            people.close_session(unit, token)
    cookies.drop_session(request)
    return go("/", "signed-out")


def checked_account(request: Request, email: str, password: str) -> Account:
    """The account that address and password belong to; `sign_in_failed` otherwise, `too_many_requests` after many tries."""
    with house_of(request).store.read() as session:
        account = people.find_account(session, email)
    hold_guess(request, email, account)
    if not verify_password(account.password_hash if account else "", password) or account is None:
        note_failure(request, email, account, "sign_in_failed")
        raise refuse("sign_in_failed", _FAILED)
    release_guess(request, email, account)
    return account


def open_browser(
    request: Request,
    account: Account,
    next_path: str = "",
    done: str = "",
    method: people.Method = people.Method.PASSWORD,
    second_factor: bool = False,
) -> Response:
    """Sign the account's owner in on this browser and send it on to the next page, or to the first one of the person.

    The session is new, and the one that the browser held before ends.
    """
    house, before = house_of(request), cookies.session_of(request)
    browser = browser_of(request.headers.get("user-agent", ""))
    with house.store.write("sign-in") as unit:
        token = people.open_session(
            unit, account.id, network_of(request), browser=browser, method=method, instead_of=before, second_factor=second_factor
        )
    return lead_on(request, token, next_path, done)


def lead_on(request: Request, token: str, next_path: str, done: str = "") -> Response:
    """Hand the browser its new session and send it to the next page, or to the one that asks for the second factor."""
    house = house_of(request)
    cookies.keep_session(request, token)
    with house.store.read() as session:
        waits = people.waiting_account(session, token, house.clock.now()) is not None
        actor = people.actor_of(session, token, house.clock.now(), "")
    return go(code_path(next_path)) if waits else go(next_path or home_of(actor), done)


def waiting_here(request: Request) -> str | None:
    """The account whose password was given in this browser and whose second factor is still to come."""
    house = house_of(request)
    with house.store.read() as session:
        return people.waiting_account(session, cookies.session_of(request), house.clock.now())


def code_path(next_path: str) -> str:
    """The page that asks for the second factor at sign-in."""
    return f"/sign-in/code?next={quote(next_path, safe='')}" if next_path else "/sign-in/code"


def _page(request: Request, form: Form, next_path: str, status: int = 200) -> Response:
    institutions = [(name, each.name) for name, each in house_of(request).settings.sign_in.items()]
    offer = offer_use(request)
    return page(request, "account/sign-in.html", status, form=form, next_path=next_path, offer=offer, institutions=institutions)

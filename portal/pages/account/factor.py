"""Second factors of one's own account: setting up an app with its first recovery codes, and giving a code before an act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from contracts.errors import Refused, refuse
from contracts.people import service as people
from contracts.people import totp
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.passkeys import takes_passkeys
from contracts.people.recovery import are_all_unused
from contracts.store.unit import Unit
from portal import cookies
from portal.again import assured, confirmed, insisted, is_fresh
from portal.deps import go, house_of, page, present, safe_path
from portal.forms import Form, mendable, submitted
from portal.limits import SIGN_IN, hold_person, limited, may_guess, network_of, note_guess, release_person
from portal.passkeys import offer_use
from portal.qr import qr_svg
from portal.words import home_of

router = APIRouter(prefix="/account")
Present = Annotated[Actor, Depends(present)]
Sent = Annotated[Form, Depends(submitted)]

WRONG = "This code does not fit. Codes of an app change every 30 seconds and work once, recovery codes work once."
GUESSED_OUT = "Codes of the app were tried too often today. Use a recovery code or a passkey."


@router.get("/second-factor")
def show(request: Request, actor: Present) -> Response:
    """Set up an app, for who has no second factor; give a code, for who has one and must show it."""
    next_path = safe_path(request.query_params.get("next", ""))
    return _give(request, actor, Form(), next_path) if _has_factor(request, actor) else _set_up(request, actor, Form(), next_path)


@router.post("/second-factor")
@limited(SIGN_IN)
def give(request: Request, actor: Present, form: Sent) -> Response:
    """Give a code, which counts as a second factor of this session from now on."""
    next_path = safe_path(form.text("next"))
    tokens = [cookies.session_of(request)]
    wrong = checked_code(
        request, actor.account_id, form.text("code"), lambda unit: tokens.append(people.give_second_factor(unit, tokens[0]))
    )
    if wrong:
        return _give(request, actor, Form(errors={"code": wrong}), next_path, 403)
    cookies.keep_session(request, tokens[1])
    return go(next_path or home_of(actor))


@router.post("/second-factor/app")
@limited(SIGN_IN)
def set_up(request: Request, actor: Present, form: Sent) -> Response:
    """Keep the app that shows the right code, end the person's other sessions, and show the first recovery codes, once."""
    next_path, house = safe_path(form.text("next")), house_of(request)
    try:
        actor, _first = may_set_up(request, actor, form)
        seed = people.begun_app(house.keys, actor.account_id, form.text("sealed"), house.clock.now())
        with house.store.write("second factor") as unit:
            codes = people.add_app(unit, house.keys, actor.account_id, seed, form.text("code"))
            token = "" if codes is None else people.use_new_factor(unit, cookies.session_of(request), actor.account_id)
    except Refused as error:
        form.take(mendable(error))
        return _set_up(request, actor, form, next_path, 422)
    if codes is None:
        form.errors["code"] = "This is not the code that the app shows for this secret now. Check the phone’s clock and try again."
        return _set_up(request, actor, form, next_path, 422)
    cookies.keep_session(request, token)
    return codes_page(request, codes, next_path or home_of(actor)) if codes else go(next_path or home_of(actor), "factor-added")


@router.get("/second-factor/app")
def show_set_up(request: Request, actor: Present) -> Response:
    """Set up an app in place of the one before, or beside a passkey."""
    return _set_up(request, actor, Form(), safe_path(request.query_params.get("next", "")))


@router.post("/recovery-codes")
@limited(SIGN_IN)
def renew_codes(request: Request, actor: Present) -> Response:
    """Ten new recovery codes in place of the earlier ones."""
    insisted(request, actor, Act.FACTOR)
    with house_of(request).store.write("recovery codes") as unit:
        codes = people.new_codes(unit, actor.account_id)
    return codes_page(request, codes, "/account")


@router.post("/recovery-codes/file")
@limited(SIGN_IN)
def file_of_codes(request: Request, actor: Present, form: Sent) -> Response:
    """The codes that the page before shows, as a file; they are kept nowhere, so the page sends them back."""
    codes = form.text("codes").split()
    with house_of(request).store.read() as session:
        if not are_all_unused(session, actor.account_id, codes):
            raise refuse("link_unusable", "These are no recovery codes of yours that still work. Make new ones.")
    platform = house_of(request).settings.platform.name
    text = f"Recovery codes of {actor.email} at {platform}. Each works once.\n\n" + "\n".join(codes) + "\n"
    headers = {"content-disposition": 'attachment; filename="recovery-codes.txt"', "cache-control": "no-store"}
    return PlainTextResponse(text, headers=headers)


def codes_page(request: Request, codes: list[str], next_path: str) -> Response:
    """The one page that shows recovery codes."""
    return page(request, "account/recovery-codes.html", codes=codes, next_path=next_path)


def checked_code(request: Request, account_id: str, typed: str, given: Callable[[Unit], None]) -> str:
    """What is wrong with a code, as a sentence; empty where it fits, and then `given` was done in the same unit.

    Six digits are not even looked at where too many were tried in a day; recovery codes always are.
    """
    house, is_short = house_of(request), totp.looks_like_code(typed)
    hold_person(request, account_id, "code")
    if is_short and not may_guess(account_id):
        return GUESSED_OUT
    with house.store.write("second factor") as unit:
        if people.give_code(unit, house.keys, account_id, typed, network_of(request)):
            given(unit)
            release_person(request, account_id, "code")
            return ""
    if is_short:
        note_guess(account_id)
    return WRONG


def may_set_up(request: Request, actor: Actor, form: Form) -> tuple[Actor, bool]:
    """The person, and whether it is the first factor: another one needs the one that there is, the first the password.

    Nothing else tells whose session it is.
    """
    if _has_factor(request, actor):
        return assured(request, actor, Act.FACTOR, form), False
    if is_fresh(request, actor):
        return actor, True
    form.require("password", "Give your password once more; a second factor is set up by its owner alone.")
    form.check()
    return confirmed(request, actor, form.raw("password")), True


def _has_factor(request: Request, actor: Actor) -> bool:
    with house_of(request).store.read() as session:
        return people.has_factor(session, actor.account_id)


def _give(request: Request, actor: Actor, form: Form, next_path: str, status: int = 200) -> Response:
    with house_of(request).store.read() as session:
        factors = people.factors_of(session, actor.account_id)
    return page(
        request,
        "account/second-factor.html",
        status,
        form=form,
        next_path=next_path,
        factors=factors,
        offer=offer_use(request, actor.account_id),
    )


def _set_up(request: Request, actor: Actor, form: Form, next_path: str, status: int = 200) -> Response:
    house = house_of(request)
    sealed = form.text("sealed")
    try:
        seed = people.begun_app(house.keys, actor.account_id, sealed, house.clock.now()) if sealed else b""
    except Refused:
        seed = b""
    if not seed:
        seed, sealed = people.begin_app(house.keys, actor.account_id, house.clock.now())
    return page(
        request,
        "account/set-up-app.html",
        status,
        form=Form(errors=form.errors),
        next_path=next_path,
        sealed=sealed,
        secret=totp.as_text(seed),
        qr=qr_svg(totp.address_for_apps(seed, house.settings.platform.name, actor.email)),
        asks_password=not is_fresh(request, actor),
        takes_passkeys=takes_passkeys(house.settings),
    )

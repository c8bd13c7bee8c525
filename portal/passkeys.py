"""Passkeys at the edge: what a page hands to the browser, and checking what comes back."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from contracts.errors import Refused
from contracts.people import passkeys
from contracts.people.factor_tables import Passkey
from contracts.people.passkeys import Challenge, Purpose, Used
from contracts.people.tables import Account
from portal import cookies
from portal.csrf import new_visitor
from portal.deps import house_of
from portal.forms import Form
from portal.limits import network_of


@dataclass(frozen=True, slots=True)
class Offer:
    """What the form of a passkey holds: the options for the browser, and the challenge that it brings back."""

    options: str
    sealed: str


def offer_use(request: Request, account_id: str = "") -> Offer | None:
    """Ask for one of the person's passkeys, or for any; None where there are none, or browsers take none at this address."""
    house = house_of(request)
    party = passkeys.party_of(house.settings)
    with house.store.read() as session:
        held = passkeys.passkeys_of(session, account_id) if account_id else ()
    if not passkeys.takes_passkeys(house.settings) or (account_id and not held):
        return None
    challenge, sealed = passkeys.new_challenge(house.keys, _purpose(account_id), _browser(request), house.clock.now())
    return Offer(passkeys.request_options(party, held, challenge), sealed)


def offer_new(request: Request, account_id: str) -> Offer | None:
    """Ask the browser to make a passkey; None where browsers take none at this address."""
    house = house_of(request)
    party = passkeys.party_of(house.settings)
    if not passkeys.takes_passkeys(house.settings):
        return None
    with house.store.read() as session:
        account, held = session.get_one(Account, account_id), passkeys.passkeys_of(session, account_id)
    challenge, sealed = passkeys.new_challenge(house.keys, "register", _browser(request), house.clock.now())
    return Offer(passkeys.creation_options(party, account, held, challenge), sealed)


def checked_use(request: Request, form: Form, account_id: str = "") -> tuple[Challenge, Used]:
    """The passkey that the form brings, not kept as used yet. A refusal is an entry."""
    house, network = house_of(request), network_of(request)
    try:
        challenge = opened(request, form, _purpose(account_id))
        with house.store.read() as session:
            return challenge, passkeys.verified_use(
                session, passkeys.party_of(house_of(request).settings), challenge, form.text("credential"), account_id
            )
    except Refused:
        with house.store.write("passkey") as unit:
            passkeys.note_refused(unit, account_id, network)
        raise


def opened(request: Request, form: Form, purpose: Purpose) -> Challenge:
    """The challenge that the form brings back to the browser that it was given to."""
    house = house_of(request)
    return passkeys.opened_challenge(house.keys, purpose, cookies.holder_of(request), form.text("sealed"), house.clock.now())


def verified_new(request: Request, challenge: Challenge, form: Form, account_id: str) -> Passkey:
    """The passkey that the browser made, not kept yet."""
    now = house_of(request).clock.now()
    return passkeys.verified_new(
        passkeys.party_of(house_of(request).settings), challenge, form.text("credential"), account_id, form.text("name"), now
    )


def _purpose(account_id: str) -> Purpose:
    return "confirm" if account_id else "sign-in"


def _browser(request: Request) -> str:
    if not cookies.holder_of(request):
        cookies.put(request, cookies.VISITOR, new_visitor())
    return cookies.holder_of(request)

"""What an act asks of the session beside a role, at the edge: a second factor given, and the password once more where that is long ago.

Checked before the unit of work of the act itself, because hashing takes long; the services check the same again and fail closed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from starlette.requests import Request

from contracts.errors import Refusal, Refused, refuse
from contracts.people import assurance
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.assurance import NEEDS, Act
from contracts.people.passwords import verify_password
from contracts.people.tables import Account
from portal import cookies
from portal.deps import house_of
from portal.forms import Form
from portal.limits import hold_person, release_person

# A minute less than the services accept, so that a form shown without the field is not refused for its absence.
FRESH = timedelta(minutes=9)
_MESSAGE = "Give your password once more; this asks for it within ten minutes."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form of an act still asks of its reader: to set up or give a second factor first, or the password in a field."""

    factor: bool
    password: bool
    what: str


def asked_for(request: Request, actor: Actor, act: Act) -> Asked:
    """What the form of an act asks for; templates show it by the macro `assured`."""
    factor = actor.second_factor_at is None
    stale = NEEDS[act].recent and not is_fresh(request, actor)
    return Asked(factor, stale and not factor, NEEDS[act].what)


def is_fresh(request: Request, actor: Actor) -> bool:
    """Whether the password or a second factor was given a few minutes ago."""
    return assurance.is_recent(actor, house_of(request).clock.now(), FRESH)


def assured(request: Request, actor: Actor, act: Act, form: Form) -> Actor:
    """The actor with all that the act asks for, the form's field `password` confirmed where it was asked for or filled in.

    Raises `second_factor_required`, which is an entry, `wrong_password`, and `invalid_input` where the password is missing.
    """
    missing = assurance.refusal(actor, act, house_of(request).clock.now())
    if missing is not None and missing.code == "second_factor_required":
        raise _noted(request, actor, missing)
    password = form.raw("password")
    if not password and not asked_for(request, actor, act).password:
        return actor
    if not password:
        raise refuse("invalid_input", _MESSAGE, fields={"password": _MESSAGE})
    return confirmed(request, actor, password)


def insisted(request: Request, actor: Actor, act: Act) -> None:
    """For acts of one button, which have no field for a password: what is missing is refused with a way to give it, and is an entry."""
    missing = assurance.refusal(actor, act, house_of(request).clock.now())
    if missing is not None:
        raise _noted(request, actor, missing)


def confirmed(request: Request, actor: Actor, password: str) -> Actor:
    """The actor with the password confirmed just now. Raises `wrong_password`, which is an entry, and `too_many_requests`."""
    hold_person(request, actor.account_id, "password")
    house = house_of(request)
    with house.store.read() as session:
        account = session.get_one(Account, actor.account_id)
    if not verify_password(account.password_hash, password):
        with house.store.write("again") as unit:
            people.note_refusal(unit, actor, "account.reauthenticated", "wrong_password")
        raise refuse("wrong_password", "That is not your password.", fields={"password": "That is not your password."})
    release_person(request, actor.account_id, "password")
    with house.store.write("again") as unit:
        token = people.reauthenticate(unit, cookies.session_of(request))
        noted = replace(actor, reauthenticated_at=unit.now)
    cookies.keep_session(request, token)
    return noted


def _noted(request: Request, actor: Actor, missing: Refusal) -> Refused:
    with house_of(request).store.write("again") as unit:
        people.note_refusal(unit, actor, "account.act_refused", missing.code, act=str(missing.facts["act"]))
    return Refused(missing)

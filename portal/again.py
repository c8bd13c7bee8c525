"""The password once more, before an act that binds: checked at the edge, noted in the session, good for a few minutes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from starlette.requests import Request

from contracts.errors import refuse
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.passwords import verify_password
from contracts.people.tables import Account
from portal import cookies
from portal.deps import house_of

# A minute less than the services accept, so that a form shown without the field is not refused for its absence.
FRESH = timedelta(minutes=9)


def needs_password(request: Request, actor: Actor) -> bool:
    """Whether a form that binds must ask for the password: not when it was given a few minutes ago."""
    given = actor.reauthenticated_at
    return given is None or house_of(request).clock.now() - given > FRESH


def confirmed(request: Request, actor: Actor, password: str) -> Actor:
    """The actor with the password confirmed just now; as before where none was given and none was needed.

    Call it before the unit of work of the act itself: hashing takes long. Raises `wrong_password`, and `invalid_input` where
    the password is missing.
    """
    if not password and not needs_password(request, actor):
        return actor
    message = "Give your password once more; your name goes under this."
    if not password:
        raise refuse("invalid_input", message, fields={"password": message})
    house = house_of(request)
    with house.store.read() as session:
        account = session.get_one(Account, actor.account_id)
    if not verify_password(account.password_hash, password):
        raise refuse("wrong_password", "That is not your password.", fields={"password": "That is not your password."})
    with house.store.write("again") as unit:
        token = people.reauthenticate(unit, cookies.session_of(request))
        noted = replace(actor, reauthenticated_at=unit.now)
    cookies.keep_session(request, token)
    return noted

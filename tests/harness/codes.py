"""People's authenticator apps: the codes by which tests sign a person in whole. Computed by pyotp, which is none of ours."""

from __future__ import annotations

import time

import pyotp

from portal.demo.people import PEOPLE, CastPerson, Role
from tests.harness import leaks

PERIOD = 30
_SECRETS: dict[str, str] = {}
_USED: dict[tuple[str, str], int] = {}


def learn(email: str, secret: str) -> None:
    """Keep the secret that a page showed to a person, as their phone does."""
    _SECRETS[email] = secret


def secret_of(email: str) -> str:
    """The secret on the person's phone; the cast's are known from the start."""
    return _SECRETS.get(email) or _like_the_cast(email)


def code_of(email: str, where: str = "", ahead: float = 0.0) -> str:
    """A code that the person has not used at this address yet; waits for the next one where all of the moment are used up.

    `ahead` is by how many seconds the clock there was moved.
    """
    while True:
        now = time.time() + ahead
        here, rest = int(now // PERIOD), PERIOD - now % PERIOD
        # The code before is taken as well, unless it is about to leave the window.
        steps = [here - 1, here, here + 1] if rest > 5 else [here, here + 1]
        fresh = [step for step in steps if step > _USED.get((where, email), 0)]
        if fresh:
            _USED[where, email] = fresh[0]
            leaks.typed(where, secret_of(email))
            return pyotp.TOTP(secret_of(email)).at(fresh[0] * PERIOD)
        time.sleep(0.02)


def typed_by_hand(email: str, where: str) -> None:
    """Note that the person has just used the code of the moment at this address, one that did not come from here."""
    _USED[where, email] = int(time.time() // PERIOD)


def _like_the_cast(email: str) -> str:
    known = next((each for each in PEOPLE if each.email == email), None)
    return (known or CastPerson("", "", email, "", "", (Role.READER,), "", "")).totp_secret

"""Limits on public pages and forms, per network: slowapi's decorators, keyed by endpoint. Never its middleware."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from limits import parse as rate_of
from limits.strategies import SlidingWindowCounterRateLimiter
from slowapi import Limiter
from starlette.requests import Request

from contracts.errors import refuse
from contracts.networks import client_address, parse, prefix
from contracts.sections import Shared
from contracts.store import counters

Handler = TypeVar("Handler", bound=Callable[..., object])


def address_of(request: Request) -> str:
    """The client's address; forwarded headers are believed from configured proxies only."""
    peer = request.client.host if request.client else ""
    proxies = tuple(request.app.state.house.settings.gate.proxies)
    return client_address(peer, request.headers.get("x-forwarded-for", ""), proxies)


def network_of(request: Request) -> str:
    """The client's network (/24 or /48), the only part of an address that is kept."""
    return prefix(address_of(request)) or "unknown"


def asked_here(request: Request) -> bool:
    """Whether this machine asks, by its own name.

    The name is checked because another site could lead its visitors' browsers here under a name of its own (DNS rebinding).
    """
    return is_loopback(address_of(request)) and is_loopback(request.url.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own."""
    address = parse(host)
    return host == "localhost" or (address is not None and address.is_loopback)


# The file is named, because slowapi reads any `.env` of the working folder otherwise.
limiter = Limiter(
    key_func=network_of, key_style="endpoint", storage_uri="memory://", config_filename=str(Path(__file__).with_name("limits.env"))
)
limiter.enabled = True  # slowapi lets an environment variable turn it off; a limit on sign-in is not a variable's to remove


def count_in(shared: Shared) -> None:
    """Count from now on where the settings say: in memory from nothing, or in what the processes share."""
    storage = counters.for_threads(shared, "portal")
    # slowapi takes a storage only when its decorators are made, which is before there are settings.
    limiter._storage, limiter._limiter = storage, SlidingWindowCounterRateLimiter(storage)


def limited(rate: str) -> Callable[[Handler], Handler]:
    """Hold a handler to a rate such as "10/minute" per network. The handler takes `request: Request`."""
    return cast(Callable[[Handler], Handler], limiter.limit(rate))


_TRIES = rate_of("10/10 minutes")
_TRIES_ANYWHERE = rate_of("100/day")


def hold_person(request: Request, account_id: str, what: str) -> None:
    """Count a try of one network at one person's password or code; raises `too_many_requests` from the eleventh in ten minutes on.

    By network as well as by account, so that nobody locks anybody else out by trying.
    """
    if not limiter.limiter.hit(_TRIES, what, account_id, network_of(request)):
        raise refuse("too_many_requests", "This was tried very often from your network. Wait ten minutes and try again.")


def release_person(request: Request, account_id: str, what: str) -> None:
    """Forget the tries of a network at a person, because one of them was right: only wrong ones count."""
    limiter.limiter.clear(_TRIES, what, account_id, network_of(request))


def may_guess(account_id: str) -> bool:
    """Whether a six-digit code of the account is still looked at: not after a hundred wrong ones in a day, wherever they came from.

    Whoever gets that far knows the password. Recovery codes and passkeys, which nobody guesses, still work for the owner then.
    """
    return limiter.limiter.test(_TRIES_ANYWHERE, "guess", account_id)


def note_guess(account_id: str) -> None:
    """Count a wrong six-digit code."""
    limiter.limiter.hit(_TRIES_ANYWHERE, "guess", account_id)


PAGES = "240/minute"  # public pages
SIGN_IN = "20/minute"  # guesses at passwords
UPLOADS = "240/hour"  # forms that carry a file
MAILS = "30/hour"  # forms that send mail to an address that the visitor names

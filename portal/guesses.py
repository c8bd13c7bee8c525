"""Guesses at passwords: few at once, slower the longer they go on, and never at the cost of the owner.

Tries are counted by address and by where they come from. A network or browser from which the owner has signed in before has a count of
its own, so whatever others try elsewhere, the owner gets in from there (OWASP, "slow down online guessing with device cookies"). An
address that nobody has is counted in the same way, so that the answer tells nothing. Counts are shared by all processes.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from limits import parse
from sqlmodel import select
from starlette.requests import Request

from contracts.addresses import address
from contracts.errors import refuse
from contracts.ledger.stage import Entry, record
from contracts.people.tables import Account, SignInSession
from portal import cookies
from portal.deps import house_of, portal_of
from portal.limits import limiter, network_of

KNOWN = "licet_known"
KNOWN_SECONDS = 90 * 24 * 3600

# From one place at one address: five tries at once, then one in twelve seconds, in a minute, in three.
AT_ONE_PLACE = tuple(parse(each) for each in ("5/minute", "10/10 minutes", "20/hour"))
# At one address from all places that its owner never signed in from.
ELSEWHERE = parse("50/hour")
# Failures entered in the ledger one by one; more are held back by the counts above and not entered, so that a flood fills no disk.
ENTRIES_OF_ACCOUNT, ENTRIES_OF_NETWORK, ENTRIES_UNKNOWN = parse("30/hour"), parse("10/hour"), parse("200/hour")


def hold_guess(request: Request, email: str, account: Account | None) -> None:
    """Count a try at an address before the password is looked at; raises `too_many_requests`, also for the right password."""
    mine = _place(request, email, account)
    allowed = all(limiter.limiter.hit(rate, *mine) for rate in AT_ONE_PLACE)
    if allowed and mine[-1] == "unknown place":
        allowed = limiter.limiter.hit(ELSEWHERE, "sign-in", _kept(email), "elsewhere")
    if not allowed:
        note_failure(request, email, account, "too_many_requests")
        reason = "This was tried too often from here. Wait a few minutes and try again, or set a new password by mail."
        raise refuse("too_many_requests", reason)


def release_guess(request: Request, email: str, account: Account) -> None:
    """The password was right: forget the tries of this place, and let the browser be known from now on."""
    mine = _place(request, email, account)
    for rate in AT_ONE_PLACE:
        limiter.limiter.clear(rate, *mine)
    name = secrets.token_urlsafe(18)
    cookies.put(request, KNOWN, f"{name}.{_mark(request, account.id, name)}", KNOWN_SECONDS)


def note_failure(request: Request, email: str, account: Account | None, rule: str) -> None:
    """Enter a failed sign-in, as long as there are not too many; the address only as a commitment."""
    network = network_of(request)
    if account is not None:
        entered, personal = limiter.limiter.hit(ENTRIES_OF_ACCOUNT, "entry", account.id), {"account": account.id, "network": network}
    else:
        entered = limiter.limiter.hit(ENTRIES_OF_NETWORK, "entry", network) and limiter.limiter.hit(ENTRIES_UNKNOWN, "entry", "unknown")
        personal = {"email": address(email)[:254], "network": network}
    if entered:
        with house_of(request).store.write("sign-in") as unit:
            entry = Entry(event="account.signed_in", decision="refuse", rule=rule, subject=account.id if account else "", personal=personal)
            record(unit, entry)


def _place(request: Request, email: str, account: Account | None) -> tuple[str, ...]:
    """What the tries of this place at this address are counted under."""
    begin = ("sign-in", _kept(email))
    if account is not None:
        name, _, mark = cookies.get(request, KNOWN).partition(".")
        if name and hmac.compare_digest(mark.encode(), _mark(request, account.id, name).encode()):
            return (*begin, name, "known browser")
        if _signed_in_from(request, account.id):
            return (*begin, network_of(request), "known network")
    return (*begin, network_of(request), "unknown place")


def _signed_in_from(request: Request, account_id: str) -> bool:
    query = select(SignInSession.id).where(SignInSession.account_id == account_id, SignInSession.network == network_of(request))
    with house_of(request).store.read() as session:
        return session.exec(query.where(SignInSession.awaits_factor == False).limit(1)).first() is not None  # noqa: E712 - SQL, not Python


def _mark(request: Request, account_id: str, name: str) -> str:
    return portal_of(request).csrf.token(f"known browser|{account_id}|{name}")


def _kept(email: str) -> str:
    return hashlib.sha256(address(email).encode()).hexdigest()

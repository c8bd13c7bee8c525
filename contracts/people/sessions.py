"""Sign-in sessions: twelve hours in one browser, known by a cookie whose token is kept only as SHA-256.

The token is new at every sign-in and whenever the person proves themselves once more, so a cookie that someone else planted or saw
before is worth nothing after (session fixation; OWASP ASVS 5.0, 7.2.4).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Update, or_, update
from sqlmodel import Session, col

from contracts.errors import refuse
from contracts.ids import new_id, new_secret, secret_hash
from contracts.ledger.stage import Entry, record
from contracts.people.tables import Account, SignInSession
from contracts.store.unit import Unit

SESSION_LIFETIME = timedelta(hours=12)
TOUCH_EVERY = timedelta(minutes=5)


class Method(StrEnum):
    """How a person signed in."""

    PASSWORD = "password"
    PASSKEY = "passkey"
    INSTITUTION = "institution"


def open_session(
    unit: Unit, account_id: str, network: str, *, browser: str = "", method: Method = Method.PASSWORD, instead_of: str = ""
) -> str:
    """Sign a person in, whose proof the edge has verified; returns the cookie's token.

    `instead_of` is the token that the browser held before, whose session ends. Raises `sign_in_failed` where the address is not
    confirmed or the account is disabled.
    """
    account = unit.session.get(Account, account_id)
    if account is None or account.confirmed_at is None or account.disabled_at is not None:
        raise refuse("sign_in_failed", "Address and password do not belong together, or the address is not confirmed yet.")
    if instead_of:
        close_session(unit, instead_of)
    token = new_secret("ss")
    row = SignInSession(
        id=secret_hash(token),
        ref=new_id("ses"),
        account_id=account_id,
        created_at=unit.now,
        expires_at=unit.now + SESSION_LIFETIME,
        last_seen_at=unit.now,
        network=network,
        browser=browser,
        method=method.value,
    )
    unit.session.add(row)
    account.last_seen_at = unit.now
    record(unit, _entry("account.signed_in", account_id, network, method=method.value))
    return token


def close_session(unit: Unit, token: str) -> None:
    """Sign out; a session that has ended already stays as it is."""
    closed = _live(unit, token).values(ended_at=unit.now).returning(col(SignInSession.account_id))
    account_id = unit.connection.execute(closed).scalar()
    if account_id is not None:
        record(unit, _entry("account.signed_out", account_id))


def close_sessions_of(unit: Unit, account_id: str, but: str = "") -> int:
    """Sign a person out everywhere, except where the token `but` is held; returns how many sessions ended."""
    mine = update(SignInSession).where(col(SignInSession.account_id) == account_id, col(SignInSession.ended_at).is_(None))
    if but:
        mine = mine.where(col(SignInSession.id) != secret_hash(but))
    return int(unit.connection.execute(mine.where(col(SignInSession.expires_at) > unit.now).values(ended_at=unit.now)).rowcount)


def reauthenticate(unit: Unit, token: str) -> str:
    """Note that the person proved themselves once more just now, which the edge has verified; returns the session's new token.

    The old token is worth nothing from now on. Raises `sign_in_required` where the session has ended.
    """
    fresh = new_secret("ss")
    noted = _live(unit, token).values(id=secret_hash(fresh), reauthenticated_at=unit.now).returning(col(SignInSession.account_id))
    account_id = unit.connection.execute(noted).scalar()
    if account_id is None:
        raise refuse("sign_in_required", "Your session has ended; sign in again.")
    record(unit, _entry("account.reauthenticated", account_id))
    return fresh


def needs_touch(session: Session, token: str, now: datetime) -> bool:
    """Whether the last visit of this session was noted more than five minutes ago."""
    row = session.get(SignInSession, secret_hash(token))
    return row is not None and row.last_seen_at <= now - TOUCH_EVERY


def touch(unit: Unit, token: str) -> None:
    """Note that the person was here, at most every five minutes; not recorded in the ledger."""
    noted = _live(unit, token).where(col(SignInSession.last_seen_at) <= unit.now - TOUCH_EVERY).values(last_seen_at=unit.now)
    account_id = unit.connection.execute(noted.returning(col(SignInSession.account_id))).scalar()
    before = col(Account.last_seen_at)
    stale = update(Account).where(col(Account.id) == account_id, or_(before.is_(None), before <= unit.now - TOUCH_EVERY))
    unit.connection.execute(stale.values(last_seen_at=unit.now))


def _live(unit: Unit, token: str) -> Update:
    mine = update(SignInSession).where(col(SignInSession.id) == secret_hash(token))
    return mine.where(col(SignInSession.ended_at).is_(None), col(SignInSession.expires_at) > unit.now)


def _entry(event: str, account_id: str, network: str = "", **facts: str) -> Entry:
    personal = {"account": account_id, "network": network} if network else {"account": account_id}
    return Entry(event=event, subject=account_id, facts=facts, personal=personal)

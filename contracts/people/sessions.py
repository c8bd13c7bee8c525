"""Sign-in sessions: twelve hours in one browser, known by a cookie whose token is kept only as SHA-256."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Update, or_, update
from sqlmodel import col

from contracts.errors import refuse
from contracts.ids import new_secret, secret_hash
from contracts.ledger.stage import Entry, record
from contracts.people.tables import Account, SignInSession
from contracts.store.unit import Unit

SESSION_LIFETIME = timedelta(hours=12)
TOUCH_EVERY = timedelta(minutes=5)


def open_session(unit: Unit, account_id: str, network: str) -> str:
    """Sign a person in, whose password the edge has verified; returns the cookie's token.

    Raises `sign_in_failed` where the address is not confirmed or the account is disabled.
    """
    account = unit.session.get(Account, account_id)
    if account is None or account.confirmed_at is None or account.disabled_at is not None:
        raise refuse("sign_in_failed", "Address and password do not belong together, or the address is not confirmed yet.")
    token = new_secret("ss")
    ends = unit.now + SESSION_LIFETIME
    unit.session.add(SignInSession(id=secret_hash(token), account_id=account_id, created_at=unit.now, expires_at=ends))
    account.last_seen_at = unit.now
    record(unit, _entry("account.signed_in", account_id, network))
    return token


def close_session(unit: Unit, token: str) -> None:
    """Sign out; a session that has ended already stays as it is."""
    closed = _live(unit, token).values(ended_at=unit.now).returning(col(SignInSession.account_id))
    account_id = unit.connection.execute(closed).scalar()
    if account_id is not None:
        record(unit, _entry("account.signed_out", account_id))


def close_sessions_of(unit: Unit, account_id: str) -> None:
    """Sign a person out everywhere."""
    mine = update(SignInSession).where(col(SignInSession.account_id) == account_id, col(SignInSession.ended_at).is_(None))
    unit.connection.execute(mine.values(ended_at=unit.now))


def reauthenticate(unit: Unit, token: str) -> None:
    """Note that the person gave the password once more just now, which the edge has verified.

    Raises `sign_in_required` where the session has ended.
    """
    noted = _live(unit, token).values(reauthenticated_at=unit.now).returning(col(SignInSession.account_id))
    account_id = unit.connection.execute(noted).scalar()
    if account_id is None:
        raise refuse("sign_in_required", "Your session has ended; sign in again.")
    record(unit, _entry("account.reauthenticated", account_id))


def touch(unit: Unit, account_id: str) -> None:
    """Note that the person was here, at most every five minutes; not recorded in the ledger."""
    before = col(Account.last_seen_at)
    stale = update(Account).where(col(Account.id) == account_id, or_(before.is_(None), before <= unit.now - TOUCH_EVERY))
    unit.connection.execute(stale.values(last_seen_at=unit.now))


def _live(unit: Unit, token: str) -> Update:
    mine = update(SignInSession).where(col(SignInSession.id) == secret_hash(token))
    return mine.where(col(SignInSession.ended_at).is_(None), col(SignInSession.expires_at) > unit.now)


def _entry(event: str, account_id: str, network: str = "") -> Entry:
    personal = {"account": account_id, "network": network} if network else {"account": account_id}
    return Entry(event=event, subject=account_id, personal=personal)

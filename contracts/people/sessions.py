"""Sign-in sessions: twelve hours in one browser, known by a cookie whose token is kept only as SHA-256.

The token is new at every sign-in and whenever the person proves themselves once more, so a cookie that someone else planted or saw
before is worth nothing after (session fixation; OWASP ASVS 5.0, 7.2.4). Whoever has a second factor gets a waiting session for the
password: it opens no page and lasts ten minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Update, or_, update
from sqlmodel import Session, col

from contracts.errors import refuse
from contracts.ids import new_id, new_secret, secret_hash
from contracts.ledger.stage import Entry, record
from contracts.people.factors import has_factor
from contracts.people.tables import Account, SignInSession
from contracts.store.unit import Unit

SESSION_LIFETIME = timedelta(hours=12)
WAITING_LIFETIME = timedelta(minutes=10)
TOUCH_EVERY = timedelta(minutes=5)


class Method(StrEnum):
    """How a person signed in."""

    PASSWORD = "password"
    PASSKEY = "passkey"
    INSTITUTION = "institution"


def open_session(
    unit: Unit,
    account_id: str,
    network: str,
    *,
    browser: str = "",
    method: Method = Method.PASSWORD,
    instead_of: str = "",
    second_factor: bool = False,
) -> str:
    """Sign a person in, whose proof the edge has verified; returns the cookie's token.

    Where the person has a second factor and none was given, the session waits for it (`complete_session`). The proof counts as given
    just now. `instead_of` is the token that the browser held before, whose session ends. Raises `sign_in_failed` where the address is
    not confirmed or the account is disabled.
    """
    account = unit.session.get(Account, account_id)
    if account is None or account.confirmed_at is None or account.disabled_at is not None:
        raise refuse("sign_in_failed", "Address and password do not belong together, or the address is not confirmed yet.")
    if instead_of:
        close_session(unit, instead_of)
    token, waits = new_secret("ss"), not second_factor and has_factor(unit.session, account_id)
    row = SignInSession(
        id=secret_hash(token),
        ref=new_id("ses"),
        account_id=account_id,
        created_at=unit.now,
        expires_at=unit.now + (WAITING_LIFETIME if waits else SESSION_LIFETIME),
        last_seen_at=unit.now,
        network=network,
        browser=browser,
        method=method.value,
        reauthenticated_at=unit.now,
        second_factor_at=unit.now if second_factor else None,
        awaits_factor=waits,
    )
    unit.session.add(row)
    account.last_seen_at = account.last_seen_at if waits else unit.now
    record(unit, _entry("account.password_given" if waits else "account.signed_in", account_id, network, method=method.value))
    return token


def waiting_account(session: Session, token: str, now: datetime) -> str | None:
    """The account whose password was given in this waiting session; None where the session is none."""
    row = session.get(SignInSession, secret_hash(token)) if token else None
    if row is None or not row.awaits_factor or row.ended_at is not None or row.expires_at <= now:
        return None
    return row.account_id


def complete_session(unit: Unit, token: str, network: str) -> str:
    """The second factor was given just now: the waiting session opens, under a new token. Of several at once one succeeds.

    Raises `sign_in_required` where the session does not wait any more.
    """
    opened: dict[str, datetime | bool] = {"expires_at": unit.now + SESSION_LIFETIME, "second_factor_at": unit.now, "awaits_factor": False}
    fresh, account_id = _renewed(unit, token, waiting=True, values=opened)
    unit.connection.execute(update(Account).where(col(Account.id) == account_id).values(last_seen_at=unit.now))
    record(unit, _entry("account.signed_in", account_id, network, method=Method.PASSWORD.value))
    return fresh


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
    fresh, account_id = _renewed(unit, token, waiting=False, values={"reauthenticated_at": unit.now})
    record(unit, _entry("account.reauthenticated", account_id))
    return fresh


def give_second_factor(unit: Unit, token: str) -> str:
    """Note that a second factor was given in this session just now, which has its entry already; returns the session's new token.

    Raises `sign_in_required` where the session has ended.
    """
    return _renewed(unit, token, waiting=False, values={"second_factor_at": unit.now})[0]


def use_new_factor(unit: Unit, token: str, account_id: str) -> str:
    """A factor was set up in this session, which has thereby given it; sessions elsewhere were opened without it and end."""
    close_sessions_of(unit, account_id, but=token)
    return give_second_factor(unit, token)


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


def _renewed(unit: Unit, token: str, *, waiting: bool, values: dict[str, datetime | bool]) -> tuple[str, str]:
    fresh = new_secret("ss")
    mine = _live(unit, token).where(col(SignInSession.awaits_factor).is_(waiting))
    changed = mine.values({"id": secret_hash(fresh), **values}).returning(col(SignInSession.account_id))
    account_id = unit.connection.execute(changed).scalar()
    if account_id is None:
        raise refuse("sign_in_required", "Your session has ended, or the sign-in took too long; sign in again.")
    return fresh, str(account_id)


def _live(unit: Unit, token: str) -> Update:
    mine = update(SignInSession).where(col(SignInSession.id) == secret_hash(token))
    return mine.where(col(SignInSession.ended_at).is_(None), col(SignInSession.expires_at) > unit.now)


def _entry(event: str, account_id: str, network: str = "", **facts: str) -> Entry:
    personal = {"account": account_id, "network": network} if network else {"account": account_id}
    return Entry(event=event, subject=account_id, facts=facts, personal=personal)

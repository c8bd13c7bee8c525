"""A person's own sessions: where they are signed in, and ending them from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from contracts.errors import refuse
from contracts.ids import secret_hash
from contracts.ledger.stage import Entry, record
from contracts.people.actor import Actor
from contracts.people.sessions import Method, close_sessions_of
from contracts.people.tables import SignInSession
from contracts.store.unit import Unit


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A browser in which the person is signed in; `is_this` marks the one that asks."""

    ref: str
    started_at: datetime
    last_seen_at: datetime
    network: str
    browser: str
    method: Method
    is_this: bool


def sessions_of(session: Session, account_id: str, token: str, now: datetime) -> list[SessionRow]:
    """The person's sessions that still run: this one first, then by the last visit."""
    query = select(SignInSession).where(SignInSession.account_id == account_id, col(SignInSession.ended_at).is_(None))
    rows = session.exec(query.where(SignInSession.expires_at > now, col(SignInSession.awaits_factor).is_(False))).all()
    shown = [
        SessionRow(each.ref, each.created_at, each.last_seen_at, each.network, each.browser, Method(each.method), _is(each, token))
        for each in rows
    ]
    return sorted(shown, key=lambda row: (row.is_this, row.last_seen_at, row.ref), reverse=True)


def end_session(unit: Unit, actor: Actor, ref: str) -> None:
    """End one of the person's own sessions at once; `not_found` for one that is not theirs or has ended."""
    mine = update(SignInSession).where(col(SignInSession.ref) == ref, col(SignInSession.account_id) == actor.account_id)
    live = mine.where(col(SignInSession.ended_at).is_(None), col(SignInSession.expires_at) > unit.now)
    if unit.connection.execute(live.values(ended_at=unit.now)).rowcount != 1:
        raise refuse("not_found", "This session has ended already, or it is not yours.")
    _record(unit, actor, 1)


def end_other_sessions(unit: Unit, actor: Actor, token: str) -> int:
    """Sign the person out everywhere but in this browser; returns how many sessions ended."""
    ended = close_sessions_of(unit, actor.account_id, but=token)
    if ended:
        _record(unit, actor, ended)
    return ended


def _is(row: SignInSession, token: str) -> bool:
    return row.id == secret_hash(token)


def _record(unit: Unit, actor: Actor, ended: int) -> None:
    facts = {"sessions": ended}
    record(unit, Entry(event="account.sessions_ended", subject=actor.account_id, facts=facts, personal=actor.personal()))

"""Bans in the store: set with a reason and an end, lifted, listed, and read by every process under the epoch `gate`."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_network

from sqlalchemy import ColumnElement, delete, func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from contracts.clock import rfc3339
from contracts.errors import refuse
from contracts.gate.bans import Ban, Bans, target_of
from contracts.gate.rule_tables import GateBan
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.people.actor import SYSTEM, Actor
from contracts.people.roles import Role
from contracts.store.epochs import bump
from contracts.store.unit import Unit

LENGTHS: dict[str, timedelta] = {
    "an hour": timedelta(hours=1),
    "a day": timedelta(days=1),
    "a week": timedelta(days=7),
    "30 days": timedelta(days=30),
    "90 days": timedelta(days=90),
}
KEPT = timedelta(days=30)
MOST_REASON = 500
# Units of several processes become durable in another order than they began; news is looked for from this much before the last.
OVERLAP = timedelta(minutes=5)


def ban(unit: Unit, actor: Actor, typed: str, length: timedelta, reason: str) -> GateBan:
    """Ban a network or an identity from now; one that is banned already gets the new end and reason.

    For operators, and for rules of the gate as `SYSTEM`. Raises `invalid_input`, naming the field, for what is no target, no length
    or no reason.
    """
    if actor is not SYSTEM:
        actor.require(Role.OPERATOR)
    row = _row(unit, _checked(typed, length, reason))
    row.id, row.reason, row.ends_at = new_id("ban"), reason.strip(), unit.now + length
    row.set_by, row.set_at, row.lifted_at = None if actor is SYSTEM else actor.account_id, unit.now, None
    _keep(unit, actor, row, "gate.banned", until=rfc3339(row.ends_at))
    return row


def lift(unit: Unit, actor: Actor, typed: str) -> GateBan:
    """End a ban before its time, however its target is spelled; `not_found` where none holds. For operators."""
    actor.require(Role.OPERATOR)
    try:
        row = unit.session.get(GateBan, target_of(typed), with_for_update=True)
    except ValueError:
        row = None
    if row is None or row.lifted_at is not None or row.ends_at <= unit.now:
        raise refuse("not_found", "No such ban holds. It may have ended, or somebody lifted it.")
    row.lifted_at = unit.now
    _keep(unit, actor, row, "gate.ban_lifted")
    return row


def listed(session: Session, now: datetime, limit: int = 100) -> list[GateBan]:
    """Bans that hold, the latest set first."""
    return list(session.exec(select(GateBan).where(*_holds(now)).order_by(col(GateBan.set_at).desc(), col(GateBan.id)).limit(limit)).all())


def of_visitor(session: Session, now: datetime, identity: str, network: str) -> list[GateBan]:
    """Bans that hold of a visitor, of its network (/24, /48) and of networks around that, the latest set first."""
    around = ip_network(network) if network else None
    networks = [] if around is None else [str(around.supernet(new_prefix=bits)) for bits in range(around.prefixlen + 1)]
    wanted = select(GateBan).where(*_holds(now), col(GateBan.target).in_([identity, *networks]))
    return list(session.exec(wanted.order_by(col(GateBan.set_at).desc(), col(GateBan.id))).all())


def count(session: Session, now: datetime) -> int:
    """How many bans hold."""
    return session.exec(select(func.count()).select_from(GateBan).where(*_holds(now))).one()


def read(session: Session, bans: Bans, now: datetime, since: datetime | None) -> datetime | None:
    """Bring bans in memory up to date and return what to hand over as `since` the next time; everything is read where it is None."""
    asked = select_columns(col(GateBan.target), col(GateBan.ends_at), col(GateBan.lifted_at), col(GateBan.changed_at))
    asked = asked.where(*_holds(now)) if since is None else asked.where(col(GateBan.changed_at) >= since - OVERLAP)
    for target, ends_at, lifted_at, changed_at in session.connection().execute(asked):
        if lifted_at is None and ends_at > now:
            bans.put(Ban(target, ends_at.timestamp()))
        else:
            bans.remove(target)
        since = changed_at if since is None else max(since, changed_at)
    return since


def prune(unit: Unit) -> int:
    """Delete bans that ended more than 30 days ago; returns how many."""
    return int(unit.connection.execute(delete(GateBan).where(col(GateBan.ends_at) < unit.now - KEPT)).rowcount)


def _holds(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return col(GateBan.ends_at) > now, col(GateBan.lifted_at).is_(None)


def _checked(typed: str, length: timedelta, reason: str) -> str:
    """The target in its one spelling."""
    wrong, target = {}, ""
    try:
        target = target_of(typed)
    except ValueError as problem:
        wrong["target"] = str(problem)
    if not timedelta() < length <= max(LENGTHS.values()):
        wrong["length"] = "Choose how long; 90 days at most."
    if not reason.strip() or len(reason) > MOST_REASON or "\0" in reason:
        wrong["reason"] = f"Say why, in at most {MOST_REASON} characters. The ledger keeps it."
    if wrong:
        raise refuse("invalid_input", "Mend the fields that are named and send the form again.", fields=wrong)
    return target


def _row(unit: Unit, target: str) -> GateBan:
    row = unit.session.get(GateBan, target, with_for_update=True)
    if row is None:
        row = GateBan(target=target, id="", reason="", ends_at=unit.now, set_at=unit.now, changed_at=unit.now)
    return row


def _keep(unit: Unit, actor: Actor, row: GateBan, event: str, **facts: str) -> None:
    row.changed_at = unit.now
    unit.session.add(row)
    bump(unit, "gate")
    personal = actor.personal() if actor is not SYSTEM else {}
    personal = {**personal, "target": row.target, "reason": row.reason}
    record(unit, Entry(event=event, subject=row.id, organisation=actor.organisation_id, facts=facts, personal=personal))

"""Record quotas: exact per contract and day, and over a contract's period, which is the sum of its days.

Moved only in the transaction that writes the answers' entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from contracts.quotas.tables import QuotaDay
from contracts.store.unit import Unit

Account = tuple[str, date]

# Built once: building a statement costs more than running it.
_ROW = (col(QuotaDay.contract_id) == bindparam("of_contract"), col(QuotaDay.day) == bindparam("on_day"))
_LOCK = select(col(QuotaDay.used)).where(*_ROW).with_for_update()
_MOVE = update(QuotaDay).where(*_ROW, col(QuotaDay.used) == bindparam("seen")).values(used=bindparam("now_used"))
_SINCE = select(func.coalesce(func.sum(col(QuotaDay.used)), 0)).where(_ROW[0], col(QuotaDay.day) >= bindparam("on_day"))
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:of_contract, 22))")


@lru_cache(maxsize=32)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def day_of(now: datetime, zone: str) -> date:
    """The quota day of a moment: the date in the platform's time zone."""
    return now.astimezone(_zone(zone)).date()


def begins_at(day: date, zone: str) -> datetime:
    """When a day begins in the platform's time zone, in UTC."""
    return datetime.combine(day, time(), _zone(zone)).astimezone(UTC)


def resets_at(day: date, zone: str) -> datetime:
    """When the day's quota frees: the next midnight in the platform's time zone, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), _zone(zone)).astimezone(UTC)


def used_on(session: Session, contract_id: str, day: date) -> int:
    """Records that left under the contract on the day."""
    row = session.get(QuotaDay, (contract_id, day))
    return 0 if row is None else row.used


def used_since(connection: Connection, contract_id: str, day: date) -> int:
    """Records that left under the contract on the day or after it."""
    return int(connection.execute(_SINCE, {"of_contract": contract_id, "on_day": day}).scalar_one())


def alone(unit: Unit, contracts: Iterable[str]) -> None:
    """Wait until no other unit counts any of these contracts over more than one day, and keep others from it until the end.

    Days are rows of their own, so units on both sides of midnight would not meet at one. SQLite has one writer at a time anyway.
    """
    if unit.connection.dialect.name == "postgresql":
        for contract_id in sorted(set(contracts)):
            unit.connection.execute(_ALONE, {"of_contract": contract_id})


def locked(unit: Unit, accounts: Iterable[Account]) -> dict[Account, int]:
    """What is used of each account, its row locked (made where it is missing) until the end of the unit.

    Locks in one order, so that two processes never wait for each other.
    """
    return {account: _locked(unit.connection, *account) for account in sorted(set(accounts))}


def settle(unit: Unit, before: Mapping[Account, int], after: Mapping[Account, int]) -> None:
    """Write what is used now. Each row moves only from the value that was locked; anything else is an error of the house."""
    for account, used in after.items():
        if used == before[account]:
            continue
        contract_id, day = account
        values = {"of_contract": contract_id, "on_day": day, "seen": before[account], "now_used": used}
        moved = unit.connection.execute(_MOVE, values)
        if moved.rowcount != 1:
            raise RuntimeError(f"quota of {contract_id} on {day} moved under its lock")


def _locked(connection: Connection, contract_id: str, day: date) -> int:
    account = {"of_contract": contract_id, "on_day": day}
    used = connection.execute(_LOCK, account).scalar()
    if used is None:
        _make(connection, contract_id, day)
        used = connection.execute(_LOCK, account).scalar_one()
    return int(used)


def _make(connection: Connection, contract_id: str, day: date) -> None:
    values = {"contract_id": contract_id, "day": day, "used": 0}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    # Another process may make the row at the same moment; then this waits for it and takes it as it is.
    connection.execute(dialect.insert(QuotaDay).values(**values).on_conflict_do_nothing())

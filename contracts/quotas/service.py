"""Quotas of records and their bytes: exact per contract and day, and over a contract's period, which is the sum of its days.

Moved only in the transaction that writes the entries of answers, or of fetches of the site.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from contracts.quotas.tables import QuotaDay
from contracts.store.driver import Ready
from contracts.store.unit import Unit

Account = tuple[str, date]


class Used(NamedTuple):
    """What left: records, and their bytes."""

    records: int = 0
    bytes: int = 0

    def plus(self, records: int, size: int) -> Used:
        """With more."""
        return Used(self.records + records, self.bytes + size)


# Built once: building a statement costs more than running it.
_ROW = (col(QuotaDay.contract_id) == bindparam("of_contract"), col(QuotaDay.day) == bindparam("on_day"))
_COLUMNS = (col(QuotaDay.used), col(QuotaDay.bytes))
_LOCK = Ready(select(*_COLUMNS).where(*_ROW).with_for_update(), "of_contract", "on_day")
_SEEN = (_COLUMNS[0] == bindparam("seen"), _COLUMNS[1] == bindparam("seen_bytes"))
_MOVE = Ready(
    update(QuotaDay).where(*_ROW, *_SEEN).values(used=bindparam("now_used"), bytes=bindparam("now_bytes")),
    *("of_contract", "on_day", "seen", "seen_bytes", "now_used", "now_bytes"),
)
_SINCE = select(*(func.coalesce(func.sum(each), 0) for each in _COLUMNS)).where(_ROW[0], col(QuotaDay.day) >= bindparam("on_day"))
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


def used_on(session: Session, contract_id: str, day: date) -> Used:
    """What left under the contract on the day."""
    row = session.get(QuotaDay, (contract_id, day))
    return Used() if row is None else Used(row.used, row.bytes)


def used_since(connection: Connection, contract_id: str, day: date) -> Used:
    """What left under the contract on the day or after it."""
    found = connection.execute(_SINCE, {"of_contract": contract_id, "on_day": day}).one()
    return Used(int(found[0]), int(found[1]))


def alone(unit: Unit, contracts: Iterable[str]) -> None:
    """Wait until no other unit counts any of these contracts over more than one day, and keep others from it until the end.

    Days are rows of their own, so units on both sides of midnight would not meet at one. SQLite has one writer at a time anyway.
    """
    if unit.connection.dialect.name == "postgresql":
        for contract_id in sorted(set(contracts)):
            unit.connection.execute(_ALONE, {"of_contract": contract_id})


def locked(unit: Unit, accounts: Iterable[Account]) -> dict[Account, Used]:
    """What is used of each account, its row locked (made where it is missing) until the end of the unit.

    Locks in one order, so that two processes never wait for each other.
    """
    return {account: _locked(unit.connection, *account) for account in sorted(set(accounts))}


def settle(unit: Unit, before: Mapping[Account, Used], after: Mapping[Account, Used]) -> None:
    """Write what is used now. Each row moves only from the value that was locked; anything else is an error of the house."""
    for account, used in after.items():
        if used == before[account]:
            continue
        contract_id, day = account
        if _MOVE.run(unit.connection, contract_id, day, *before[account], *used).rowcount != 1:
            raise RuntimeError(f"quota of {contract_id} on {day} moved under its lock")


def _locked(connection: Connection, contract_id: str, day: date) -> Used:
    found = _LOCK.run(connection, contract_id, day).fetchone()
    if found is None:
        _make(connection, contract_id, day)
        found = _LOCK.run(connection, contract_id, day).fetchone()
    return Used(*found)


def _make(connection: Connection, contract_id: str, day: date) -> None:
    values = {"contract_id": contract_id, "day": day, "used": 0, "bytes": 0}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    # Another process may make the row at the same moment; then this waits for it and takes it as it is.
    connection.execute(dialect.insert(QuotaDay).values(**values).on_conflict_do_nothing())

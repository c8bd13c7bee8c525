"""What a contract's reading costs, exactly, from the same rows that are billed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import func
from sqlmodel import Session, col, select

from contracts.billing.tables import UsageRow

_THOUSAND = Decimal(1000)
# Currencies without a minor unit (ISO 4217 exponent 0); every other one that we know is written with two digits.
_WHOLE = frozenset({"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"})


@dataclass(frozen=True, slots=True)
class DayCost:
    """Records of one quota day in one currency, and what they cost: exact, not rounded to the currency's unit."""

    day: date
    rows: int
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Cost:
    """Records and what they cost, exact, in one currency."""

    rows: int
    amount: Decimal
    currency: str


def costs_by_day(session: Session, contract_id: str, since: date | None = None, until: date | None = None) -> list[DayCost]:
    """Each day with records, oldest first, `since` and `until` included. Each row counts at the price that held when it was read."""
    query = (
        select(col(UsageRow.day), col(UsageRow.currency), col(UsageRow.price_per_1000), func.sum(UsageRow.rows))
        .where(UsageRow.contract_id == contract_id)
        .group_by(col(UsageRow.day), col(UsageRow.currency), col(UsageRow.price_per_1000))
    )
    if since is not None:
        query = query.where(UsageRow.day >= since)
    if until is not None:
        query = query.where(UsageRow.day <= until)
    found: dict[tuple[date, str], Cost] = {}
    for day, currency, price, rows in session.exec(query).all():
        found[day, currency] = _plus(found.get((day, currency)), _cost(int(rows), price, currency))
    return [DayCost(day, cost.rows, cost.amount, currency) for (day, currency), cost in sorted(found.items())]


def cost_of_contract(session: Session, contract_id: str) -> list[Cost]:
    """Everything that the contract has cost: one line for each currency that it was ever priced in, none where nothing was billed."""
    return total(costs_by_day(session, contract_id))


def cost_of_entry(session: Session, entry_id: str) -> Cost | None:
    """What the records that left with one ledger entry cost; None where they cost nothing."""
    row = session.exec(select(UsageRow).where(UsageRow.entry_id == entry_id)).first()
    return _cost(row.rows, row.price_per_1000, row.currency) if row else None


def total(days: Iterable[DayCost]) -> list[Cost]:
    """Days added up by currency, in the alphabet's order."""
    sums: dict[str, Cost] = {}
    for day in days:
        sums[day.currency] = _plus(sums.get(day.currency), Cost(day.rows, day.amount, day.currency))
    return [sums[currency] for currency in sorted(sums)]


def money(amount: Decimal, currency: str) -> str:
    """The amount as pages write it: `EUR 1,234.50`; what is smaller than the currency's unit keeps its digits (`EUR 0.0404`)."""
    digits = 0 if currency in _WHOLE else 2
    exact = -int(amount.normalize().as_tuple().exponent)
    return f"{currency} {amount:,.{max(digits, exact)}f}"


def _cost(rows: int, price_per_1000: str, currency: str) -> Cost:
    return Cost(rows, rows * Decimal(price_per_1000) / _THOUSAND, currency)


def _plus(one: Cost | None, other: Cost) -> Cost:
    return other if one is None else Cost(one.rows + other.rows, one.amount + other.amount, one.currency)

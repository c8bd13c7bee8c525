"""How an estimate is told: rounded up, and small ones alike, so that it says nothing of single records, hidden or absent."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal

from contracts.terms.model import Price

LEAST = 100


def rounded(number: int) -> int:
    """The number rounded up to two significant digits, and never below a hundred."""
    unit = int(10 ** max(1, len(str(number)) - 2))
    return max(LEAST, -(-number // unit) * unit)


def days_of(rows: int, cap: int) -> int:
    """How many days' quotas the records take."""
    return -(-rows // cap)


def cost(rows: int, price: Price) -> str:
    """What the records cost, to the hundredth of the currency, rounded up."""
    return str((price.amount * rows / 1_000).quantize(Decimal("0.01"), ROUND_UP))

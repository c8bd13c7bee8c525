"""Noise: by how much a number that is told is moved. Fixed for a contract and a set of records, so that asking again teaches nothing.

The move of a count is a whole number from -n to n, each as likely, taken from HMAC-SHA-256 (RFC 2104) under a key of the contract
over what is counted and a digest of the very records. The same records have the same move in every table, under every name; one
record more or less has another. A sum is moved in the same way by at most n times the width of its bounds, which is the most that n
records can add.
"""

from __future__ import annotations

import hmac

from contracts.aggregates.plan import Clamped, Measure

# Moves of a sum go by thousandths of the width of its bounds.
STEPS = 1_000


def key_from(pseudonym_key: bytes) -> bytes:
    """The key of a contract's noise, made from that of its pseudonyms."""
    return hmac.new(pseudonym_key, b"licet/aggregates/noise", "sha256").digest()


def move(key: bytes, what: str, digest: str, most: int) -> int:
    """A whole number from -most to most."""
    drawn = hmac.new(key, f"{what}\0{digest}".encode(), "sha256").digest()
    return int.from_bytes(drawn[:16]) % (2 * most + 1) - most


def count(key: bytes, what: str, exact: int, digest: str, most: int) -> int:
    """A count as it is told, never below nothing."""
    return max(0, exact + move(key, what, digest, most))


def total(key: bytes, clamped: Clamped, measure: Measure, most: int) -> int | float:
    """A sum as it is told; the exact one is part of what the move is taken from, because values change while records stay."""
    what = f"sum:{clamped.column.name}:{measure.value!r}"
    moved = measure.value + move(key, what, measure.digest, most * STEPS) / STEPS * (clamped.most - clamped.least)
    return round(moved) if clamped.column.type == "integer" else round(moved, 3)

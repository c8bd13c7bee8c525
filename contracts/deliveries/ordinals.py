"""Sets of ordinals as roaring bitmaps: the one file that touches pyroaring."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pyroaring import BitMap

Ordinals = BitMap

PART_BITS = 16
"""Sets that grow are kept in parts of 65,536 ordinals, so that a page touches few of them."""


def pack(ordinals: Iterable[int]) -> bytes:
    """The set in the portable roaring format, runs compressed."""
    packed = BitMap(ordinals)
    packed.run_optimize()
    return bytes(packed.serialize())


def unpack(packed: bytes) -> BitMap:
    """The set that `pack` wrote."""
    return BitMap.deserialize(packed)


def fingerprint(packed: bytes) -> str:
    """SHA-256 of a packed set in hex, which a ledger entry holds as `records_hash`."""
    return hashlib.sha256(packed).hexdigest()


def parts_of(ordinals: BitMap) -> list[int]:
    """The parts that the ordinals lie in, found by steps from one part to the next."""
    found: list[int] = []
    rank = 0
    while rank < len(ordinals):
        found.append(ordinals[rank] >> PART_BITS)
        rank = ordinals.rank(((found[-1] + 1) << PART_BITS) - 1)
    return found


def within(ordinals: BitMap, part: int) -> BitMap:
    """Those of the ordinals that lie in a part."""
    return ordinals & BitMap(range(part << PART_BITS, (part + 1) << PART_BITS))

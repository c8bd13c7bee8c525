"""Sets of ordinals as roaring bitmaps: the one file that touches pyroaring."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pyroaring import BitMap

Ordinals = BitMap


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

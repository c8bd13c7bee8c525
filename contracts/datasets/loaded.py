"""What a refresh says of a version that is not current yet."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.deliveries.ordinals import Ordinals

SMALL = 300
"""Fields of at most so many values may say which rows are counted as withheld: too little to name anyone."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a version holds, before it is current. `gone` were served by the version before and are no longer."""

    version: str
    records: int
    deleted: int
    objecting: int
    ordinals: int
    source_sha256: str
    gone: Ordinals

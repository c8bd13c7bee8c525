"""What search does not know yet: it follows the tree by a moment, and whoever must miss nothing reads the rest in the leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from contracts.ledger.projection import UNREADABLE, read_leaf
from contracts.ledger.tables import LedgerEntry, LedgerHead
from contracts.search.follow import FIRST

# Built once: building a statement costs more than running it.
_NUMBER = col(LedgerEntry.index)
_SIZE = select(func.coalesce(func.max(col(LedgerHead.size)), 0))
_OLDEST = select(LedgerEntry).where(FIRST <= _NUMBER).order_by(_NUMBER).limit(1)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far search is behind the tree: entries, and since when the oldest of them waits."""

    entries: int
    since: datetime | None


def unsearched(session: Session, at_most: int | None = None) -> Sequence[LedgerEntry]:
    """Entries that search does not know yet, newest first: those that wait for the tree, and those just taken in."""
    query = select(LedgerEntry).where(FIRST <= _NUMBER).order_by(_NUMBER.desc()).limit(at_most)
    return session.execute(query).scalars().all()


def lag(session: Session) -> Lag:
    """How far the tree is ahead of what search knows."""
    size: int = session.execute(_SIZE).scalar_one()
    oldest = session.execute(_OLDEST).scalar()
    if oldest is None or oldest.index >= size:
        return Lag(0, None)
    try:
        return Lag(size - oldest.index, datetime.fromisoformat(read_leaf(oldest.leaf)["at"]))
    except UNREADABLE:
        return Lag(size - oldest.index, None)

"""Deliveries in the order of the ledger, and how far they are folded.

Every delivery is committed with its entry, so the ledger's order is theirs, and it has no gaps. Whoever reads the folded sets and
what arrived since misses nothing and may meet a delivery twice, which changes no set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, select
from sqlmodel import Session, col

from contracts.credentials.tables import Followed
from contracts.deliveries.tables import Delivery
from contracts.ledger.tables import LedgerEntry, LedgerHead

FOLDED, REBUILDS = "deliveries", "deliveries rebuilt"
REBUILDING = -1
"""Stands as the place of the fold while a rebuild takes it away."""


class Arrived(NamedTuple):
    """One delivery, its set packed."""

    entry_id: str
    contract_id: str
    dataset: str
    at: datetime
    packed: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """How far deliveries are folded: the index of the first entry that is not, and how often the fold was made anew."""

    next: int = 0
    rebuilds: int = 0

    @property
    def is_rebuilding(self) -> bool:
        """Whether a rebuild has taken the fold away and not begun it again."""
        return self.next == REBUILDING

    @property
    def known(self) -> int:
        """Deliveries of entries from this index on have to be read one by one."""
        return max(0, self.next)


def place(session: Session) -> Place:
    """Where the fold stands."""
    query = select(col(Followed.name), col(Followed.next)).where(col(Followed.name).in_([FOLDED, REBUILDS]))
    found = dict(session.execute(query).all())
    return Place(found.get(FOLDED, 0), found.get(REBUILDS, 0))


def head(session: Session) -> int:
    """How many entries the tree has: the index of the next one."""
    return session.execute(select(col(LedgerHead.size))).scalar() or 0


def integrated(session: Session, start: int, end: int | None = None) -> Iterator[Arrived]:
    """The deliveries of entries in the tree from one index on, up to before another."""
    number = col(LedgerEntry.index)
    entries = select(col(LedgerEntry.id)).where(number >= start)
    return _of(session, entries if end is None else entries.where(number < end))


def arrived(session: Session, start: int) -> list[Arrived]:
    """The deliveries of every entry that is not before an index of the tree, each once."""
    return list(integrated(session, start))


def _of(session: Session, entries: Select[str]) -> Iterator[Arrived]:
    row = Delivery
    # No other condition, so that the database looks deliveries up by their entries whatever it knows of its tables.
    query = select(col(row.entry_id), col(row.contract_id), col(row.dataset), col(row.at), col(row.ordinals))
    rows = session.execute(query.where(col(row.entry_id).in_(entries)).execution_options(yield_per=500))
    return (Arrived(*each) for each in rows)

"""The projector: copies what search needs out of the leaves, behind the tree by a moment.

Whoever reads what search does not know yet finds it in the leaves themselves (`unsearched`), so nothing is ever missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ScalarSelect, bindparam, func, select
from sqlmodel import Session, col

from contracts.ledger.projection import COLUMNS, UNREADABLE, Projection, project, read_leaf
from contracts.ledger.tables import LedgerEntry, LedgerHead, SearchedEntry
from contracts.store.many import Insertion
from contracts.store.unit import Store

CHUNK = 400
"""Entries in one transaction: holds SQLite's write lock about 6 ms of the 20 that are allowed."""

_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)

# Built once, as everything that each run of the sequencer asks: building a statement costs more than running it.
_NUMBER = col(LedgerEntry.index)
_FOLLOWING = select(func.coalesce(func.max(col(SearchedEntry.index)) + 1, 0))
_KNOWN = _FOLLOWING.scalar_subquery()
_SIZE = select(func.coalesce(func.max(col(LedgerHead.size)), 0)).scalar_subquery()
_NEXT = (
    select(_NUMBER, col(LedgerEntry.id), col(LedgerEntry.leaf))
    .where(_NUMBER >= _KNOWN, _NUMBER < _SIZE)
    .order_by(_NUMBER)
    .limit(bindparam("most"))
)
_ROWS = Insertion(SearchedEntry, "index", *COLUMNS, conflict="ON CONFLICT DO NOTHING")


class Projector:
    """Follows the tree; entries are copied in order, each once, however many processes follow."""

    def __init__(self, store: Store, chunk: int = CHUNK) -> None:
        self._store, self._chunk = store, chunk

    def follow(self) -> int:
        """Copy what search lacks of the tree; returns how many entries it was."""
        total = 0
        while rows := self._next():
            with self._store.write("search") as unit:
                _ROWS.execute(unit.connection, rows)
            total += len(rows)
        return total

    def _next(self) -> list[tuple[Any, ...]]:
        with self._store.read() as session:
            found = session.execute(_NEXT, {"most": self._chunk}).all()
        return [(index, *columns_of(entry_id, leaf)) for index, entry_id, leaf in found]


def columns_of(entry_id: str, leaf: bytes) -> Projection:
    """The columns of a leaf; of one that was tampered with only the id that its row has, so that search goes on behind it."""
    try:
        return project(read_leaf(leaf))
    except UNREADABLE:
        return Projection(entry_id, _NO_TIME, "", "", "", "", "", "", "", "")


def unsearched(session: Session, at_most: int | None = None) -> Sequence[LedgerEntry]:
    """Entries that search does not know yet, newest first: those that wait for the tree, and those just taken in."""
    query = select(LedgerEntry).where(first_unsearched() <= _NUMBER).order_by(_NUMBER.desc()).limit(at_most)
    return session.execute(query).scalars().all()


def first_unsearched() -> ScalarSelect[int]:
    """The index of the first entry that search does not know, inside another statement."""
    return _KNOWN

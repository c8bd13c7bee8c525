"""What of the ledger may be missing: told by the newest entry of a run that is in the tree, and by nothing else.

A row of a table could be forged by whoever forges entries; a leaf in the tree is signed. So what was removed without such an
entry is what `verify` says it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from contracts.ledger.projection import UNREADABLE, read_leaf
from contracts.ledger.tables import LedgerEntry
from contracts.ledger.tree import TILE_WIDTH
from contracts.retention.tables import RetentionRun

EVENT = "retention.run"


@dataclass(frozen=True, slots=True)
class Warrant:
    """The minimum index, and the tiles before it that are kept. `index` is where the entry stands that says so, -1 without one."""

    minimum: int = 0
    kept: frozenset[int] = frozenset()
    index: int = -1

    def covers(self, index: int) -> bool:
        """Whether the entry at this place may have been pruned."""
        return index < self.minimum and index // TILE_WIDTH not in self.kept


NONE = Warrant()


def warrant(session: Session, size: int) -> Warrant:
    """The warrant in a tree of `size`. Its entry is one of the tree, which the caller holds against its signed hash as any other."""
    query = select(LedgerEntry.index, LedgerEntry.leaf).join(RetentionRun, col(RetentionRun.entry_id) == col(LedgerEntry.id))
    found = session.exec(query.where(col(LedgerEntry.index) < size).order_by(col(LedgerEntry.index).desc()).limit(1)).first()
    if found is None:
        return NONE
    index, leaf = found
    try:
        facts = read_leaf(leaf)
        if facts["event"] != EVENT:
            return NONE
        told = facts["facts"]
        # What an entry says of later ones than itself is no warrant.
        return Warrant(min(told["minimum"], index), frozenset(tile for first, end in told["kept"] for tile in range(first, end)), index)
    except UNREADABLE:
        return NONE

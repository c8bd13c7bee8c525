"""What an answer carries of the ledger, so that whoever keeps it can hold the log to it: the hash of its own leaf, and a size and root
that the log had signed by then. An entry that is replaced later, or a tree that is rewritten, no longer fits what was kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select
from sqlmodel import col

from contracts.ledger import tree
from contracts.ledger.tables import LedgerEntry, LedgerHead
from contracts.store.driver import Ready

_HEAD = Ready(select(col(LedgerHead.size), col(LedgerHead.root)))
_LEAF = Ready(select(col(LedgerEntry.leaf)).where(col(LedgerEntry.id) == bindparam("entry")), "entry")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The leaf's hash (RFC 6962 section 2.1), and the newest checkpoint: how many entries the tree had, and its root."""

    leaf: bytes
    size: int
    root: bytes


def receipts(connection: Connection, leaves: Iterable[bytes]) -> Iterator[Receipt]:
    """One for each leaf, all with the checkpoint that the transaction sees."""
    size, root = _HEAD.run(connection).fetchone() or (0, tree.EMPTY_ROOT)
    return (Receipt(tree.leaf_hash(leaf), size, bytes(root)) for leaf in leaves)


def receipt_of(connection: Connection, entry_id: str) -> Receipt:
    """That of an entry that was written."""
    leaf = _LEAF.run(connection, entry_id).fetchone()[0]
    return next(receipts(connection, [bytes(leaf)]))

"""Rows of the ledger in large pieces, as the driver gives them, for whoever reads all of it: objects of the tables would cost
more than all that is checked of them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlmodel import col

from contracts.ledger.tables import LedgerEntry, LedgerTile, SealedValues
from contracts.ledger.tree import TILE_WIDTH
from contracts.store.columns import octets
from contracts.store.driver import Ready

PIECE = 16 * TILE_WIDTH
"""Entries that are read at once: a few megabytes."""
END = 1 << 62
"""Behind every place that an entry can have."""

Row = tuple[int, str, bytes]
"""An entry as it is stored: its place, its id and the leaf."""

_PLACE = col(LedgerEntry.index)
_ENTRIES = Ready(
    select(_PLACE, col(LedgerEntry.id), col(LedgerEntry.leaf))
    .where(bindparam("start") <= _PLACE, bindparam("end") > _PLACE)
    .order_by(_PLACE),
    *("start", "end"),
)
_SEALED = Ready(
    select(_PLACE, col(SealedValues.subject), col(SealedValues.sealed))
    .join(SealedValues, col(SealedValues.entry_id) == col(LedgerEntry.id))
    .where(bindparam("start") <= _PLACE, bindparam("end") > _PLACE),
    *("start", "end"),
)
_TILE = col(LedgerTile.index)
_TILES = Ready(
    select(_TILE, col(LedgerTile.hashes)).where(
        col(LedgerTile.level) == bindparam("level"), bindparam("start") <= _TILE, bindparam("end") > _TILE
    ),
    *("level", "start", "end"),
)


def entries(connection: Connection, start: int, end: int) -> list[Row]:
    """The entries in the places from `start` to before `end`, in order."""
    found: list[Row] = _ENTRIES.run(connection, start, end).fetchall()
    return found if all(type(leaf) is bytes for _, _, leaf in found) else [(place, name, _bytes(leaf)) for place, name, leaf in found]


def sealed(connection: Connection, start: int, end: int) -> dict[int, list[tuple[int, bytes]]]:
    """The sealed values of the entries in these places: handles and what is kept under each."""
    found: dict[int, list[tuple[int, bytes]]] = {}
    for place, handle, kept in _SEALED.run(connection, start, end).fetchall():
        found.setdefault(place, []).append((handle, _bytes(kept)))
    return found


def tiles(connection: Connection, level: int, start: int, end: int) -> dict[int, bytes]:
    """The tiles of a level that are stored, by index."""
    return {index: _bytes(hashes) for index, hashes in _TILES.run(connection, level, start, end).fetchall()}


def _bytes(stored: Any) -> bytes:
    """Whatever someone put into a column of bytes, as bytes that can be held against what should be there."""
    return stored if type(stored) is bytes else octets(stored if isinstance(stored, memoryview | bytes) else str(stored))

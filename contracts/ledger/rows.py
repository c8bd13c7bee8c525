"""Rows of the ledger in large pieces, as the driver gives them, for whoever reads all of it: objects of the tables would cost
more than all that is checked of them.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlmodel import col

from contracts.ledger.tables import LedgerEntry, LedgerTile, SealedValues
from contracts.ledger.tree import TILE_WIDTH
from contracts.store.columns import octets
from contracts.store.driver import Ready

PIECE = 4 * TILE_WIDTH
"""Entries that are read at once: a megabyte, which stays near the processor, and too few objects for the collector of cycles to look."""
_OTHERS = 4
"""How many times as many values as there are entries are read to find those of the entries among them."""
END = 1 << 62
"""Behind every place that an entry can have."""

Row = tuple[int, str, bytes]
"""An entry as it is stored: its place, its id and the leaf."""
Kept = tuple[str, int, bytes]
"""Sealed values as they are stored: the id of their entry, the handle, and what is kept under it."""

_PLACE = col(LedgerEntry.index)
_ENTRIES = Ready(
    select(_PLACE, col(LedgerEntry.id), col(LedgerEntry.leaf))
    .where(bindparam("start") <= _PLACE, bindparam("end") > _PLACE)
    .order_by(_PLACE),
    *("start", "end"),
)
_OF, _KEPT = col(SealedValues.entry_id), (col(SealedValues.entry_id), col(SealedValues.subject), col(SealedValues.sealed))
_SEALED = Ready(
    select(*_KEPT).join(LedgerEntry, col(LedgerEntry.id) == _OF).where(bindparam("start") <= _PLACE, bindparam("end") > _PLACE),
    *("start", "end"),
)
_BETWEEN = Ready(select(*_KEPT).where(bindparam("low") <= _OF, bindparam("high") >= _OF).order_by(_OF), *("low", "high"))
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
    return found if all(type(leaf) is bytes for _, _, leaf in found) else [(place, name, as_bytes(leaf)) for place, name, leaf in found]


def unbroken(entries: Sequence[Row], start: int) -> bool:
    """Whether each stands in its own place, the first at `start`: a table without its key would let places be doubled and halved."""
    return [place for place, _, _ in entries] == list(range(start, start + len(entries)))


def sealed(connection: Connection, start: int, end: int, ids: Set[str]) -> list[Kept]:
    """The sealed values of the entries in these places, which have these ids."""
    found = _between(connection, ids)
    return _SEALED.run(connection, start, end).fetchall() if found is None else found


def _between(connection: Connection, ids: Set[str]) -> list[Kept] | None:
    """All values from the first to the last of these ids: entries of one time have ids that follow each other, and rows that
    stand together are read at half the cost. None where there are many others between, or where the database orders otherwise.
    """
    if connection.dialect.name != "sqlite" or not ids:
        return None
    try:
        low, high = min(ids), max(ids)
    except TypeError:  # someone wrote what is no text
        return None
    most = _OTHERS * len(ids)
    try:
        cursor = _BETWEEN.run(connection, low, high)
        found: list[Kept] = cursor.fetchmany(most)
        cursor.close()
    except connection.dialect.loaded_dbapi.Error:  # someone wrote what cannot be read, perhaps beside no entry
        return None
    return None if len(found) == most else [row for row in found if row[0] in ids]


def tiles(connection: Connection, level: int, start: int, end: int) -> dict[int, bytes]:
    """The tiles of a level that are stored, by index."""
    return {index: as_bytes(hashes) for index, hashes in _TILES.run(connection, level, start, end).fetchall()}


def as_bytes(stored: Any) -> bytes:
    """Whatever someone put into a column of bytes, as bytes that can be held against what should be there."""
    return stored if type(stored) is bytes else octets(stored if isinstance(stored, memoryview | bytes) else str(stored))

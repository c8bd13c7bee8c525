"""Tiles, heads and keys as the store keeps them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, or_
from sqlmodel import Session, col, select

from contracts.anchors.tables import Log
from contracts.errors import Misconfigured, refuse
from contracts.keys import KeyRing, KeyRow, Purpose, ed25519_key, newest
from contracts.ledger.note import Verifier, parse_vkey, verifier_of
from contracts.ledger.tables import Checkpoint, LedgerTile
from contracts.ledger.tree import TileKey
from contracts.store.columns import octets
from contracts.store.driver import Ready

AT_ONCE = 8
"""Tiles that one statement fetches: no path in a tree of less than four thousand million entries is made of more."""
_LEVEL, _INDEX = col(LedgerTile.level), col(LedgerTile.index)
_NAMES = [(f"level_{number}", f"index_{number}") for number in range(AT_ONCE)]
# Given to the driver as it is: whoever asks for a proof waits for it.
_TILES = Ready(
    select(_LEVEL, _INDEX, col(LedgerTile.hashes)).where(
        or_(*(and_(bindparam(level) == _LEVEL, bindparam(index) == _INDEX) for level, index in _NAMES))
    ),
    *(name for pair in _NAMES for name in pair),
)


class StoredTiles:
    """The tiles of one read session, each fetched once; a `HashSource` of `contracts.ledger.tree`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: dict[TileKey, bytes] = {}

    def fetch(self, keys: Sequence[TileKey]) -> None:
        """Have several tiles at hand with one question; those that are not stored are missed when they are asked for."""
        wanted = [key for key in keys if key not in self._kept]
        for start in range(0, len(wanted), AT_ONCE):
            part = wanted[start : start + AT_ONCE]
            values = [number for key in (*part, *part[:1] * (AT_ONCE - len(part))) for number in key]
            for level, index, hashes in _TILES.run(self._session.connection(), *values).fetchall():
                self._kept[level, index] = octets(hashes)

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of one tile; IndexError where it is not stored."""
        if (level, index) not in self._kept:
            self.fetch([(level, index)])
        hashes = self._kept.get((level, index))
        if hashes is None:
            raise IndexError(f"tile {level}/{index} is not stored")
        return hashes


def latest_checkpoint(session: Session) -> Checkpoint | None:
    """The checkpoint of the largest size; None before the first entry is integrated."""
    return session.exec(select(Checkpoint).order_by(col(Checkpoint.size).desc()).limit(1)).first()


def verifiers(session: Session, keys: KeyRing, origin: str) -> list[Verifier]:
    """Every ledger key that ever signed, under one origin, newest first; old checkpoints stay checkable after a change of keys."""
    return [Verifier(origin, public) for public in public_keys(session, keys)]


def public_keys(session: Session, keys: KeyRing) -> list[bytes]:
    """Every public key that ever signed checkpoints; of a closed log whose private key is lost, the one that was kept with it.

    Raises `Misconfigured` where a key in use cannot be opened.
    """
    found = []
    for row in session.exec(select(KeyRow).where(KeyRow.purpose == Purpose.LEDGER).order_by(col(KeyRow.id).desc())).all():
        try:
            found.append(verifier_of("ledger", ed25519_key(keys.open(row))).public)
        except Misconfigured:
            if row.retired_at is None:
                raise
    return list(dict.fromkeys([*found, *(parse_vkey(each).public for each in session.exec(select(Log.key)))]))


def verifier_key(session: Session, keys: KeyRing, origin: str) -> str:
    """The public key of the log in verifier-key form; `not_found` before the ledger's key is made."""
    row = newest(session, Purpose.LEDGER)
    if row is None:
        raise refuse("not_found", "The ledger has no key yet; it is made with the first checkpoint.")
    return verifier_of(origin, ed25519_key(keys.open(row))).vkey()

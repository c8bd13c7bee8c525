"""Tiles, heads and keys as the store keeps them."""

from __future__ import annotations

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from contracts.anchors.tables import Log
from contracts.errors import Misconfigured, refuse
from contracts.keys import KeyRing, KeyRow, Purpose, ed25519_key, newest
from contracts.ledger.note import Verifier, parse_vkey, verifier_of
from contracts.ledger.tables import Checkpoint, LedgerTile

# Built once, as everything that each run of the sequencer asks: building a statement costs more than running it.
_TILE = select(col(LedgerTile.hashes)).where(col(LedgerTile.level) == bindparam("of_level"), col(LedgerTile.index) == bindparam("of_index"))


class StoredTiles:
    """The tiles of one read session, each fetched once; a `HashSource` of `contracts.ledger.tree`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: dict[tuple[int, int], bytes] = {}

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of one tile; IndexError where it is not stored."""
        if (level, index) not in self._kept:
            hashes = self._session.execute(_TILE, {"of_level": level, "of_index": index}).scalar()
            if hashes is None:
                raise IndexError(f"tile {level}/{index} is not stored")
            self._kept[level, index] = hashes
        return self._kept[level, index]


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

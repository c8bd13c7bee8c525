"""The sequencer: takes waiting entries into the tree and signs a checkpoint over them.

Entries stand in their places already; what the tree needs of them are hashes. All work that can be done before the write lock is
done before it: reading, hashing, signing. The transaction then locks the head row and gives up unless the head is still the one
that was read; so two sequencers never fork the tree, and a checkpoint that lost the race is thrown away before anyone saw it. Of
several processes one is elected, so that they seldom race.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import bindparam, literal_column, select
from sqlmodel import Session, col

from contracts.keys import KeyRing, Purpose, ed25519_key, newest
from contracts.ledger import note, tree
from contracts.ledger.note import CheckpointText
from contracts.ledger.projection import read_leaf
from contracts.ledger.source import StoredTiles, verifier_key
from contracts.ledger.stage import Entry, record
from contracts.ledger.tables import Checkpoint, EntryCounter, LedgerEntry, LedgerHead, LedgerTile
from contracts.ledger.tree import TileKey
from contracts.search.follow import Follower, Leaves
from contracts.store.columns import octets
from contracts.store.driver import Ready
from contracts.store.leader import SEQUENCER, Leader
from contracts.store.many import Insertion
from contracts.store.unit import Store

HEAD = 1
CHUNK = 2_000
"""Entries in one transaction: about nine tiles are written for them."""
SLICE, PAUSE = 64, 0.0005
"""Leaves that are hashed at a stretch where less than a chunk waits, and the seconds between two: so that whoever writes meanwhile waits less."""


# Given to the driver as they are: every quarter of a second, in the midst of what is asked.
_HERE = select(col(LedgerHead.size), col(LedgerHead.root)).where(col(LedgerHead.id) == literal_column(str(HEAD)))
_SIZE, _LOCKED = Ready(_HERE), Ready(_HERE.with_for_update())
_WRITTEN = Ready(select(col(EntryCounter.written)))
_NUMBER = col(LedgerEntry.index)
_LEAVES = select(_NUMBER, col(LedgerEntry.leaf)).where(bindparam("start") <= _NUMBER, bindparam("end") > _NUMBER)
_WAITING = Ready(_LEAVES.order_by(_NUMBER), "start", "end")
_CHECKPOINTS = Insertion(Checkpoint, "size", "root", "note", "made_at")
_TILES = Insertion(LedgerTile, "level", "index", "hashes", conflict='ON CONFLICT (level, "index") DO UPDATE SET hashes = excluded.hashes')
_HEAD = Insertion(LedgerHead, "id", "size", "root", conflict="ON CONFLICT (id) DO UPDATE SET size = excluded.size, root = excluded.root")


class _Edge:
    """A tree reduced to its size and its partial tiles, of which its root is made."""

    def __init__(self, size: int, tiles: Mapping[TileKey, bytes]) -> None:
        self.size, self.tiles = size, tiles
        self.root = tree.root(self, size)

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of one of them."""
        return self.tiles[level, index]


@dataclass(frozen=True, slots=True)
class _Growth:
    """All that one transaction writes, and what it was made of."""

    size: int
    leaves: Leaves
    tiles: Mapping[TileKey, bytes]
    edge: _Edge
    note: str


class Sequencer:
    """Integrates what waits, then lets search know of it. Safe to call from several threads and processes; one of them does the work,
    the others find none.
    """

    def __init__(
        self,
        store: Store,
        keys: KeyRing,
        origin: str,
        chunk: int = CHUNK,
        *,
        titles: Mapping[str, str] | None = None,
        searched: bool = True,
    ) -> None:
        """`titles` are those of the datasets, for the search; `searched` is false where only the tree is measured."""
        self._store, self._keys, self.origin = store, keys, origin
        self._chunk = chunk
        self._follower = Follower(store, titles) if searched else None
        self._lock = threading.Lock()
        self._leader = Leader(store, SEQUENCER)
        self._signer: Ed25519PrivateKey | None = None
        self._edge = _Edge(0, {})

    def integrate(self) -> int:
        """Take every entry that waits now into the tree; returns how many were integrated. A run that loses a race ends early.

        Entries that come meanwhile wait for the next run: a checkpoint for each few of them would cost more than the entries.
        """
        total, more = 0, True
        fresh: Leaves = ()
        with self._lock:
            while more and (growth := self._grow()) is not None and self._write(growth):
                taken, fresh = growth.edge.size - growth.size, growth.leaves
                total, more = total + taken, taken == self._chunk
            if self._follower is not None:
                self._follower.follow(fresh)
        return total

    def tick(self) -> int:
        """`integrate` for the worker of the process that leads: always 0, because nothing is left to do at once.

        The pause that follows is what gathers entries into batches, each with one checkpoint.
        """
        if self._leader.leads():
            self.integrate()
        return 0

    def close(self) -> None:
        """Integrate what waits and let another process lead."""
        self.integrate()
        self._leader.resign()

    def waiting(self, session: Session) -> tuple[int, datetime | None]:
        """How many entries wait for the tree and since when the oldest waits; readiness and pages watch it."""
        connection = session.connection()
        size = _number(_SIZE.run(connection).fetchone())
        count = _number(_WRITTEN.run(connection).fetchone()) - size
        oldest = _WAITING.run(connection, size, size + 1).fetchone() if count else None
        return count, datetime.fromisoformat(read_leaf(octets(oldest[1]))["at"]) if oldest else None

    def verifier_key(self, session: Session) -> str:
        """The log's public key in verifier-key form; `not_found` before the first checkpoint."""
        return verifier_key(session, self._keys, self.origin)

    def ensure_key(self) -> str:
        """Make the ledger's key where there is none; returns the public key in verifier-key form."""
        self._key()
        with self._store.read() as session:
            return self.verifier_key(session)

    def _grow(self) -> _Growth | None:
        if self._signer is None:
            self._key_for_what_waits()
        with self._store.engine.connect() as connection:
            # The head is read first: whatever moves afterwards moves it too, and `_write` then gives up.
            size, root = _SIZE.run(connection).fetchone() or (0, b"")
            rows = _WAITING.run(connection, size, size + self._chunk).fetchall()
        if not rows:
            return None
        if rows[-1][0] != size + len(rows) - 1:
            raise RuntimeError("a waiting entry was removed from its place: run `licet ledger verify`")
        edge, hashes, new_size = self._edge_of(size, octets(root)), self._hashed(rows), size + len(rows)
        tiles = tree.extend({level: partial for (level, _), partial in edge.items()}, size, hashes)
        after = _Edge(new_size, {key: tiles[key] if key in tiles else edge[key] for key in tree.edge_keys(new_size)})
        signed = note.sign(CheckpointText(self.origin, new_size, after.root).text(), self.origin, self._key())
        return _Growth(size, rows, tiles, after, signed)

    def _edge_of(self, size: int, root: bytes) -> Mapping[TileKey, bytes]:
        """The partial tiles of the tree that the store has: remembered where this sequencer wrote them last.

        RuntimeError where those of the store are not the head's: what is signed over them would be another tree.
        """
        if (size, root) == (self._edge.size, self._edge.root):
            return self._edge.tiles
        with self._store.read() as session:
            stored = StoredTiles(session)
            edge = _Edge(size, {key: stored.tile(*key) for key in tree.edge_keys(size)})
        if size and edge.root != root:
            raise RuntimeError("the tiles do not lead to the head of the tree: run `licet ledger verify`")
        return edge.tiles

    def _hashed(self, rows: Sequence[tuple[int, bytes]]) -> list[bytes]:
        hashes = list[bytes]()
        for start in range(0, len(rows), SLICE):
            if start and len(rows) < self._chunk:
                time.sleep(PAUSE)
            hashes += [tree.leaf_hash(octets(leaf)) for _, leaf in rows[start : start + SLICE]]
        return hashes

    def _write(self, growth: _Growth) -> bool:
        with self._store.write("sequencer") as unit:
            connection = unit.connection
            if _number(_LOCKED.run(connection).fetchone()) != growth.size:
                return False
            _TILES.execute(connection, [(*key, hashes) for key, hashes in growth.tiles.items()])
            _CHECKPOINTS.execute(connection, [(growth.edge.size, growth.edge.root, growth.note, unit.now)])
            _HEAD.execute(connection, [(HEAD, growth.edge.size, growth.edge.root)])
        self._edge = growth.edge
        return True

    def _key_for_what_waits(self) -> None:
        """Have the key before its first checkpoint is made, so that this one holds the entry of its making."""
        with self._store.read() as session:
            waits, _ = self.waiting(session)
        if waits:
            self._key()

    def _key(self) -> Ed25519PrivateKey:
        if self._signer is None:
            with self._store.read() as session:
                row = newest(session, Purpose.LEDGER)
            if row is None:
                with self._store.write("sequencer") as unit:
                    row = self._keys.ensure(unit, Purpose.LEDGER)
                    record(unit, Entry(event="key.made", subject=row.id, facts={"purpose": Purpose.LEDGER.value}))
            self._signer = ed25519_key(self._keys.open(row))
        return self._signer


def _number(row: tuple[int] | None) -> int:
    return row[0] if row else 0

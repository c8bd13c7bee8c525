"""Proofs that an entry is in the ledger, as files that anyone checks without us (C2SP tlog-proof).

A proof is checked with the ledger's public key alone: the checkpoint's signature, then the path from the leaf to its root.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from contracts.anchors.published import covering
from contracts.errors import refuse
from contracts.ledger import note, tree
from contracts.ledger.note import BadNote, Verifier
from contracts.ledger.projection import read_leaf
from contracts.ledger.source import StoredTiles
from contracts.ledger.tables import LedgerEntry
from contracts.ledger.tree import HASH
from contracts.store.columns import octets
from contracts.store.driver import Ready

FORMAT = "c2sp.org/tlog-proof@v1"
INTEGRATED_WITHIN = timedelta(seconds=1)
# Given to the driver as it is: an object of the table would cost more than the path.
_ENTRY = Ready(select(LedgerEntry.index, LedgerEntry.leaf).where(col(LedgerEntry.id) == bindparam("of")), "of")


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry's leaf, its place, the path to the root, and the signed checkpoint (a note) that has that root."""

    entry_id: str
    leaf: bytes
    index: int
    size: int
    hashes: tuple[bytes, ...]
    checkpoint: str

    def text(self) -> str:
        """The proof as a `.tlog-proof` file; the leaf travels along as its extra data, so the file is checkable by itself."""
        path = "".join(f"{base64.b64encode(each).decode()}\n" for each in self.hashes)
        return f"{FORMAT}\nextra {base64.b64encode(self.leaf).decode()}\nindex {self.index}\n{path}\n{self.checkpoint}"


@dataclass(frozen=True, slots=True)
class Pending:
    """The entry is durable but not yet in the tree; ask again at `ready_at`."""

    entry_id: str
    ready_at: datetime


@dataclass(frozen=True, slots=True)
class Checked:
    """A proof that holds: the leaf at its place among `size` entries of the log named `origin`."""

    origin: str
    index: int
    size: int
    leaf: bytes


def proof_of(session: Session, entry_id: str) -> Proof | Pending:
    """The proof of one entry against the newest checkpoint, one that witnesses cosigned where such a one has it; `not_found` for an unknown entry.

    The caller has checked that the reader may see the entry.
    """
    row = _ENTRY.run(session.connection(), entry_id).fetchone()
    if row is None:
        raise refuse("not_found", "There is no such entry.")
    index, leaf = row[0], octets(row[1])
    checkpoint = covering(session, index)
    if checkpoint is None:
        return Pending(entry_id, datetime.fromisoformat(read_leaf(leaf)["at"]) + INTEGRATED_WITHIN)
    tiles = StoredTiles(session)
    tiles.fetch(tree.path_keys(index, checkpoint.size))
    try:
        path = tree.inclusion_proof(tiles, index, checkpoint.size)
    except IndexError as error:
        raise refuse("store_unavailable", "Tiles of the ledger are missing, which should not be; run `licet ledger verify`.") from error
    return Proof(entry_id, leaf, index, checkpoint.size, tuple(path), checkpoint.note)


def read_proof(text: str) -> Proof:
    """Read a `.tlog-proof` file with its leaf as extra data; `BadNote` where it is malformed. Reading checks nothing."""
    head, gap, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or len(lines) < 3 or lines[0] != FORMAT or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise BadNote(f"a proof begins with {FORMAT}, extra and index lines and has its checkpoint after an empty line")
    number = lines[2].removeprefix("index ")
    if not (number.isascii() and number.isdigit()) or str(int(number)) != number:
        raise BadNote("the index is not a plain number")
    leaf, hashes = _decode(lines[1].removeprefix("extra ")), tuple(_decode(line) for line in lines[3:])
    if any(len(each) != HASH for each in hashes):
        raise BadNote("a hash of the path is not 32 bytes")
    size = note.parse_checkpoint(checkpoint.partition("\n\n")[0] + "\n").size
    return Proof("", leaf, int(number), size, hashes, checkpoint)


def check_proof(text: str, verifier: Verifier) -> Checked:
    """Check a proof with nothing but the log's public key; `BadNote` says what does not hold."""
    proof = read_proof(text)
    told = note.open_checkpoint(proof.checkpoint, [verifier])
    if told.origin != verifier.name:
        raise BadNote("the checkpoint is of another log than the key")
    if not tree.verify_inclusion(proof.index, told.size, tree.leaf_hash(proof.leaf), proof.hashes, told.root):
        raise BadNote("the path does not lead from this entry to the checkpoint's root")
    return Checked(told.origin, proof.index, told.size, proof.leaf)


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise BadNote("base64 is malformed") from error

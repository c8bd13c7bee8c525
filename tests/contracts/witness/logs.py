"""A log in memory that asks a witness, honest or not."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.ledger import note, tree
from contracts.ledger.note import CheckpointText, Verifier
from contracts.witness.protocol import Request
from tests.contracts.ledger.test_tree import Tiles

ORIGIN = "agora.example/ledger"


class Log:
    """A log whose leaves are a word and their number; `fork` gives others from a place on, under the same key."""

    def __init__(self, size: int, *, fork: int | None = None, origin: str = ORIGIN, key: bytes = b"l" * 32) -> None:
        self.origin, self._key = origin, Ed25519PrivateKey.from_private_bytes(key)
        leaves = [f"{'forked' if fork is not None and at >= fork else 'leaf'} {at}".encode() for at in range(size)]
        self._tiles = Tiles()
        self._tiles.append([tree.leaf_hash(each) for each in leaves])

    @property
    def verifier(self) -> Verifier:
        return note.verifier_of(self.origin, self._key)

    def told(self, size: int) -> CheckpointText:
        return CheckpointText(self.origin, size, tree.root(self._tiles, size))

    def checkpoint(self, size: int) -> str:
        return note.sign(self.told(size).text(), self.origin, self._key)

    def request(self, old: int, size: int) -> bytes:
        """The request that this log makes of itself."""
        proof = tree.consistency_proof(self._tiles, old, size) if 0 < old <= size else []
        return Request(old, tuple(proof), self.checkpoint(size)).text().encode()

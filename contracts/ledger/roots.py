"""The roots that leaf hashes lead to, held against those that checkpoints signed. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.ledger.note import CheckpointText
from contracts.ledger.tree import HASH, TILE_WIDTH, Edge, full_root, tile_roots


class Roots:
    """Takes the hashes in order, those that the tiles have and those that the rows have: two trees where they differ.

    `told` are the checkpoints in order of size, of which those behind the edge are compared; `bad_tiles` and `bad_rows` are the sizes
    of those that the one or the other leads away from.
    """

    def __init__(self, told: Sequence[CheckpointText], edge: Edge | None = None) -> None:
        self.told, self.tiles = told, edge or Edge()
        self.bad_tiles: list[int] = []
        self.bad_rows: list[int] = []
        self._rows: Edge | None = None
        self._full = bytearray()  # the root of each full tile, zeros where none was made
        self._due = sum(each.size <= self.tiles.size for each in told)

    def take(self, tiles: bytes, rows: bytes) -> None:
        """The next hashes of both, end to end and as many of the one as of the other."""
        if self._rows is None and tiles != rows:
            self._rows = self.tiles.copy()
        start, end = self.tiles.size, self.tiles.size + len(tiles) // HASH
        while self._due < len(self.told) and self.told[self._due].size <= end:
            told, taken = self.told[self._due], (self.tiles.size - start) * HASH
            upto = (told.size - start) * HASH
            self._extend(tiles[taken:upto], rows[taken:upto])
            self._compare(told)
            self._due += 1
        taken = (self.tiles.size - start) * HASH
        self._extend(tiles[taken:], rows[taken:])

    def of_tile(self, index: int, hashes: bytes) -> bytes:
        """The root over a full tile. Where it was needed on the way it is not made again."""
        known = bytes(self._full[index * HASH : (index + 1) * HASH])
        return known if any(known) else full_root(hashes)

    def _extend(self, tiles: bytes, rows: bytes) -> None:
        ahead = min(-self.tiles.size % TILE_WIDTH * HASH, len(tiles))
        behind = len(tiles) - (len(tiles) - ahead) % (TILE_WIDTH * HASH)
        self.tiles.extend(tiles[:ahead])
        full = tile_roots(tiles[ahead:behind])
        self._full += bytes(max(0, self.tiles.size // TILE_WIDTH * HASH - len(self._full))) + full
        self.tiles.extend(full, TILE_WIDTH)
        self.tiles.extend(tiles[behind:])
        if self._rows is not None:
            self._rows.extend(rows)

    def _compare(self, told: CheckpointText) -> None:
        if self.tiles.root() != told.root:
            self.bad_tiles.append(told.size)
        if (self._rows or self.tiles).root() != told.root:
            self.bad_rows.append(told.size)

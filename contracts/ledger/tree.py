"""The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1) over tiles: pure, no store.

A leaf hashes as SHA-256(0x00 || leaf), a node as SHA-256(0x01 || left || right), the empty tree as SHA-256 of nothing. Hashes are
kept as C2SP tlog-tiles cuts them: tile (level, index) holds up to 256 hashes, each the root of 256**level leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

HASH = 32
TILE_WIDTH = 256
_TILE_HEIGHT = 8
EMPTY_ROOT = hashlib.sha256(b"").digest()

TileKey = tuple[int, int]


class HashSource(Protocol):
    """Where tiles come from. `tile` gives the hashes of tile (level, index) end to end; IndexError or KeyError where there is none."""

    def tile(self, level: int, index: int) -> bytes: ...


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256 over 0x00 and the leaf (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def leaf_hashes(leaves: Iterable[bytes]) -> bytes:
    """The hashes of leaves, end to end."""
    sha256 = hashlib.sha256
    return b"".join([sha256(b"\x00" + leaf).digest() for leaf in leaves])


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 over 0x01 and both children (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(source: HashSource, size: int) -> bytes:
    """The root of the first `size` leaves; any size up to what the source holds."""
    return _range_root(source, 0, size) if size else EMPTY_ROOT


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes given in full."""
    edge = Edge()
    edge.extend(b"".join(hashes))
    return edge.root()


def full_root(hashes: bytes) -> bytes:
    """The root over a power of two of hashes laid end to end: a complete subtree."""
    while len(hashes) > HASH:
        hashes = _paired(hashes)
    return hashes


def tile_roots(hashes: bytes) -> bytes:
    """The roots of full tiles, all laid end to end."""
    for _ in range(_TILE_HEIGHT):
        hashes = _paired(hashes)
    return hashes


def extend(edge: Mapping[int, bytes], size: int, hashes: Sequence[bytes]) -> dict[TileKey, bytes]:
    """The tiles that change when leaf hashes are appended to a tree of `size`.

    `edge` has, for each level whose last tile is partial, the hashes of that tile. A tile that fills up gives one hash to the
    level above; a partial one gives none (tlog-tiles, "Partial Tiles").
    """
    changed: dict[TileKey, bytes] = {}
    level, count, rising = 0, size, list(hashes)
    while rising:
        index, partial = count // TILE_WIDTH, edge.get(level, b"") if count % TILE_WIDTH else b""
        filled: list[bytes] = []
        for each in _cut(partial, rising):
            changed[level, index] = each
            if len(each) == TILE_WIDTH * HASH:
                filled.append(full_root(each))
            index += 1
        level, count, rising = level + 1, count // TILE_WIDTH, filled
    return changed


def edge_keys(size: int) -> list[TileKey]:
    """The partial tiles of a tree of `size`: what `extend` needs of it."""
    keys, level, count = [], 0, size
    while count:
        if count % TILE_WIDTH:
            keys.append((level, count // TILE_WIDTH))
        level, count = level + 1, count // TILE_WIDTH
    return keys


def path_keys(index: int, size: int) -> list[TileKey]:
    """The tiles that the audit path of leaf `index` in the tree of `size` is made of, so that they can be fetched at once."""
    keys, level, place, count = edge_keys(size), 0, index // TILE_WIDTH, size
    while place * TILE_WIDTH < count:
        keys.append((level, place))
        level, place, count = level + 1, place // TILE_WIDTH, count // TILE_WIDTH
    return list(dict.fromkeys(keys))


def inclusion_proof(source: HashSource, index: int, size: int) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size`, from the leaf's sibling up (RFC 6962 section 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    return _path(source, index, 0, size)


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], expected: bytes) -> bool:
    """Whether the path leads from a leaf hash to the root (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, here = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            here = node_hash(step, here)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            here = node_hash(here, step)
        place, last = place >> 1, last >> 1
    return last == 0 and here == expected


def consistency_proof(source: HashSource, old: int, new: int) -> list[bytes]:
    """The proof that the tree of `new` extends that of `old`, 0 < old <= new (RFC 6962 section 2.1.2)."""
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from {old} to {new}")
    return _subproof(source, old, 0, new, whole=True)


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof leads from the old root to the new (RFC 9162 section 2.1.4.2).

    An old size of 0 proves nothing and is refused here; a witness treats it on its own.
    """
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    steps = list(proof)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, step)
        place, last = place >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def complete(source: HashSource, height: int, index: int) -> bytes:
    """The root of the complete subtree of 2**height leaves at `index` among its kind; IndexError where the source lacks it."""
    level, rest = divmod(height, _TILE_HEIGHT)
    tile, place = divmod(index << rest, TILE_WIDTH)
    hashes = source.tile(level, tile)[place * HASH : (place + (1 << rest)) * HASH]
    if len(hashes) != HASH << rest:
        raise IndexError(f"tile {level}/{tile} does not reach hash {place + (1 << rest) - 1}")
    return full_root(hashes)


class Edge:
    """A tree reduced to the roots of its complete subtrees: takes leaf hashes in order, knows the root after each."""

    def __init__(self, size: int = 0, roots: Sequence[bytes] = ()) -> None:
        self.size = size
        self._roots = list(roots)
        if len(self._roots) != size.bit_count():
            raise ValueError(f"a tree of {size} has {size.bit_count()} complete subtrees, not {len(self._roots)}")

    @property
    def roots(self) -> Sequence[bytes]:
        """The roots of its complete subtrees, the largest first; with the size they are the whole of it."""
        return tuple(self._roots)

    def append(self, leaf: bytes) -> None:
        """Take the next leaf hash."""
        self._merge(leaf, 1)

    def extend(self, hashes: bytes, leaves: int = 1) -> None:
        """Take the next hashes, laid end to end: whole subtrees at once, as large as fit.

        Each is the root of so many leaves, a power of two of which the size is a multiple.
        """
        place = 0
        while place < len(hashes):
            width, before = 1 << ((len(hashes) - place) // HASH).bit_length() - 1, self.size // leaves
            width = min(width, before & -before or width)
            self._merge(full_root(hashes[place : place + width * HASH]), width * leaves)
            place += width * HASH

    def copy(self) -> Edge:
        """The same tree, to go on from differently."""
        return Edge(self.size, self._roots)

    def root(self) -> bytes:
        """The root over all leaf hashes taken so far."""
        if not self._roots:
            return EMPTY_ROOT
        here = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            here = node_hash(left, here)
        return here

    def _merge(self, here: bytes, width: int) -> None:
        """Take the root of the next complete subtree of `width` leaves, of which the size is a multiple."""
        count = self.size // width
        while count & 1:
            here, count = node_hash(self._roots.pop(), here), count >> 1
        self._roots.append(here)
        self.size += width


def split(hashes: bytes) -> list[bytes]:
    """Hashes laid end to end, as a list."""
    return [hashes[at : at + HASH] for at in range(0, len(hashes), HASH)]


def _paired(hashes: bytes) -> bytes:
    """The hashes one level above an even number of them."""
    sha256 = hashlib.sha256
    return b"".join([sha256(b"\x01" + hashes[at : at + 2 * HASH]).digest() for at in range(0, len(hashes), 2 * HASH)])


def _cut(partial: bytes, rising: Iterable[bytes]) -> list[bytes]:
    whole, width = partial + b"".join(rising), TILE_WIDTH * HASH
    return [whole[at : at + width] for at in range(0, len(whole), width)]


def _range_root(source: HashSource, low: int, high: int) -> bytes:
    width = high - low
    if width & (width - 1) == 0 and low % width == 0:
        return complete(source, width.bit_length() - 1, low // width)
    half = _half(width)
    return node_hash(_range_root(source, low, low + half), _range_root(source, low + half, high))


def _path(source: HashSource, index: int, low: int, high: int) -> list[bytes]:
    if high - low == 1:
        return []
    middle = low + _half(high - low)
    if index < middle:
        return [*_path(source, index, low, middle), _range_root(source, middle, high)]
    return [*_path(source, index, middle, high), _range_root(source, low, middle)]


def _subproof(source: HashSource, old: int, low: int, high: int, *, whole: bool) -> list[bytes]:
    if old == high:
        return [] if whole else [_range_root(source, low, high)]
    middle = low + _half(high - low)
    if old <= middle:
        return [*_subproof(source, old, low, middle, whole=whole), _range_root(source, middle, high)]
    return [*_subproof(source, old, middle, high, whole=False), _range_root(source, low, middle)]


def _half(width: int) -> int:
    """The largest power of two below `width` (at least 2)."""
    return 1 << ((width - 1).bit_length() - 1)

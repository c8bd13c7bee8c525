"""Roots of tiles and rows against checkpoints, however the hashes come."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.ledger import tree
from contracts.ledger.note import CheckpointText
from contracts.ledger.roots import Roots
from contracts.ledger.tree import HASH, TILE_WIDTH, Edge

HASHES = [tree.leaf_hash(b"%d" % number) for number in range(600)]
FORGED = tree.leaf_hash(b"forged")


def told(*sizes: int) -> list[CheckpointText]:
    return [CheckpointText("log", size, tree.root_of(HASHES[:size])) for size in sizes]


def taken(roots: Roots, tiles: list[bytes], rows: list[bytes], cuts: list[int]) -> Roots:
    """All hashes, in pieces that end at the cuts."""
    for start, end in zip([0, *cuts], [*cuts, len(tiles)], strict=True):
        roots.take(b"".join(tiles[start:end]), b"".join(rows[start:end]))
    return roots


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(min_value=1, max_value=600), min_size=1, max_size=6).map(sorted),
    st.lists(st.integers(min_value=0, max_value=600), max_size=4).map(sorted),
    st.integers(min_value=0, max_value=599),
)
def test_a_checkpoint_is_bad_where_a_hash_before_it_is_another(sizes: list[int], cuts: list[int], place: int) -> None:
    changed = [*HASHES[:place], FORGED, *HASHES[place + 1 :]]
    behind = [size for size in sizes if size > place]
    for tiles, rows, bad in ((HASHES, HASHES, ([], [])), (HASHES, changed, ([], behind)), (changed, HASHES, (behind, []))):
        found = taken(Roots(told(*sizes)), tiles, rows, cuts)
        assert (found.bad_tiles, found.bad_rows, found.tiles.size) == (*bad, 600)


def test_what_was_read_before_is_gone_on_from() -> None:
    edge = Edge()
    edge.extend(b"".join(HASHES[:300]))
    roots = Roots([*told(100, 300), CheckpointText("log", 400, bytes(HASH))], edge)
    roots.take(b"".join(HASHES[300:]), b"".join(HASHES[300:]))
    assert (roots.bad_tiles, roots.bad_rows, roots.tiles.root()) == ([400], [400], tree.root_of(HASHES))


def test_a_checkpoint_of_nothing_is_passed_over() -> None:
    assert taken(Roots([CheckpointText("", 0, bytes(HASH)), *told(600)]), HASHES, HASHES, []).bad_tiles == []


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(min_value=1, max_value=600), max_size=4, unique=True).map(sorted),
    st.lists(st.integers(min_value=0, max_value=600), max_size=4).map(sorted),
    st.integers(min_value=0, max_value=599),
)
def test_roots_of_full_tiles_are_the_same_however_the_hashes_come(sizes: list[int], cuts: list[int], before: int) -> None:
    edge = Edge()
    edge.extend(b"".join(HASHES[:before]))
    roots = Roots(told(*sizes), edge)
    taken(roots, HASHES[before:], HASHES[before:], [cut for cut in (each - before for each in cuts) if cut >= 0])
    assert (roots.bad_tiles, roots.tiles.root()) == ([], tree.root_of(HASHES))
    tiles = [b"".join(HASHES[first : first + TILE_WIDTH]) for first in (0, TILE_WIDTH)]
    assert [roots.of_tile(index, each) for index, each in enumerate(tiles)] == [tree.full_root(each) for each in tiles]


def test_the_root_of_a_tile_is_not_made_twice() -> None:
    found = taken(Roots([]), HASHES, HASHES, [])
    assert found.of_tile(1, b"") == tree.root_of(HASHES[TILE_WIDTH : 2 * TILE_WIDTH])

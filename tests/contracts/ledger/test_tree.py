"""The tree against the public vectors of RFC 6962's reference code, and against the RFC's own definitions by properties."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.ledger import tree
from contracts.ledger.tree import Edge, TileKey

LEAVES = [
    bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    bytes.fromhex(each)
    for each in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
PATH_OF_5_IN_8 = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
CONSISTENCY_6_TO_8 = ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", *PATH_OF_5_IN_8[1:]]
CONSISTENCY_2_TO_5 = [
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
]


class Tiles:
    """Tiles in memory, grown as the sequencer grows them."""

    def __init__(self) -> None:
        self.size = 0
        self.kept: dict[TileKey, bytes] = {}

    def tile(self, level: int, index: int) -> bytes:
        return self.kept[level, index]

    def append(self, hashes: list[bytes]) -> None:
        edge = {level: self.kept[level, index] for level, index in tree.edge_keys(self.size)}
        self.kept.update(tree.extend(edge, self.size, hashes))
        self.size += len(hashes)


def grown(count: int, *, step: int = 1000) -> Tiles:
    tiles = Tiles()
    hashes = [tree.leaf_hash(str(number).encode()) for number in range(count)]
    for at in range(0, count, step):
        tiles.append(hashes[at : at + step])
    return tiles


def mth(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word over leaf hashes."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def test_roots_are_those_of_the_public_vectors() -> None:
    tiles = Tiles()
    tiles.append([tree.leaf_hash(leaf) for leaf in LEAVES])
    assert [tree.root(tiles, size) for size in range(9)] == ROOTS


def test_proofs_are_those_of_the_public_vectors() -> None:
    tiles = Tiles()
    tiles.append([tree.leaf_hash(leaf) for leaf in LEAVES])
    assert [each.hex() for each in tree.inclusion_proof(tiles, 5, 8)] == PATH_OF_5_IN_8
    assert [each.hex() for each in tree.consistency_proof(tiles, 6, 8)] == CONSISTENCY_6_TO_8
    assert [each.hex() for each in tree.consistency_proof(tiles, 2, 5)] == CONSISTENCY_2_TO_5


def test_a_tree_of_70000_has_the_tiles_that_the_specification_counts() -> None:
    """tlog-tiles, "Partial Tiles": the worked example."""
    widths = {key: len(hashes) // 32 for key, hashes in grown(70_000).kept.items()}
    expected = {(0, index): 256 for index in range(273)} | {(0, 273): 112, (1, 0): 256, (1, 1): 17, (2, 0): 1}
    assert widths == expected


def test_a_tree_of_256_has_one_full_tile_and_one_above() -> None:
    assert {key: len(hashes) // 32 for key, hashes in grown(256).kept.items()} == {(0, 0): 256, (1, 0): 1}


def test_roots_hold_across_levels() -> None:
    hashes = [tree.leaf_hash(str(number).encode()) for number in range(70_000)]
    tiles = grown(70_000, step=777)
    assert [tree.root(tiles, size) for size in (255, 256, 257, 65_536, 65_537, 70_000)] == [
        mth(hashes[:size]) for size in (255, 256, 257, 65_536, 65_537, 70_000)
    ]
    proof = tree.inclusion_proof(tiles, 65_535, 70_000)
    assert tree.verify_inclusion(65_535, 70_000, hashes[65_535], proof, mth(hashes))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(min_value=1, max_value=300), min_size=1, max_size=5), st.data())
def test_any_way_of_batching_gives_the_tree_of_the_rfc(batches: list[int], data: st.DataObject) -> None:
    tiles, hashes, edge, together = Tiles(), [], Edge(), Edge()
    for count in batches:
        batch = [tree.leaf_hash(f"{len(hashes)}-{number}".encode()) for number in range(count)]
        tiles.append(batch)
        hashes += batch
        for each in batch:
            edge.append(each)
        together.extend(b"".join(batch))
    size = data.draw(st.integers(min_value=0, max_value=len(hashes)))
    assert tree.root(tiles, size) == mth(hashes[:size]) == tree.root_of(hashes[:size])
    assert edge.root() == mth(hashes)
    assert (together.size, together.roots) == (edge.size, edge.roots)


TREE = grown(2000)
HASHES = [tree.leaf_hash(str(number).encode()) for number in range(2000)]


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=2000), st.data())
def test_inclusion_holds_for_the_leaf_and_for_no_other(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    other = data.draw(st.integers(min_value=0, max_value=size - 1).filter(lambda each: each != index)) if size > 1 else None
    proof, root = tree.inclusion_proof(TREE, index, size), mth(HASHES[:size])
    assert tree.verify_inclusion(index, size, HASHES[index], proof, root)
    if other is not None:
        assert not tree.verify_inclusion(index, size, HASHES[other], proof, root)
        assert not tree.verify_inclusion(other, size, HASHES[index], proof, root)


LARGE = grown(66_000)


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=66_000), st.data())
def test_a_path_is_made_of_the_tiles_that_are_named_for_it(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    alone = Tiles()
    alone.kept = {key: LARGE.kept[key] for key in tree.path_keys(index, size)}
    assert tree.inclusion_proof(alone, index, size) == tree.inclusion_proof(LARGE, index, size)
    assert len(alone.kept) <= 2 * 3


@settings(deadline=None)
@given(st.integers(min_value=2, max_value=2000), st.data())
def test_an_altered_inclusion_proof_does_not_hold(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    proof, root = tree.inclusion_proof(TREE, index, size), mth(HASHES[:size])
    place = data.draw(st.integers(min_value=0, max_value=len(proof) - 1))
    altered = [*proof[:place], bytes([proof[place][0] ^ 1]) + proof[place][1:], *proof[place + 1 :]]
    longer, shorter = [*proof, root], proof[:-1]
    assert [tree.verify_inclusion(index, size, HASHES[index], each, root) for each in (altered, longer, shorter)] == [False] * 3


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=2000), st.data())
def test_consistency_holds_and_an_altered_history_does_not(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(min_value=1, max_value=new))
    proof = tree.consistency_proof(TREE, old, new)
    old_root, new_root = mth(HASHES[:old]), mth(HASHES[:new])
    assert tree.verify_consistency(old, new, old_root, new_root, proof)
    changed = data.draw(st.integers(min_value=0, max_value=old - 1))
    history = [*HASHES[:changed], tree.leaf_hash(b"rewritten"), *HASHES[changed + 1 : new]]
    assert not tree.verify_consistency(old, new, old_root, mth(history), proof)
    assert not tree.verify_consistency(old, new, old_root, new_root, [*proof, new_root])


def test_what_is_outside_the_tree_is_refused() -> None:
    with pytest.raises(ValueError, match="leaf 8 is not in a tree of 8"):
        tree.inclusion_proof(TREE, 8, 8)
    with pytest.raises(ValueError, match="no consistency proof from 0 to 8"):
        tree.consistency_proof(TREE, 0, 8)
    with pytest.raises(IndexError):
        tree.root(TREE, 2001)
    assert not tree.verify_inclusion(8, 8, HASHES[0], [], ROOTS[1])
    assert not tree.verify_consistency(0, 8, ROOTS[0], ROOTS[8], [])
    assert not tree.verify_consistency(3, 8, ROOTS[3], ROOTS[8], [])

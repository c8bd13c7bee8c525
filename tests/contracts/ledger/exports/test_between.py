"""What lies between exported entries: with it, and with nothing more, the exported leaves lead to the root."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.ledger import tree, verify_licet
from contracts.ledger.exports.between import between


class Kept:
    """Tiles in memory."""

    def __init__(self, tiles: dict[tree.TileKey, bytes]) -> None:
        self._tiles = tiles

    def tile(self, level: int, index: int) -> bytes:
        return self._tiles[level, index]


LEAVES = [tree.leaf_hash(str(number).encode()) for number in range(700)]


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 700), st.data())
def test_any_choice_of_entries_leads_to_the_root(size: int, data: st.DataObject) -> None:
    chosen = sorted(data.draw(st.sets(st.integers(0, size - 1), max_size=40)))
    source = Kept(tree.extend({}, 0, LEAVES[:size]))
    growing, upto, hashes = verify_licet.Growing(), 0, []
    for index in chosen:
        hashes += between(source, upto, index)
        upto = index + 1
    hashes += between(source, upto, size)
    left = iter(hashes)
    for index in chosen:
        growing.pass_over(index, left)
        growing.add(LEAVES[index], 0)
    growing.pass_over(size, left)
    assert (growing.root(), next(left, None)) == (tree.root_of(LEAVES[:size]), None)
    assert len(hashes) <= (len(chosen) + 1) * 2 * size.bit_length()


def test_neighbours_need_nothing_between_them() -> None:
    source = Kept(tree.extend({}, 0, LEAVES))
    assert [list(between(source, at, at)) for at in (0, 7, 700)] == [[], [], []]
    assert list(between(source, 0, 512)) == [tree.root_of(LEAVES[:512])]

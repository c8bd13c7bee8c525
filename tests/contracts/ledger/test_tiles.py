"""Tile paths as C2SP tlog-tiles writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ledger.tiles import TileRef, parse_tile_path, tile_path, width_at


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        (TileRef(0, 0), "tile/0/000"),
        (TileRef(0, 67), "tile/0/067"),
        (TileRef(0, 1067), "tile/0/x001/067"),
        (TileRef(2, 1_234_067), "tile/2/x001/x234/067"),
        (TileRef(1, 1, 17), "tile/1/001.p/17"),
        (TileRef(None, 273, 112), "tile/entries/273.p/112"),
    ],
)
def test_paths_are_those_of_the_specification(ref: TileRef, path: str) -> None:
    level, rest = path.removeprefix("tile/").split("/", 1)
    assert (tile_path(ref), parse_tile_path(level, rest)) == (path, ref)


@given(
    st.builds(TileRef, st.none() | st.integers(0, 63), st.integers(min_value=0, max_value=2**40), st.integers(min_value=1, max_value=256))
)
def test_every_path_reads_back(ref: TileRef) -> None:
    level, rest = tile_path(ref).removeprefix("tile/").split("/", 1)
    assert parse_tile_path(level, rest) == ref


@pytest.mark.parametrize(
    ("level", "rest"),
    [
        ("00", "000"),
        ("64", "000"),
        ("-1", "000"),
        ("x", "000"),
        ("0", "0"),
        ("0", "0000"),
        ("0", "x000/067"),
        ("0", "001/067"),
        ("0", "000.p/0"),
        ("0", "000.p/256"),
        ("0", "000.p/01"),
        ("0", "000.p/"),
        ("0", "000.p/1/2"),
        ("0", "../secret"),
        ("0", "٠٠٠"),
        ("٣", "000"),
    ],
)
def test_other_spellings_name_nothing(level: str, rest: str) -> None:
    assert parse_tile_path(level, rest) is None


def test_widths_follow_the_size() -> None:
    assert [width_at(*place, 70_000) for place in ((0, 0), (0, 273), (0, 274), (1, 1), (2, 0), (3, 0))] == [256, 112, 0, 17, 1, 0]

"""Following a log from outside: it goes on where it left off, and finds what was done behind what it read."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.ledger import monitor, tree
from contracts.ledger.monitor import Kept, NotWhole, follow, read_kept
from contracts.ledger.note import BadNote, CheckpointText, sign, verifier_of
from contracts.ledger.tiles import TileRef, tile_path, width_at
from contracts.ledger.tree import HASH, TILE_WIDTH, Edge
from tests.contracts.ledger.conftest import ORIGIN


class Log:
    """A log as it is published: its tiles and checkpoint by path, and what was fetched of it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.key, self.leaves, self.fetched = key, list[bytes](), list[str]()

    def grow(self, count: int) -> None:
        self.leaves += [tree.leaf_hash(b"%d" % number) for number in range(len(self.leaves), len(self.leaves) + count)]

    def fetch(self, path: str) -> bytes:
        self.fetched.append(path)
        size = len(self.leaves)
        if path == "checkpoint":
            return sign(CheckpointText(ORIGIN, size, tree.root_of(self.leaves)).text(), ORIGIN, self.key).encode()
        tiles = tree.extend({}, 0, self.leaves)
        return next(
            hashes[: width_at(level, index, size) * HASH]
            for (level, index), hashes in tiles.items()
            if tile_path(TileRef(level, index, width_at(level, index, size))) == path
        )


@pytest.fixture
def log() -> Log:
    made = Log(Ed25519PrivateKey.from_private_bytes(b"k" * 32))
    made.grow(600)
    return made


def run(log: Log, file: Path) -> tuple[int, list[tuple[int, int]]]:
    log.fetched.clear()
    told = list[tuple[int, int]]()
    found = follow(log.fetch, verifier_of(ORIGIN, log.key), read_kept(file), lambda kept: kept.save(file), lambda *each: told.append(each))
    return found.size, told


def test_it_reads_each_tile_once_and_goes_on_where_it_left_off(log: Log, tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    assert run(log, file) == (600, [(256, 600), (512, 600), (600, 600)])
    assert log.fetched == ["checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"]
    assert (run(log, file)[0], log.fetched) == (600, ["checkpoint", "tile/0/002.p/88"])
    log.grow(200)
    assert (run(log, file)[0], log.fetched) == (800, ["checkpoint", "tile/0/002", "tile/0/003.p/32", "tile/1/000.p/3"])
    assert [each.name for each in tmp_path.iterdir()] == ["kept.json"]


def test_an_interrupted_run_goes_on_and_is_held_against_the_root_all_the_same(log: Log, tmp_path: Path) -> None:
    file, verifier = tmp_path / "kept.json", verifier_of(ORIGIN, log.key)
    log.grow((monitor.SAVE_EVERY + 2) * TILE_WIDTH - 600)
    whole = {path: log.fetch(path) for path in ["checkpoint", *(f"tile/0/{index:03d}" for index in range(monitor.SAVE_EVERY + 2))]}
    whole["tile/1/000.p/66"] = log.fetch("tile/1/000.p/66")

    def cut(path: str) -> bytes:
        if path == "tile/0/065":
            raise ConnectionError(path)
        return whole[path]

    with pytest.raises(ConnectionError):
        follow(cut, verifier, read_kept(file), lambda kept: kept.save(file), lambda *_: None)
    assert (read_kept(file).edge.size, read_kept(file).checkpoint) == (monitor.SAVE_EVERY * TILE_WIDTH, "")
    asked = list[str]()

    def again(path: str) -> bytes:
        asked.append(path)
        return whole[path]

    found = follow(again, verifier, read_kept(file), lambda kept: kept.save(file), lambda *_: None)
    assert (found.size, asked) == (66 * TILE_WIDTH, ["checkpoint", "tile/0/064", "tile/0/065", "tile/1/000.p/66"])


@pytest.mark.parametrize("behind", [0, 300, 599])
def test_an_entry_that_was_changed_behind_what_was_read_shows_though_everything_was_signed_anew(
    log: Log, tmp_path: Path, behind: int
) -> None:
    file = tmp_path / "kept.json"
    run(log, file)
    log.leaves[behind] = tree.leaf_hash(b"forged")
    log.grow(100)
    with pytest.raises(NotWhole, match="the 700 leaf hashes do not lead to the root"):
        run(log, file)


def test_a_log_that_was_cut_shows(log: Log, tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    run(log, file)
    del log.leaves[599:]
    with pytest.raises(NotWhole, match="showed 600 entries before; it signs only 599 now"):
        run(log, file)


def test_tiles_that_do_not_fit_show(log: Log, tmp_path: Path) -> None:
    verifier, fetch = verifier_of(ORIGIN, log.key), log.fetch
    cases = {
        "tile/1/000.p/2": (bytes(2 * HASH), "tile 1/0 has another root for tile 0/0"),
        "tile/0/001": (bytes(TILE_WIDTH * HASH), "do not lead to the root"),
        "tile/0/002.p/88": (b"short", "tile 0/2 has 5 bytes instead of 2816"),
    }
    for place, (content, message) in cases.items():
        with pytest.raises(NotWhole, match=message):
            follow(
                lambda path, at=place, what=content: what if path == at else fetch(path), verifier, Kept(), lambda _: None, lambda *_: None
            )  # type: ignore[misc]  # mypy reads no defaults of a lambda
    with pytest.raises(BadNote, match="no known key signed"):
        follow(fetch, verifier_of(ORIGIN, Ed25519PrivateKey.generate()), Kept(), lambda _: None, lambda *_: None)


def test_an_edge_is_its_size_and_the_roots_of_its_complete_subtrees(log: Log) -> None:
    edge = Edge()
    for each in log.leaves[:300]:
        edge.append(each)
    again = Edge(edge.size, edge.roots)
    for each in log.leaves[300:]:
        again.append(each)
    assert again.root() == tree.root_of(log.leaves)
    with pytest.raises(ValueError, match="has 2 complete subtrees, not 1"):
        Edge(3, [b"x"])

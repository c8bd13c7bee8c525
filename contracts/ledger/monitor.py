"""Following somebody's log from outside, over its public tiles: recomputes the tree from every leaf hash, and goes on where it left off.

Whoever runs this now and then holds the log to what it showed before: the roots of what was read are kept, so a log that changes,
removes or reorders an entry behind them never again leads to the root that it signs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.ledger import note, tree
from contracts.ledger.note import CheckpointText, Verifier
from contracts.ledger.tiles import TileRef, tile_path, width_at
from contracts.ledger.tree import HASH, TILE_WIDTH, Edge

Fetch = Callable[[str], bytes]
"""Gives what lies at a path behind the log's address, such as `checkpoint` or `tile/0/000`."""
Progress = Callable[[int, int], None]
SAVE_EVERY = 64
"""Tiles between two savings of what was read: 16,384 entries."""


class NotWhole(ValueError):
    """The log is not what it signs; the message says where."""


@dataclass(slots=True)
class Kept:
    """What was read so far: `edge` of all leaf hashes, and the newest checkpoint that they were held against."""

    checkpoint: str = ""
    edge: Edge = field(default_factory=Edge)

    def save(self, file: Path) -> None:
        """Write it in one step."""
        keep(file, {"checkpoint": self.checkpoint, "size": self.edge.size, "roots": [each.hex() for each in self.edge.roots]})


def keep(file: Path, told: Mapping[str, Any]) -> None:
    """Put facts into a file in one step, so that whatever interrupts leaves it as it was or as it shall be."""
    fresh = file.with_name(f"{file.name}.new")
    with fresh.open("w", encoding="utf-8") as opened:
        json.dump(told, opened)
        opened.flush()
        os.fsync(opened.fileno())
    fresh.replace(file)


def read_kept(file: Path) -> Kept:
    """What an earlier run kept; nothing where there is no such file. ValueError for a file that is something else."""
    if not file.exists():
        return Kept()
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return Kept(told["checkpoint"], Edge(told["size"], [bytes.fromhex(each) for each in told["roots"]]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} was not written by following a log") from error


def follow(fetch: Fetch, verifier: Verifier, kept: Kept, saved: Callable[[Kept], None], progress: Progress) -> CheckpointText:
    """Read what is new and hold it against the newest checkpoint; `saved` is given what to go on from, now and then and at the end.

    Raises `NotWhole`, and `BadNote` for a checkpoint that the key did not sign. Nothing is saved of what did not hold at the end; a run
    that was interrupted goes on behind the tiles that it had read, and holds them against the root all the same.
    """
    signed = fetch("checkpoint").decode("utf-8", "replace")
    told = note.open_checkpoint(signed, [verifier])
    if told.origin != verifier.name:
        raise NotWhole(f"the checkpoint is of {told.origin}, the key of {verifier.name}")
    before = note.open_checkpoint(kept.checkpoint, [verifier]) if kept.checkpoint else CheckpointText(told.origin, 0, tree.EMPTY_ROOT)
    if told.size < max(before.size, kept.edge.size):
        raise NotWhole(f"the log showed {max(before.size, kept.edge.size)} entries before; it signs only {told.size} now")
    filled = _read_leaves(fetch, told.size, kept, saved, progress)
    if kept.edge.root() != told.root:
        saved(Kept())
        raise NotWhole(
            f"the {told.size} leaf hashes do not lead to the root that the checkpoint signs: an entry was changed, removed, added or moved"
        )
    _check_above(fetch, told.size, filled)
    kept.checkpoint = signed
    saved(kept)
    return told


def _read_leaves(fetch: Fetch, size: int, kept: Kept, saved: Callable[[Kept], None], progress: Progress) -> dict[int, bytes]:
    """Take the leaf hashes from where `kept` ends; returns the roots of the tiles that were read whole, by index."""
    filled = dict[int, bytes]()
    first = kept.edge.size // TILE_WIDTH
    for index in range(first, -(-size // TILE_WIDTH)):
        hashes = _tile(fetch, 0, index, size)
        for each in hashes[max(0, kept.edge.size - index * TILE_WIDTH) :]:
            kept.edge.append(each)
        if len(hashes) == TILE_WIDTH:
            filled[index] = tree.root_of(hashes)
        progress(kept.edge.size, size)
        if (index - first) % SAVE_EVERY == SAVE_EVERY - 1:
            saved(kept)
    return filled


def _check_above(fetch: Fetch, size: int, filled: dict[int, bytes]) -> None:
    """The tiles of the levels above against those below that were read: from them proofs are made."""
    level = 1
    while filled:
        above = dict[int, bytes]()
        for index in sorted({each // TILE_WIDTH for each in filled}):
            hashes = _tile(fetch, level, index, size)
            wrong = [each for each, root in filled.items() if each // TILE_WIDTH == index and hashes[each % TILE_WIDTH] != root]
            if wrong:
                raise NotWhole(f"tile {level}/{index} has another root for tile {level - 1}/{wrong[0]}")
            if len(hashes) == TILE_WIDTH:
                above[index] = tree.root_of(hashes)
        level, filled = level + 1, above


def _tile(fetch: Fetch, level: int, index: int, size: int) -> list[bytes]:
    width = width_at(level, index, size)
    raw = fetch(tile_path(TileRef(level, index, width)))
    if len(raw) != width * HASH:
        raise NotWhole(f"tile {level}/{index} has {len(raw)} bytes instead of {width * HASH}")
    return tree.split(raw)

"""How far a check of the whole ledger has come, kept in a file so that the next one goes on behind it.

What was read is held on to by its hashes: the tiles must still lead to them. The leaves themselves, and what stands beside them, are
not read again; who wants that checks without such a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.ledger import tree
from contracts.ledger.monitor import keep
from contracts.ledger.rows import PIECE
from contracts.ledger.tree import Edge, HashSource

SAVE_EVERY = 64
"""Pieces between two savings: 65,536 entries, which take about a second."""


@dataclass(frozen=True, slots=True)
class Reached:
    """All before `size` held: the roots of their complete subtrees, each node's last number, and how many values and entries are gone."""

    size: int
    roots: tuple[bytes, ...]
    numbers: Mapping[str, int]
    erased: int
    pruned: int

    def edge(self) -> Edge:
        """The tree so far."""
        return Edge(self.size, self.roots)

    def save(self, file: Path) -> None:
        """Write it in one step."""
        told = {"size": self.size, "roots": [each.hex() for each in self.roots], "numbers": dict(self.numbers)}
        keep(file, told | {"erased": self.erased, "pruned": self.pruned})


NOTHING = Reached(0, (), {}, 0, 0)


@dataclass(frozen=True, slots=True)
class Resume:
    """What an earlier check reached, and who is told what this one did, after so many pieces; nothing is told once something is wrong."""

    before: Reached
    saved: Callable[[Reached], None]
    every: int = SAVE_EVERY
    piece: int = PIECE


def read_reached(file: Path) -> Reached:
    """What an earlier check kept; nothing where there is no such file. ValueError for a file that is something else."""
    if not file.exists():
        return NOTHING
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        found = Reached(told["size"], tuple(bytes.fromhex(each) for each in told["roots"]), told["numbers"], told["erased"], told["pruned"])
        found.edge()
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} was not written by a check of this ledger") from error
    return found


def still_leads(source: HashSource, size: int, root: bytes) -> bool:
    """Whether the first `size` leaves of a tree have this root."""
    try:
        return tree.root(source, size) == root
    except IndexError:
        return False

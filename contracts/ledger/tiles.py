"""Paths of tiles and their existence, as C2SP tlog-tiles writes them: `tile/<L>/<N>[.p/<W>]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from contracts.ledger.tree import TILE_WIDTH

_PATH = re.compile(r"(?:x\d{3}/)*\d{3}")
_LEVEL = re.compile(r"0|[1-9]\d?")
_WIDTH = re.compile(r"[1-9]\d{0,2}")


@dataclass(frozen=True, slots=True)
class TileRef:
    """One tile: level (None for a bundle of entries), index, and how many hashes or entries of it are meant."""

    level: int | None
    index: int
    width: int = TILE_WIDTH


def tile_path(ref: TileRef) -> str:
    """The path behind the prefix: `tile/0/x001/x234/067`, `tile/entries/000.p/12`."""
    groups = [ref.index % 1000]
    rest = ref.index // 1000
    while rest:
        groups.append(rest % 1000)
        rest //= 1000
    numbers = [f"x{group:03d}" for group in reversed(groups[1:])] + [f"{groups[0]:03d}"]
    level = "entries" if ref.level is None else str(ref.level)
    partial = "" if ref.width == TILE_WIDTH else f".p/{ref.width}"
    return f"tile/{level}/{'/'.join(numbers)}{partial}"


def parse_tile_path(level: str, rest: str) -> TileRef | None:
    """The tile that `tile/<level>/<rest>` names; None where the path is not in its one canonical form."""
    number, marker, width = rest.partition(".p/")
    if not _PATH.fullmatch(number) or (level != "entries" and (not _LEVEL.fullmatch(level) or int(level) > 63)):
        return None
    if marker and (not _WIDTH.fullmatch(width) or int(width) >= TILE_WIDTH):
        return None
    index = int(number.replace("x", "").replace("/", ""))
    ref = TileRef(None if level == "entries" else int(level), index, int(width) if marker else TILE_WIDTH)
    return ref if tile_path(ref) == f"tile/{level}/{rest}" else None


def width_at(level: int, index: int, size: int) -> int:
    """How many hashes tile (level, index) has in a tree of `size`; 0 where there is no such tile."""
    hashes: int = size // TILE_WIDTH**level
    return max(0, min(TILE_WIDTH, hashes - index * TILE_WIDTH))

"""What a run would take away: read from the leaves, nothing changed. The page shows it a day before it is done.

Entries are pruned 256 together, a whole tile of the tree (C2SP tlog-tiles, "Pruning"): the hashes stay, so every proof does. Below
the minimum index all tiles are pruned but those that a hold names, or that are not what was signed: those are told one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from contracts.holds.standing import Holds, held
from contracts.ledger import tree
from contracts.ledger.projection import UNREADABLE, read_leaf
from contracts.ledger.tables import LedgerEntry, LedgerHead, LedgerTile, SealedValues
from contracts.ledger.tree import TILE_WIDTH
from contracts.retention.policy import Kind, Policy, kind_of
from contracts.retention.tables import RetentionPlace

CHUNK = 500
MOST_RANGES = 500
"""Ranges of kept tiles that a leaf can tell of; where there are more, pruning ends before them until holds have ended."""

Range = tuple[int, int]
"""The first of some tiles, and the first behind them."""


@dataclass(frozen=True, slots=True)
class Span:
    """Values of one kind: looked at from an entry on to another, how many entries lose theirs, how many are held."""

    first: int
    until: int
    entries: int
    held: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one run takes away. `kept` are tiles below `minimum` that stay; `tiles` are those that go with it."""

    values: dict[Kind, Span]
    minimum: int
    kept: list[Range]
    tiles: list[Range]

    @property
    def entries(self) -> int:
        """How many entries are pruned."""
        return TILE_WIDTH * sum(end - first for first, end in self.tiles)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.tiles and not any(each.entries for each in self.values.values())

    def told(self) -> dict[str, Any]:
        """As the run's row keeps it."""
        spans = {kind.value: [each.first, each.until, each.entries, each.held] for kind, each in self.values.items()}
        return {"values": spans, "minimum": self.minimum, "kept": self.kept, "tiles": self.tiles}


def read_plan(told: dict[str, Any]) -> Plan:
    """A plan as a row keeps it."""
    values = {Kind(kind): Span(*each) for kind, each in told.get("values", {}).items()}
    ranges = {name: [(first, end) for first, end in told.get(name, [])] for name in ("kept", "tiles")}
    return Plan(values, told.get("minimum", 0), ranges["kept"], ranges["tiles"])


def plan(session: Session, policy: Policy, holds: Holds, at: datetime, before: Plan) -> Plan:
    """What is over at a moment, in a tree of which `before` has been done."""
    size = session.exec(select(LedgerHead.size)).first() or 0
    places = {row.kind: row.next for row in session.exec(select(RetentionPlace)).all()}
    values = {}
    for kind in Kind:
        if (cutoff := policy.values_before(kind, at)) is not None:
            values[kind] = _span(session, holds, kind, places.get(kind.value, 0), size, cutoff)
    entries_before = policy.entries_before(at)
    if entries_before is None:
        return Plan(values, before.minimum, before.kept, [])
    return _tiles(session, holds, size, entries_before, before, values)


def with_values(session: Session, first: int, until: int) -> Iterator[list[tuple[int, str, bytes]]]:
    """Entries from one place to before another that have values left, some at a time."""
    has_values = select(SealedValues.entry_id).where(col(SealedValues.entry_id) == col(LedgerEntry.id)).exists()
    columns = (col(LedgerEntry.index), col(LedgerEntry.id), col(LedgerEntry.leaf))
    while True:
        query = select(*columns).where(col(LedgerEntry.index) >= first, col(LedgerEntry.index) < until, has_values)
        rows = [(int(index), entry_id, leaf) for index, entry_id, leaf in session.exec(query.order_by(columns[0]).limit(CHUNK)).all()]
        if not rows:
            return
        yield rows
        first = rows[-1][0] + 1


def told_of(leaf: bytes) -> tuple[Kind, datetime] | None:
    """Kind and moment of an entry; None where it cannot be read, and is left alone."""
    try:
        facts = read_leaf(leaf)
        return kind_of(facts["event"]), datetime.fromisoformat(facts["at"])
    except UNREADABLE:
        return None


def of_tile(session: Session, tile: int) -> list[tuple[int, str, bytes]]:
    """The entries of a tile that are there."""
    columns = (col(LedgerEntry.index), col(LedgerEntry.id), col(LedgerEntry.leaf))
    here = col(LedgerEntry.index).between(tile * TILE_WIDTH, (tile + 1) * TILE_WIDTH - 1)
    return [(int(index), entry_id, leaf) for index, entry_id, leaf in session.exec(select(*columns).where(here).order_by(columns[0])).all()]


def ranges(tiles: Iterable[int]) -> list[Range]:
    """Tiles in ascending order, told as ranges."""
    found: list[Range] = []
    for tile in tiles:
        if found and found[-1][1] == tile:
            found[-1] = (found[-1][0], tile + 1)
        else:
            found.append((tile, tile + 1))
    return found


def each_of(some: Iterable[Range]) -> Iterator[int]:
    """The tiles of ranges."""
    for first, end in some:
        yield from range(first, end)


def _span(session: Session, holds: Holds, kind: Kind, first: int, size: int, cutoff: datetime) -> Span:
    entries = kept = 0
    until = first
    for rows in with_values(session, first, size):
        told = [(index, entry_id, leaf, told_of(leaf)) for index, entry_id, leaf in rows]
        late = next((place for place, (*_, each) in enumerate(told) if each is not None and each[1] >= cutoff), len(told))
        mine = [(entry_id, leaf) for _, entry_id, leaf, each in told[:late] if each is not None and each[0] is kind]
        spared = len(held(session, holds, mine))
        entries, kept = entries + len(mine) - spared, kept + spared
        until = told[late - 1][0] + 1 if late else until
        if late < len(told):
            break
    return Span(first, until, entries, kept)


def _tiles(session: Session, holds: Holds, size: int, cutoff: datetime, before: Plan, values: dict[Kind, Span]) -> Plan:
    gone, kept = list[int](), list[int]()
    for tile in each_of(before.kept):
        (gone if _free(session, holds, tile) else kept).append(tile)
    minimum = before.minimum
    while minimum + TILE_WIDTH <= size and _is_over(rows := of_tile(session, minimum // TILE_WIDTH), cutoff):
        tile = minimum // TILE_WIDTH
        (gone if _intact(session, tile, rows) and not _is_held(session, holds, rows) else kept).append(tile)
        if len(ranges(kept)) > MOST_RANGES:
            kept.pop()
            break
        minimum += TILE_WIDTH
    return Plan(values, minimum, ranges(kept), ranges(sorted(gone)))


def _free(session: Session, holds: Holds, tile: int) -> bool:
    rows = of_tile(session, tile)
    return _intact(session, tile, rows) and not _is_held(session, holds, rows)


def _is_over(rows: Sequence[tuple[int, str, bytes]], cutoff: datetime) -> bool:
    moments = [told[1] for *_, leaf in rows if (told := told_of(leaf)) is not None]
    return bool(moments) and all(each < cutoff for each in moments)


def _is_held(session: Session, holds: Holds, rows: Sequence[tuple[int, str, bytes]]) -> bool:
    return bool(held(session, holds, [(entry_id, leaf) for _, entry_id, leaf in rows]))


def _intact(session: Session, tile: int, rows: Sequence[tuple[int, str, bytes]]) -> bool:
    """Whether the entries are all there as they were signed: what was changed or removed must not go with what is over."""
    hashes = session.exec(select(LedgerTile.hashes).where(LedgerTile.level == 0, LedgerTile.index == tile)).first()
    return hashes is not None and bytes(hashes) == b"".join(tree.leaf_hash(leaf) for *_, leaf in rows)

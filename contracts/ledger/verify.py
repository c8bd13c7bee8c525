"""Verification: recomputes the whole ledger from the stored leaves and says the first thing that is wrong.

What is compared, and with what:
- the hash of each leaf with the tile, the tiles with each other, and both with the root of every checkpoint;
- every checkpoint's signature with the ledger's keys; the head with the newest checkpoint; a checkpoint that an outsider held;
- id and what search shows with the leaf; node numbers with their unbroken count; personal values with their commitments.

Whoever holds the signing key and the store can rewrite everything consistently; only the held checkpoint shows that.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from contracts.keys import KeyRing
from contracts.ledger import note, tree
from contracts.ledger.contents import Contents, Row
from contracts.ledger.diagnose import MOST, Problem, Stored, name_all, split_hashes
from contracts.ledger.note import CheckpointText
from contracts.ledger.projection import COLUMNS
from contracts.ledger.sequencer import HEAD
from contracts.ledger.source import public_keys
from contracts.ledger.tables import Checkpoint, LedgerEntry, LedgerHead, LedgerTile, SearchedEntry
from contracts.ledger.tiles import width_at
from contracts.ledger.tree import HASH, Edge
from contracts.store.unit import Store

Progress = Callable[[int, int], None]
_CHUNK = 1_000
_MISSING = bytes(HASH)
_ENTRIES = sql_select(col(LedgerEntry.index), col(LedgerEntry.id), col(LedgerEntry.leaf)).order_by(col(LedgerEntry.index)).limit(_CHUNK)
_SEARCHED: Select[Any] = sql_select(col(SearchedEntry.index), *(col(getattr(SearchedEntry, name)) for name in COLUMNS))
_NOTHING = CheckpointText("", 0, tree.EMPTY_ROOT)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome. `problems` begins with the first wrong entry; `erased` counts personal values erased with their proofs intact."""

    ok: bool
    problems: list[Problem]
    size: int
    root: str
    erased: int
    checkpoints: int


@dataclass(slots=True)
class _Signed:
    """Checkpoints in order of size with what they say, and those whose roots neither tiles nor rows lead to."""

    told: list[CheckpointText]
    bad_tiles: list[int] = field(default_factory=list)
    bad_rows: list[int] = field(default_factory=list)


def verify(store: Store, keys: KeyRing, progress: Progress | None = None, held: str | None = None) -> Report:
    """Recompute everything in one snapshot. `progress` is told (entries done, all); `held` is a checkpoint that someone kept."""
    with store.read() as session:
        _pin(session)
        return _Verification(session, keys, progress or (lambda _done, _all: None), held).run()


def _pin(session: Session) -> None:
    """One snapshot for all reads: SQLite gives it by itself, PostgreSQL when asked."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


class _Verification:
    def __init__(self, session: Session, keys: KeyRing, progress: Progress, held: str | None) -> None:
        self._session, self._keys, self._progress, self._held = session, keys, progress, held
        head = session.get(LedgerHead, HEAD)
        self._size, self._root = (head.size, head.root) if head else (0, tree.EMPTY_ROOT)
        self._problems: list[Problem] = []
        self._wrong: list[Stored] = []
        self._waiting: list[Row] = []
        self._shown: dict[int, tuple[Any, ...]] = {}

    def run(self) -> Report:
        """All checks, cheap to explain ones last, so that the first problem is the cause of the others."""
        checkpoints, aside = self._checkpoints()
        signed = _Signed(checkpoints)
        contents = Contents(self._session)
        self._walk(signed, contents)
        self._blame(signed)
        contents.finish(self._size, self._waiting, complete=not self._wrong)
        problems = sorted(self._problems + contents.problems, key=lambda each: self._size if each.index is None else each.index)
        problems += [*self._tiles_above(), *aside, *self._head(checkpoints)]
        return Report(not problems, problems[:MOST], self._size, self._root.hex(), contents.erased, len(checkpoints))

    def _checkpoints(self) -> tuple[list[CheckpointText], list[Problem]]:
        publics = public_keys(self._session, self._keys)
        told, problems = [], []
        for row in self._session.exec(select(Checkpoint).order_by(col(Checkpoint.size))).all():
            try:
                name = row.note.partition("\n")[0]
                text = note.open_checkpoint(row.note, [note.Verifier(name, each) for each in publics])
            except ValueError as error:
                problems.append(Problem(None, "", f"the checkpoint of {row.size} entries does not verify: {error}"))
                continue
            if (text.size, text.root) != (row.size, row.root):
                problems.append(Problem(None, "", f"the checkpoint of {row.size} entries says another size or root than its row"))
            told.append(text)
        if self._held is not None:
            told.append(self._open_held(publics, problems))
        return sorted(told, key=lambda each: each.size), problems

    def _open_held(self, publics: list[bytes], problems: list[Problem]) -> CheckpointText:
        held = self._held or ""
        try:
            text = note.open_checkpoint(held, [note.Verifier(held.partition("\n")[0], each) for each in publics])
        except ValueError as error:
            problems.append(Problem(None, "", f"the checkpoint that you hold was not signed by this ledger: {error}"))
            return _NOTHING
        if text.size > self._size:
            problems.append(Problem(None, "", f"you hold a checkpoint of {text.size} entries; the ledger has only {self._size}"))
            return _NOTHING
        return text

    def _walk(self, signed: _Signed, contents: Contents) -> None:
        """Every place of the tree in order: row against tile, roots against checkpoints, contents against columns."""
        tiles, rows, due = Edge(), None, 0
        for index, leaf_hash, row in self._places():
            actual = tree.leaf_hash(row.leaf) if row is not None else _MISSING
            if actual != leaf_hash and rows is None:
                rows = copy.deepcopy(tiles)
            tiles.append(leaf_hash)
            if rows is not None:
                rows.append(actual)
            if actual == leaf_hash and row is not None:
                contents.check(row, self._shown.get(index))
            else:
                contents.skip()
                self._wrong.append(Stored(index, actual if row is not None else None, row.id if row is not None else ""))
            while due < len(signed.told) and signed.told[due].size <= index + 1:
                _compare(signed, signed.told[due], tiles, rows or tiles)
                due += 1
            if index % _CHUNK == 0:
                self._progress(index, self._size)
        self._progress(self._size, self._size)

    def _places(self) -> Iterator[tuple[int, bytes, Row | None]]:
        """Each index with its signed leaf hash (from the tiles) and the row stored there; rows behind the tree wait for it."""
        rows = self._rows()
        row = next(rows, None)
        for index, leaf_hash in enumerate(self._leaf_hashes()):
            while row is not None and row.place < index:
                self._stray(row)
                row = next(rows, None)
            here = row if row is not None and row.place == index else None
            yield index, leaf_hash, here
            if here is not None:
                row = next(rows, None)
        self._waiting = [*([row] if row is not None else []), *rows]

    def _stray(self, row: Row) -> None:
        what = f"an entry was inserted at {row.place}, outside the {self._size} that were signed"
        self._problems.append(Problem(row.place, row.id, what))

    def _rows(self) -> Iterator[Row]:
        """Every entry in order. Rows as tuples: objects of the tables would cost more than all that is checked of them."""
        last: int | None = None
        while True:
            query = _ENTRIES if last is None else _ENTRIES.where(col(LedgerEntry.index) > last)
            chunk = [Row(*each) for each in self._session.connection().execute(query)]
            if chunk:
                self._shown = self._searched(chunk[0].place, chunk[-1].place)
            yield from chunk
            if len(chunk) < _CHUNK:
                return
            last = chunk[-1].place

    def _searched(self, first: int, last: int) -> dict[int, tuple[Any, ...]]:
        rows = self._session.connection().execute(_SEARCHED.where(col(SearchedEntry.index).between(first, last)))
        return {index: tuple(columns) for index, *columns in rows}

    def _leaf_hashes(self) -> Iterator[bytes]:
        """The leaf hashes as the tiles have them; a missing one counts as 32 zero bytes."""
        for index in range((self._size + tree.TILE_WIDTH - 1) // tree.TILE_WIDTH):
            yield from split_hashes([self._tile(0, index).ljust(width_at(0, index, self._size) * HASH, b"\0")])

    def _tile(self, level: int, index: int) -> bytes:
        where = (col(LedgerTile.level) == level) & (col(LedgerTile.index) == index)
        stored: bytes = self._session.execute(sql_select(col(LedgerTile.hashes)).where(where)).scalar() or b""
        return stored[: width_at(level, index, self._size) * HASH]

    def _signed_at(self, index: int) -> bytes:
        tile, place = divmod(index, tree.TILE_WIDTH)
        return self._tile(0, tile)[place * HASH : (place + 1) * HASH]

    def _blame(self, signed: _Signed) -> None:
        """Where rows and tiles differ, the checkpoints say which of them is false."""
        if not signed.bad_tiles:
            self._problems += name_all(self._wrong, self._leaf_hashes, self._signed_at)
        elif not signed.bad_rows:
            self._problems += [
                Problem(
                    each.index,
                    each.entry_id,
                    f"tile 0/{each.index // tree.TILE_WIDTH} was changed: it has another hash for entry {each.index}",
                )
                for each in self._wrong[:MOST]
            ]
        else:
            first = signed.bad_rows[0]
            since = max((each.size for each in signed.told if each.size < first), default=0)
            what = f"entries {since} to {first - 1} are not those that the checkpoint of {first} entries signed"
            named = name_all(self._wrong, self._leaf_hashes, self._signed_at)
            self._problems += [*named, Problem(since, "", what)]

    def _tiles_above(self) -> list[Problem]:
        """Tiles of the levels above against those below, and their widths against the size."""
        problems, level, size = [], 0, self._size
        while size:
            tiles = (size + tree.TILE_WIDTH - 1) // tree.TILE_WIDTH
            widths = [width_at(level, index, self._size) for index in range(tiles)]
            for index, width in enumerate(widths):
                hashes = self._tile(level, index)
                if len(hashes) != width * HASH:
                    problems.append(Problem(None, "", f"tile {level}/{index} has {len(hashes) // HASH} of {width} hashes"))
                elif width == tree.TILE_WIDTH and tree.root_of(tree.split(hashes)) != self._above(level + 1, index):
                    problems.append(
                        Problem(None, "", f"tile {level + 1}/{index // tree.TILE_WIDTH} has another root for tile {level}/{index}")
                    )
            level, size = level + 1, size // tree.TILE_WIDTH
        return problems

    def _above(self, level: int, index: int) -> bytes:
        tile, place = divmod(index, tree.TILE_WIDTH)
        return self._tile(level, tile)[place * HASH : (place + 1) * HASH]

    def _head(self, checkpoints: list[CheckpointText]) -> list[Problem]:
        newest = max((each.size for each in checkpoints if each.origin), default=0)
        if newest > self._size:
            return [
                Problem(self._size, "", f"a checkpoint signed {newest} entries; the ledger has only {self._size}: the last were cut off")
            ]
        if newest < self._size:
            return [Problem(None, "", f"the newest checkpoint signs {newest} of {self._size} entries")]
        if self._size and self._root not in [each.root for each in checkpoints if each.size == self._size]:
            return [Problem(None, "", f"the head of {self._size} entries has another root than its checkpoint")]
        return []


def _compare(signed: _Signed, told: CheckpointText, tiles: Edge, rows: Edge) -> None:
    if told.size != tiles.size:
        return
    if tiles.root() != told.root:
        signed.bad_tiles.append(told.size)
    if rows.root() != told.root:
        signed.bad_rows.append(told.size)

"""Verification: recomputes the whole ledger from the stored leaves and says the first thing that is wrong.

What is compared, and with what:
- the hash of each leaf with the tile, the tiles with each other, and both with the root of every checkpoint;
- every checkpoint's signature with the ledger's keys; the head with the newest checkpoint; a checkpoint that an outsider held;
- id and what search shows with the leaf; node numbers with their unbroken count; personal values with their commitments.

Entries that retention pruned are missing by the word of an entry in the tree (`contracts.retention.warrant`); their hashes count on.

Whoever holds the signing key and the store can rewrite everything consistently; only the held checkpoint shows that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlmodel import Session, col, select

from contracts.keys import KeyRing
from contracts.ledger import note, rows, tree
from contracts.ledger.contents import Contents
from contracts.ledger.diagnose import MOST, Problem, Stored, name_all
from contracts.ledger.note import CheckpointText
from contracts.ledger.reached import NOTHING, Reached, Resume, still_leads
from contracts.ledger.roots import Roots
from contracts.ledger.rows import END, Row
from contracts.ledger.sequencer import HEAD
from contracts.ledger.source import StoredTiles, public_keys
from contracts.ledger.tables import Checkpoint, LedgerHead
from contracts.ledger.tiles import width_at
from contracts.ledger.tree import HASH, TILE_WIDTH
from contracts.retention.warrant import warrant
from contracts.store.unit import Store

Progress = Callable[[int, int], None]
_MISSING = bytes(HASH)
_NO_CHECKPOINT = CheckpointText("", 0, tree.EMPTY_ROOT)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome. `problems` begins with the first wrong entry; `erased` counts personal values erased with their proofs intact.

    `pruned` counts entries whose period was over (`contracts.retention`): only their hash is left, which every root is checked with.
    `before` counts those that an earlier check read, and this one did not read again.
    """

    ok: bool
    problems: list[Problem]
    size: int
    root: str
    erased: int
    checkpoints: int
    pruned: int = 0
    before: int = 0


def verify(store: Store, keys: KeyRing, progress: Progress | None = None, held: str | None = None, resume: Resume | None = None) -> Report:
    """Recompute everything in one snapshot, or everything behind what an earlier check reached.

    `progress` is told (entries done, all); `held` is a checkpoint that someone kept.
    """
    with store.read() as session:
        _pin(session)
        return _Verification(session, keys, progress or (lambda _done, _all: None), held, resume or Resume(NOTHING, lambda _: None)).run()


def _pin(session: Session) -> None:
    """One snapshot for all reads: SQLite gives it by itself, PostgreSQL when asked."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


class _Verification:
    def __init__(self, session: Session, keys: KeyRing, progress: Progress, held: str | None, resume: Resume) -> None:
        self._session, self._keys, self._progress, self._held = session, keys, progress, held
        self._connection = session.connection()
        head = session.get(LedgerHead, HEAD)
        self._size, self._root = (head.size, head.root) if head else (0, tree.EMPTY_ROOT)
        self._problems: list[Problem] = []
        self._wrong: list[Stored] = []
        self._before = self._held_on(resume.before)
        self._resume, self._piece = resume, resume.piece
        self._warrant, self._pruned = warrant(session, self._size), self._before.pruned

    def run(self) -> Report:
        """All checks, cheap to explain ones last, so that the first problem is the cause of the others."""
        checkpoints, aside = self._checkpoints()
        roots, contents = Roots(checkpoints, self._before.edge()), Contents(self._session, self._before)
        self._walk(roots, contents, sound=not aside)
        self._hold(checkpoints, roots)
        self._blame(roots)
        contents.finish(self._size, rows.entries(self._connection, self._size, END), complete=not self._wrong)
        problems = sorted(self._problems + contents.problems, key=lambda each: self._size if each.index is None else each.index)
        problems += [*self._tiles_above(roots), *aside, *self._head(checkpoints)]
        if not problems:
            self._save(roots, contents)
        gone, before = (contents.erased, len(checkpoints), self._pruned), self._before.size
        return Report(not problems, problems[:MOST], self._size, self._root.hex(), *gone, before)

    def _held_on(self, before: Reached) -> Reached:
        """Where to go on: behind what an earlier check read, from the first entry on where the ledger does not begin with that any more."""
        if before.size > self._size:
            what = f"an earlier check read {before.size} entries; the ledger has only {self._size}"
        elif not still_leads(StoredTiles(self._session), before.size, before.edge().root()):
            what = f"the first {before.size} entries are not those that an earlier check read"
        else:
            return before
        self._problems.append(Problem(None, "", what))
        return NOTHING

    def _save(self, roots: Roots, contents: Contents) -> None:
        edge = roots.tiles
        self._resume.saved(Reached(edge.size, tuple(edge.roots), dict(contents.numbers), contents.erased, self._pruned))

    def _hold(self, checkpoints: list[CheckpointText], roots: Roots) -> None:
        """Checkpoints of what an earlier check read: against the tiles, which lead to where this one went on."""
        for told in checkpoints:
            if 0 < told.size <= self._before.size and not still_leads(StoredTiles(self._session), told.size, told.root):
                roots.bad_tiles.append(told.size)
                roots.bad_rows.append(told.size)

    def _checkpoints(self) -> tuple[list[CheckpointText], list[Problem]]:
        publics = public_keys(self._session, self._keys)
        told, problems = [], []
        behind = col(Checkpoint.size) >= self._before.size
        for row in self._session.exec(select(Checkpoint).where(behind).order_by(col(Checkpoint.size))).all():
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
            return _NO_CHECKPOINT
        if text.size > self._size:
            problems.append(Problem(None, "", f"you hold a checkpoint of {text.size} entries; the ledger has only {self._size}"))
            return _NO_CHECKPOINT
        return text

    def _walk(self, roots: Roots, contents: Contents, *, sound: bool) -> None:
        """Every place of the tree in order: row against tile, roots against checkpoints, contents against columns."""
        for place, entry_id, _ in rows.entries(self._connection, -END, 0):
            what = f"an entry was inserted at {place}, outside the {self._size} that were signed"
            self._problems.append(Problem(place, entry_id, what))
        for number, (start, end) in enumerate(self._pieces(), 1):
            self._progress(start, self._size)
            signed, stored = self._signed(start, end), rows.entries(self._connection, start, end)
            hashes = tree.leaf_hashes([leaf for _, _, leaf in stored])
            if hashes == signed and rows.unbroken(stored, start):
                contents.check(stored)
            else:
                hashes = self._one_by_one(start, signed, stored, contents)
            roots.take(signed, hashes)
            wrong = self._problems or self._wrong or contents.problems or roots.bad_tiles
            if number % self._resume.every == 0 and sound and not wrong:
                self._save(roots, contents)
        self._progress(self._size, self._size)

    def _pieces(self) -> Iterator[tuple[int, int]]:
        """Where each piece begins and ends: at whole tiles, the first where an earlier check left off."""
        start = self._before.size
        while start < self._size:
            end = min((start // self._piece + 1) * self._piece, self._size)
            yield start, end
            start = end

    def _one_by_one(self, start: int, signed: bytes, stored: list[Row], contents: Contents) -> bytes:
        """A piece in which something is wrong; returns the hashes that its rows have, a missing one as 32 zero bytes."""
        found, hashes = {row[0]: row for row in stored}, list[bytes]()
        contents.read(start, start + len(signed) // HASH, {row[1] for row in stored})
        for index, leaf_hash in enumerate(tree.split(signed), start):
            row = found.get(index)
            hashes.append(self._absent(index, leaf_hash) if row is None else tree.leaf_hash(row[2]))
            if row is not None and hashes[-1] == leaf_hash:
                contents.check_one(*row)
            elif hashes[-1] == leaf_hash:
                contents.pass_over()
                self._pruned += 1
            else:
                contents.skip()
                self._wrong.append(Stored(index, None, "") if row is None else Stored(index, hashes[-1], row[1]))
        return b"".join(hashes)

    def _absent(self, index: int, leaf_hash: bytes) -> bytes:
        """What counts as the hash of an entry that is not there: its own, where it was pruned."""
        return leaf_hash if self._warrant.covers(index) else _MISSING

    def _signed(self, start: int, end: int) -> bytes:
        """The leaf hashes of these places as the tiles have them, end to end; a missing one counts as 32 zero bytes."""
        first, last = start // TILE_WIDTH, -(-end // TILE_WIDTH)
        whole = b"".join(hashes.ljust(width * HASH, b"\0") for hashes, width in self._tiles(0, first, last))
        return whole[(start - first * TILE_WIDTH) * HASH : (end - first * TILE_WIDTH) * HASH]

    def _tiles(self, level: int, first: int, last: int) -> Iterator[tuple[bytes, int]]:
        """The hashes of each tile from `first` to before `last`, none of one that is not stored, and how many it should have."""
        stored = rows.tiles(self._connection, level, first, last)
        for index in range(first, last):
            width = width_at(level, index, self._size)
            yield stored.get(index, b"")[: width * HASH], width

    def _leaf_hashes(self) -> Iterator[bytes]:
        for start in range(0, self._size, self._piece):
            yield from tree.split(self._signed(start, min(start + self._piece, self._size)))

    def _signed_at(self, index: int) -> bytes:
        return self._signed(index, index + 1)

    def _blame(self, roots: Roots) -> None:
        """Where rows and tiles differ, the checkpoints say which of them is false."""
        if not roots.bad_tiles:
            self._problems += name_all(self._wrong, self._leaf_hashes, self._signed_at)
        elif not roots.bad_rows:
            self._problems += [
                Problem(
                    each.index,
                    each.entry_id,
                    f"tile 0/{each.index // TILE_WIDTH} was changed: it has another hash for entry {each.index}",
                )
                for each in self._wrong[:MOST]
            ]
        else:
            first = roots.bad_rows[0]
            since = max((each.size for each in roots.told if each.size < first), default=0)
            what = f"entries {since} to {first - 1} are not those that the checkpoint of {first} entries signed"
            named = name_all(self._wrong, self._leaf_hashes, self._signed_at)
            self._problems += [*named, Problem(since, "", what)]

    def _tiles_above(self, roots: Roots) -> list[Problem]:
        """Tiles of the levels above against those below, and their widths against the size."""
        problems, level, size = list[Problem](), 0, self._size
        while size:
            tiles = -(-size // TILE_WIDTH)
            # Each piece of tiles has one tile above.
            for first in range(0, tiles, TILE_WIDTH):
                root_of = roots.of_tile if level == 0 else _root_of
                problems += self._tiles_under(level, first, min(first + TILE_WIDTH, tiles), root_of)
            level, size = level + 1, size // TILE_WIDTH
        return problems

    def _tiles_under(self, level: int, first: int, last: int, root_of: Callable[[int, bytes], bytes]) -> Iterator[Problem]:
        above = rows.tiles(self._connection, level + 1, first // TILE_WIDTH, first // TILE_WIDTH + 1).get(first // TILE_WIDTH, b"")
        for index, (hashes, width) in enumerate(self._tiles(level, first, last), first):
            if len(hashes) != width * HASH:
                yield Problem(None, "", f"tile {level}/{index} has {len(hashes) // HASH} of {width} hashes")
            elif width == TILE_WIDTH and root_of(index, hashes) != above[(index - first) * HASH : (index - first + 1) * HASH]:
                yield Problem(None, "", f"tile {level + 1}/{index // TILE_WIDTH} has another root for tile {level}/{index}")

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


def _root_of(_index: int, hashes: bytes) -> bytes:
    return tree.full_root(hashes)

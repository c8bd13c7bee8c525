"""What a true leaf says against what the store says beside it: what search shows, places, node numbers, personal values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlmodel import Session, col, func, select

from contracts.ledger.diagnose import Problem
from contracts.ledger.projection import COLUMNS, UNREADABLE, project, read_leaf
from contracts.ledger.projector import first_unsearched
from contracts.ledger.stage import commitment
from contracts.ledger.tables import EntryCounter, LedgerEntry, NodeCounter, SealedValues, SearchedEntry
from contracts.ledger.values import NOTHING, values_of

_BATCH = 500


class Row(NamedTuple):
    """An entry as it is stored: its place, its id and the leaf."""

    place: int
    id: str
    leaf: bytes


class Contents:
    """Takes entries whose leaf is the signed one, in order; `finish` adds what only shows at the end."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.problems: list[Problem] = []
        self.erased = 0
        self._numbers: dict[str, int] = {}
        self._gap = False
        self._batch: list[tuple[int | None, str, dict[str, str]]] = []
        self._searched: int = session.exec(select(first_unsearched())).one()

    def check(self, row: Row, shown: tuple[Any, ...] | None) -> None:
        """Id, node number and what search shows of one entry (its `COLUMNS`); its values wait for the batch."""
        facts = read_leaf(row.leaf)
        told = project(facts)
        if row.id != told.id:
            self._problem(row.place, row.id, f"the id of entry {row.place} was changed: it is not what the entry says")
        if shown is None:
            if row.place < self._searched:
                self._problem(row.place, row.id, f"entry {row.place} was taken out of the search")
        elif shown != told:
            for name in (name for name, each, true in zip(COLUMNS, shown, told, strict=True) if each != true):
                self._problem(row.place, row.id, f"the column {name} of entry {row.place} was changed: it is not what the entry says")
        self._count(row.place, row.id, facts["node"], facts["n"])
        self._later(row.place, row.id, facts.get("commitments", {}))

    def skip(self) -> None:
        """An entry is wrong or missing: the next number of each node is taken as it comes."""
        self._gap = True
        self._numbers.clear()

    def finish(self, size: int, waiting: Sequence[Row], *, complete: bool) -> None:
        """Entries that wait for a tree of `size`, the counts of places and nodes, and rows that belong to no entry."""
        written = self._session.exec(select(func.coalesce(func.max(EntryCounter.written), 0))).one()
        missing = sorted(set(range(size, written)) - {row.place for row in waiting})
        if missing:
            self._problem(None, "", f"{len(missing)} entries that waited for the tree were removed, the first at {missing[0]}")
        for row in waiting:
            if row.place < written:
                self._wait(row)
            else:
                self._problem(row.place, row.id, f"an entry was inserted at {row.place}, outside the {written} that were written")
        self._values()
        if complete:
            self._counters()
        self._orphans()

    def _wait(self, row: Row) -> None:
        try:
            facts = read_leaf(row.leaf)
            project(facts)
        except UNREADABLE:
            self._problem(None, row.id, f"the waiting entry {row.id} cannot be read")
            return
        if facts["id"] != row.id:
            self._problem(None, row.id, f"the waiting entry {row.id} says that it is {facts['id']}")
        self._count(None, row.id, facts["node"], facts["n"])
        self._later(None, row.id, facts.get("commitments", {}))

    def _count(self, index: int | None, entry_id: str, node: str, number: int) -> None:
        known = self._numbers.get(node)
        expected = number if known is None and self._gap else (known or 0) + 1
        if number != expected:
            where = "a waiting entry" if index is None else f"entry {index}"
            self._problem(
                index,
                entry_id,
                f"{where} has number {number} of node {node} where {expected} follows: entries between are missing or doubled",
            )
        self._numbers[node] = number

    def _counters(self) -> None:
        for counter in self._session.exec(select(NodeCounter)).all():
            seen = self._numbers.get(counter.node, 0)
            if seen != counter.last:
                self._problem(
                    None,
                    "",
                    f"node {counter.node} wrote {counter.last} entries, the ledger ends at its number {seen}: the last were cut off",
                )

    def _later(self, index: int | None, entry_id: str, commitments: dict[str, str]) -> None:
        self._batch.append((index, entry_id, commitments))
        if len(self._batch) >= _BATCH:
            self._values()

    def _values(self) -> None:
        batch, self._batch = self._batch, []
        ids = [entry_id for _, entry_id, _ in batch]
        found = values_of(self._session, ids)
        for index, entry_id, commitments in batch:
            opened = found.get(entry_id, NOTHING)
            if opened.broken:
                self._problem(index, entry_id, f"the values of {entry_id} were changed: they do not open under their key")
            for name, committed in commitments.items():
                kept = opened.values.get(name)
                if kept is not None and commitment(name, kept.salt, kept.value) != committed:
                    self._problem(index, entry_id, f"the value {name} of {entry_id} was changed: it does not fit its commitment")
                self.erased += kept is None and not opened.broken
            for name in sorted(opened.values.keys() - commitments.keys()):
                self._problem(None, entry_id, f"the value {name} was added to {entry_id}, which has no commitment to it")

    def _orphans(self) -> None:
        known = col(SealedValues.entry_id).in_(select(LedgerEntry.id))
        orphans = self._session.exec(select(SealedValues.entry_id).where(~known).distinct().limit(10)).all()
        for entry_id in sorted(orphans):
            self._problem(None, entry_id, f"a personal value belongs to {entry_id}, which is not in the ledger: that entry was removed")
        false = select(SearchedEntry).where(~col(SearchedEntry.index).in_(select(LedgerEntry.index))).limit(10)
        for row in self._session.exec(false).all():
            self._problem(None, row.id, f"search shows an entry at {row.index}, where the ledger has none")

    def _problem(self, index: int | None, entry_id: str, what: str) -> None:
        self.problems.append(Problem(index, entry_id, what))

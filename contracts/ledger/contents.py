"""What a true leaf says against what the store says beside it: columns, node numbers, personal values."""

from __future__ import annotations

from sqlmodel import Session, col, select

from contracts.ledger.diagnose import Problem
from contracts.ledger.projection import COLUMNS, project, read_leaf
from contracts.ledger.stage import commitment
from contracts.ledger.tables import LedgerEntry, NodeCounter, PersonalValue, StagedEntry
from contracts.ledger.tree import leaf_hash

_BATCH = 500


class Contents:
    """Takes entries whose leaf is the signed one, in order; `finish` adds what only shows at the end."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.problems: list[Problem] = []
        self.erased = 0
        self._numbers: dict[str, int] = {}
        self._gap = False
        self._batch: list[tuple[int | None, str, dict[str, str]]] = []

    def check(self, row: LedgerEntry) -> None:
        """Columns and node number of one entry; its values wait for the batch."""
        facts = read_leaf(row.leaf)
        told = project(facts)
        wrong = [name for name in COLUMNS if getattr(row, name) != getattr(told, name)]
        if row.leaf_hash != leaf_hash(row.leaf):
            wrong.append("leaf_hash")
        for name in wrong:
            self._problem(row.index, row.id, f"the column {name} of entry {row.index} was changed: it is not what the entry says")
        self._count(row.index, row.id, facts["node"], facts["n"])
        self._later(row.index, row.id, facts.get("commitments", {}))

    def skip(self) -> None:
        """An entry is wrong or missing: the next number of each node is taken as it comes."""
        self._gap = True
        self._numbers.clear()

    def finish(self, *, complete: bool) -> None:
        """Staged entries, the nodes' own counts, and values that belong to no entry."""
        for row in self._session.exec(select(StagedEntry).order_by(col(StagedEntry.seq))).all():
            try:
                facts = read_leaf(row.leaf)
                project(facts)
            except (ValueError, KeyError):
                self._problem(None, row.id, f"the staged entry {row.id} cannot be read")
                continue
            if facts["id"] != row.id:
                self._problem(None, row.id, f"the staged entry {row.id} says that it is {facts['id']}")
            self._count(None, row.id, facts["node"], facts["n"])
            self._later(None, row.id, facts.get("commitments", {}))
        self._values()
        if complete:
            self._counters()
        self._orphans()

    def _count(self, index: int | None, entry_id: str, node: str, number: int) -> None:
        known = self._numbers.get(node)
        expected = number if known is None and self._gap else (known or 0) + 1
        if number != expected:
            where = "a staged entry" if index is None else f"entry {index}"
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
        rows = self._session.exec(select(PersonalValue).where(col(PersonalValue.entry_id).in_(ids))).all() if ids else []
        kept = {(row.entry_id, row.field): row for row in rows}
        for index, entry_id, commitments in batch:
            for name, committed in commitments.items():
                row = kept.pop((entry_id, name), None)
                if row is None:
                    self.erased += 1
                elif commitment(name, row.salt, row.value) != committed:
                    self._problem(index, entry_id, f"the value {name} of {entry_id} was changed: it does not fit its commitment")
        for row in kept.values():
            self._problem(None, row.entry_id, f"the value {row.field} was added to {row.entry_id}, which has no commitment to it")

    def _orphans(self) -> None:
        known = col(PersonalValue.entry_id).in_(select(LedgerEntry.id)) | col(PersonalValue.entry_id).in_(select(StagedEntry.id))
        orphans = self._session.exec(select(PersonalValue.entry_id).where(~known).distinct().limit(10)).all()
        for entry_id in sorted(orphans):
            self._problem(None, entry_id, f"a personal value belongs to {entry_id}, which is not in the ledger: that entry was removed")

    def _problem(self, index: int | None, entry_id: str, what: str) -> None:
        self.problems.append(Problem(index, entry_id, what))

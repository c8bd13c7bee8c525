"""What a true leaf says against what the store says beside it: what search shows, places, node numbers, personal values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from orjson import loads
from sqlmodel import Session, col, func, select

from contracts.ledger import rows as stored
from contracts.ledger.diagnose import Problem
from contracts.ledger.projection import UNREADABLE, project, read_leaf
from contracts.ledger.reached import Reached
from contracts.ledger.rows import Kept, Row, as_bytes
from contracts.ledger.shown import Shown
from contracts.ledger.stage import commitment
from contracts.ledger.tables import EntryCounter, LedgerEntry, NodeCounter, SealedValues
from contracts.ledger.values import NONCE, keys_of, opened

_NONE: Mapping[str, str] = {}
# What an entry or a value raises that is not as the house writes it.
_ODD = (*UNREADABLE, AttributeError, InvalidTag)


class Contents:
    """Takes entries whose leaf is the signed one, in order; `finish` adds what only shows at the end."""

    def __init__(self, session: Session, before: Reached) -> None:
        """`before` is what an earlier check read, from where this one goes on."""
        self._session, self._connection = session, session.connection()
        self.problems: list[Problem] = []
        self.erased, self.numbers = before.erased, dict(before.numbers)
        self._gap = self._pruned = before.pruned > 0
        self._shown = Shown(session, counts=not before.size)
        self._sealed: Mapping[str, Kept] = {}
        self._several: Mapping[str, Sequence[Kept]] = {}
        self._ciphers: Mapping[int, AESGCM] = {}
        self._seen = 0

    def check(self, entries: Sequence[Row]) -> None:
        """Id, node number, what search shows, and values of entries that follow each other without a gap."""
        start = entries[0][0]
        self.read(start, start + len(entries), {entry_id for _, entry_id, _ in entries})
        for entry in self._odd(entries):
            self.check_one(*entry)

    def read(self, start: int, end: int, ids: Set[str]) -> None:
        """Go on to the entries in the places from `start` to before `end`, which have these ids: what stands beside them."""
        self._shown.read(start, end)
        self._open(start, end, ids)

    def check_one(self, place: int, entry_id: str, leaf: bytes) -> None:
        """As `check`, for the next of the entries that were gone on to."""
        try:
            facts = read_leaf(leaf)
            node, number, commitments = _counted(facts)
            told_id, found = facts["id"], self._shown.problems(place, entry_id, facts)
        except UNREADABLE:
            self._problem(place, entry_id, f"entry {place} was signed, but cannot be read")
            self.skip()
            return
        if entry_id != told_id:
            self._problem(place, entry_id, f"the id of entry {place} was changed: it is not what the entry says")
        self.problems += found
        self._count(place, entry_id, node, number)
        self._check_values(place, entry_id, commitments)

    def _odd(self, entries: Sequence[Row]) -> Iterator[Row]:
        """Those of which `check_one` has to say what is wrong with them, if anything; all others are taken in here, at half the cost."""
        agrees, numbers, sealed, several, ciphers = self._shown.agrees, self.numbers, self._sealed, self._several, self._ciphers
        for place, entry_id, leaf in entries:
            try:
                facts = loads(leaf)
                node, number, commitments = facts["node"], facts["n"], facts.get("commitments", _NONE)
                kept, gone = sealed.get(entry_id), len(commitments)
                if kept is not None and (cipher := ciphers.get(kept[1])) is not None:
                    gone -= _fitting(entry_id, cipher, kept[2], commitments)
                usual = facts["id"] == entry_id and entry_id not in several and number == numbers[node] + 1
                usual = usual and type(number) is int and type(commitments) is dict and agrees(place, facts)
            except _ODD:
                usual = False
            if usual:
                numbers[node] = number
                self.erased += gone
            else:
                yield place, entry_id, leaf

    def skip(self) -> None:
        """An entry is wrong or missing: the next number of each node is taken as it comes."""
        self._gap, self._shown.counts = True, False
        self.numbers.clear()

    def pass_over(self) -> None:
        """An entry was pruned: as `skip`, and a node whose numbers were all pruned has none to hold its count against."""
        self._pruned = True
        if not self._gap or self.numbers:
            self.skip()

    def finish(self, size: int, waiting: Sequence[Row], *, complete: bool) -> None:
        """Entries that wait for a tree of `size`, the counts of places and nodes, and rows that belong to no entry."""
        written = self._session.exec(select(func.coalesce(func.max(EntryCounter.written), 0))).one()
        missing = sorted(set(range(size, written)) - {place for place, _, _ in waiting})
        if missing:
            self._problem(None, "", f"{len(missing)} entries that waited for the tree were removed, the first at {missing[0]}")
        self._open(size, stored.END, {entry_id for _, entry_id, _ in waiting})
        for place, entry_id, leaf in waiting:
            if place < written:
                self._wait(entry_id, leaf)
            else:
                self._problem(place, entry_id, f"an entry was inserted at {place}, outside the {written} that were written")
        if complete:
            self._counters()
        self._orphans()

    def _wait(self, entry_id: str, leaf: bytes) -> None:
        try:
            facts = read_leaf(leaf)
            project(facts)
            node, number, commitments = _counted(facts)
        except UNREADABLE:
            self._problem(None, entry_id, f"the waiting entry {entry_id} cannot be read")
            return
        if facts["id"] != entry_id:
            self._problem(None, entry_id, f"the waiting entry {entry_id} says that it is {facts['id']}")
        self._count(None, entry_id, node, number)
        self._check_values(None, entry_id, commitments)

    def _count(self, index: int | None, entry_id: str, node: str, number: int) -> None:
        known = self.numbers.get(node)
        expected = number if known is None and self._gap else (known or 0) + 1
        if number != expected:
            where = "a waiting entry" if index is None else f"entry {index}"
            self._problem(
                index,
                entry_id,
                f"{where} has number {number} of node {node} where {expected} follows: entries between are missing or doubled",
            )
        self.numbers[node] = number

    def _counters(self) -> None:
        for counter in self._session.exec(select(NodeCounter)).all():
            if self._pruned and counter.node not in self.numbers:
                continue
            seen = self.numbers.get(counter.node, 0)
            if seen != counter.last:
                self._problem(
                    None,
                    "",
                    f"node {counter.node} wrote {counter.last} entries, the ledger ends at its number {seen}: the last were cut off",
                )

    def _open(self, start: int, end: int, ids: Set[str]) -> None:
        found = stored.sealed(self._connection, start, end, ids)
        self._seen += len(found)
        self._sealed, self._several = {row[0]: row for row in found}, {}
        if len(self._sealed) != len(found):
            rows = defaultdict[str, list[Kept]](list)
            for row in found:
                rows[row[0]].append(row)
            self._several = {entry_id: each for entry_id, each in rows.items() if len(each) > 1}
        handles = {handle for _, handle, _ in found}
        self._ciphers = keys_of(self._connection).ciphers(handles) if handles else {}

    def _kept(self, entry_id: str) -> Iterator[tuple[int, bytes]]:
        alone = self._sealed.get(entry_id)
        for _, handle, octets in self._several.get(entry_id, () if alone is None else (alone,)):
            yield handle, as_bytes(octets)

    def _check_values(self, index: int | None, entry_id: str, commitments: Mapping[str, str]) -> None:
        """`index` is the place, None for an entry that waits."""
        kept, broken = opened(entry_id, self._kept(entry_id), self._ciphers)
        if broken:
            self._problem(index, entry_id, f"the values of {entry_id} were changed: they do not open under their key")
        told = 0
        for name, (value, salt) in kept.items():
            committed = commitments.get(name)
            if committed is None:
                self._problem(None, entry_id, f"the value {name} was added to {entry_id}, which has no commitment to it")
                continue
            told += 1
            if commitment(name, salt, value) != committed:
                self._problem(index, entry_id, f"the value {name} of {entry_id} was changed: it does not fit its commitment")
        if not broken:
            self.erased += len(commitments) - told

    def _orphans(self) -> None:
        if not self._shown.counts or self._session.exec(select(func.count(col(SealedValues.entry_id)))).one() != self._seen:
            known = col(SealedValues.entry_id).in_(select(LedgerEntry.id))
            orphans = self._session.exec(select(SealedValues.entry_id).where(~known).distinct().limit(10)).all()
            for entry_id in sorted(orphans, key=str):
                what = f"a personal value belongs to {entry_id}, which is not in the ledger: that entry was removed"
                self._problem(None, entry_id, what)
        self.problems += self._shown.strays()
        if not self.problems:
            self.problems += self._shown.false_days()

    def _problem(self, index: int | None, entry_id: str, what: str) -> None:
        self.problems.append(Problem(index, entry_id, what))


def _counted(facts: Mapping[str, Any]) -> tuple[str, int, Mapping[str, str]]:
    """A leaf's node, its number there, and its commitments. KeyError or TypeError where they are not what they should be."""
    node, number, commitments = facts["node"], facts["n"], facts.get("commitments", _NONE)
    if not (isinstance(node, str) and isinstance(number, int) and isinstance(commitments, dict)):
        raise TypeError(facts)
    return node, number, commitments


def _fitting(entry_id: str, cipher: AESGCM, kept: bytes, commitments: Mapping[str, str]) -> int:
    """How many values are sealed here. Raises one of `_ODD` where not all are those that the entry is committed to."""
    values = loads(cipher.decrypt(kept[:NONCE], kept[NONCE:], entry_id.encode()))
    for name, (value, salt) in values.items():
        if commitments[name] != commitment(name, bytes.fromhex(salt), value):
            raise ValueError(name)
    return len(values)

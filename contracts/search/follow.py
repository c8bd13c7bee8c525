"""Follows the tree: sorts each entry into its kind and counts it on its day, exactly once however many processes follow.

The place in the ledger is locked whenever something is written and moves in the same transaction, so a run that is killed, or that
another process overtook, neither loses nor doubles an entry.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, select, update
from sqlmodel import Session, col

from contracts.credentials.tables import Followed
from contracts.ledger.tables import LedgerEntry, LedgerHead
from contracts.lifecycle.tables import Contract
from contracts.people.tables import Organisation
from contracts.search.kinds import Met, Told, read, words_of
from contracts.search.tables import EntryKind, KindDay, KindWord, SearchedEntry
from contracts.store.driver import Ready
from contracts.store.many import Insertion
from contracts.store.unit import Store, Unit

CHUNK = 500
"""Entries in one transaction: holds SQLite's write lock about 6 ms of the 20 that are allowed."""
SLICE = 50
"""As many where no more than a chunk waits: what is written meanwhile should not wait."""
NAME = "search"
KINDS, SOME_KINDS = 50, 2
"""New kinds in one transaction, with some twenty words each; the first with a chunk, the second with a slice."""
PAUSE = 0.004
"""Seconds between two slices, and between two transactions of their kinds."""
_MOST_KNOWN = 50_000


class _Placed(NamedTuple):
    """An entry with the number of its kind."""

    place: int
    kind: int
    met: Met


# Built once: building a statement costs more than running it.
_NUMBER = col(LedgerEntry.index)
_IN_THE_TREE = select(_NUMBER, col(LedgerEntry.leaf)).where(bindparam("start") <= _NUMBER, bindparam("end") > _NUMBER)
_SIZE = Ready(select(func.max(col(LedgerHead.size))))
FIRST = select(func.coalesce(func.max(col(Followed.next)), 0)).where(col(Followed.name) == NAME).scalar_subquery()
"""The index of the first entry that search does not know, inside another statement."""
_HERE = Ready(select(col(Followed.next)).where(col(Followed.name) == bindparam("name")), "name")
_NEXT = Ready(_IN_THE_TREE.order_by(_NUMBER), "start", "end")
_LOCKED = Ready(select(col(Followed.next)).where(col(Followed.name) == bindparam("name")).with_for_update(), "name")
_FIRST_PLACE = Ready(insert(Followed).values(name=bindparam("name"), next=bindparam("next")), "name", "next")
_PLACE = Ready(update(Followed).where(col(Followed.name) == bindparam("of_name")).values(next=bindparam("next")), "of_name", "next")
_KINDS = Insertion(EntryKind, "told", *Told._fields, conflict="ON CONFLICT DO NOTHING")
_WORDS = Insertion(KindWord, "word", "kind", conflict="ON CONFLICT (word, kind) DO NOTHING")
_ROWS = Insertion(SearchedEntry, "index", "kind", "at", "subject")
# Places ascend, so the last of these is the last of all.
_DAYS = Insertion(
    KindDay,
    *("kind", "day", "entries", "records", "first", "last"),
    conflict="ON CONFLICT (kind, day) DO UPDATE SET entries = entry_kind_day.entries + excluded.entries,"
    " records = entry_kind_day.records + excluded.records, last = excluded.last",
)


class Follower:
    """Remembers the kinds that it has met, so that most entries ask the store for none. Safe to call from several threads."""

    def __init__(self, store: Store, titles: Mapping[str, str] | None = None) -> None:
        """`titles` are those of the datasets, which are words to find their entries by."""
        self._store, self._titles = store, titles or {}
        self._known: dict[Told, int] = {}
        self._lock = threading.Lock()

    def follow(self) -> int:
        """Take in all that the tree has; returns how many entries it was."""
        total = taken = self.tick()
        while taken in (CHUNK, SLICE):
            if taken == SLICE:
                time.sleep(PAUSE)
            taken = self.tick()
            total += taken
        return total

    def tick(self) -> int:
        """Take in the next entries; returns how many, 0 where there are none or another process took them in."""
        with self._lock:
            with self._store.engine.connect() as connection:
                start, size = _number(_HERE.run(connection, NAME)), _number(_SIZE.run(connection))
                end = min(size, start + (CHUNK if size - start > CHUNK else SLICE))
                rows = _NEXT.run(connection, start, end).fetchall() if start < end else []
            if start == end:
                return 0
            met = [(place, read(bytes(leaf))) for place, leaf in rows]
            self._learn({each.told for _, each in met}, gently=end - start <= SLICE)
            placed = [_Placed(place, self._known[each.told], each) for place, each in met]
            return end - start if self._write(start, end, placed) else 0

    def _write(self, start: int, end: int, placed: Sequence[_Placed]) -> bool:
        """False where another process has taken these entries in. Of a stretch that was pruned there are none to take in."""
        rows, days = [(place, kind, met.at, met.subject) for place, kind, met in placed], _days(placed)
        with self._store.write("search") as unit:
            if not _moved(unit, start, end):
                return False
            _ROWS.execute(unit.connection, rows)
            _DAYS.execute(unit.connection, days)
        return True

    def _learn(self, told: Iterable[Told], *, gently: bool) -> None:
        """Make what kinds are new, and know their numbers."""
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        new = {each.key(): each for each in told if each not in self._known}
        if not new:
            return
        with self._store.read() as session:
            self._know(session, new)
            missing = [(key, each) for key, each in sorted(new.items()) if each not in self._known]
            names = _names(session, [each for _, each in missing])
        together = SOME_KINDS if gently else KINDS
        for start in range(0, len(missing), together):
            self._make(dict(missing[start : start + together]), names)
            if gently:
                time.sleep(PAUSE)

    def _make(self, missing: Mapping[bytes, Told], names: Mapping[str, str]) -> None:
        words = {each: words_of(each, _named(each, names), self._titles) for each in missing.values()}
        with self._store.write("entry kinds") as unit:
            _KINDS.execute(unit.connection, [(key, *each) for key, each in missing.items()])
            self._know(unit.session, missing)
            _WORDS.execute(unit.connection, [(word, self._known[each]) for each, said in words.items() for word in sorted(said)])

    def _know(self, session: Session, wanted: Mapping[bytes, Told]) -> None:
        query = select(col(EntryKind.told), col(EntryKind.id)).where(col(EntryKind.told).in_(list(wanted)))
        self._known.update({wanted[bytes(key)]: int(number) for key, number in session.execute(query) if number is not None})


def _number(cursor: Any) -> int:
    row = cursor.fetchone()
    return row[0] or 0 if row else 0


def _moved(unit: Unit, start: int, following: int) -> bool:
    """Take the place of this follower from `start` on; false where it is another by now."""
    row = _LOCKED.run(unit.connection, NAME).fetchone()
    if (row[0] if row else 0) != start:
        return False
    if row is None:
        _FIRST_PLACE.run(unit.connection, NAME, following)
    else:
        _PLACE.run(unit.connection, NAME, following)
    return True


def _names(session: Session, told: Sequence[Told]) -> dict[str, str]:
    """The names of the organisations and the titles of the contracts that kinds tell of, by their ids."""
    organisations = select(col(Organisation.id), col(Organisation.name)).where(
        col(Organisation.id).in_({each.organisation_id for each in told})
    )
    contracts = select(col(Contract.id), col(Contract.title)).where(col(Contract.id).in_({each.contract_id for each in told}))
    return {key: name for each in (organisations, contracts) for key, name in session.execute(each)} if told else {}


def _named(told: Told, names: Mapping[str, str]) -> list[str]:
    return [names[each] for each in (told.organisation_id, told.contract_id) if each in names]


def _days(placed: Sequence[_Placed]) -> list[tuple[Any, ...]]:
    days: dict[tuple[int, date], list[int]] = {}
    for place, kind, met in placed:
        found = days.setdefault((kind, met.at.astimezone(UTC).date()), [0, 0, place, place])
        found[0] += 1
        found[1] += met.records
        found[3] = place
    return [(*key, *days[key]) for key in sorted(days)]

"""Follows the tree: sorts each entry into its kind and counts it on its day, exactly once however many processes follow.

The place in the ledger is locked whenever something is written and moves in the same transaction, so a run that is killed, or that
another process overtook, neither loses nor doubles an entry.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil
from typing import Any, cast

from sqlalchemy import Connection, Dialect, bindparam, column, func, insert, inspect, select, update
from sqlalchemy import table as untyped
from sqlmodel import Session, SQLModel, col

from contracts.credentials.tables import Followed
from contracts.ledger.tables import LedgerEntry, LedgerHead
from contracts.lifecycle.tables import Contract
from contracts.people.tables import Organisation
from contracts.search.kinds import Met, Told, read, words_of
from contracts.search.tables import EntryKind, KindDay, KindWord, SearchedEntry
from contracts.store.columns import octets
from contracts.store.driver import REMEMBERED, Ready
from contracts.store.many import Insertion
from contracts.store.unit import Store, Unit

CHUNK = 500
"""Entries in one transaction: holds SQLite's write lock about 6 ms of the 20 that are allowed."""
SLICE = 160
"""At most as many where no more than a chunk waits, in equal parts: what is written meanwhile should not wait."""
NAME = "search"
KINDS, SOME_KINDS = 50, 4
"""New kinds in one transaction, with some twenty words each; the first with a chunk, the second with a slice."""
PAUSE = 0.004
"""Seconds between two slices, and between two transactions of their kinds."""
_MOST_KNOWN = 50_000

Leaves = Sequence[tuple[int, bytes]]
"""Places with their leaves, in order and without a gap, as a driver gives them."""
_Next = tuple[int, int, int, Leaves]
"""Places from which and before which entries are taken in next, the end of what there is, and their leaves."""
_Moment = tuple[Any, Any]
"""A moment and its day of UTC, as the driver takes them."""
_Entry = tuple[int, int, _Moment, Met]
"""An entry's place, the number of its kind, its moment, and all that search knows of it."""


def _as_given(table: type[SQLModel]) -> type[SQLModel]:
    """The table without the types of its columns: values are made before the write lock is taken, not under it."""
    return cast(type[SQLModel], untyped(str(table.__tablename__), *(column(each.name) for each in inspect(table).columns)))


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
_KIND = Ready(select(col(EntryKind.id)).where(col(EntryKind.told) == bindparam("told")), "told")
_KINDS = Insertion(EntryKind, "told", *Told._fields, conflict="ON CONFLICT DO NOTHING")
_WORDS = Insertion(KindWord, "word", "kind", conflict="ON CONFLICT (word, kind) DO NOTHING")
_ROWS = Insertion(_as_given(SearchedEntry), "index", "kind", "at", "subject")
# Places ascend, so the last of these is the last of all.
_DAYS = Insertion(
    _as_given(KindDay),
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
        self._next: int | None = None
        self._left = 0
        self._lock = threading.Lock()
        self._moment = _stored_by(store.engine.dialect)

    def follow(self, fresh: Leaves = ()) -> int:
        """Take in all that the tree has; returns how many entries it was. `fresh` are leaves at its end that were just read."""
        total = taken = self.tick(fresh)
        while taken and self._left:
            if taken <= SLICE:
                time.sleep(PAUSE)
            taken = self.tick(fresh)
            total += taken
        return total

    def tick(self, fresh: Leaves = ()) -> int:
        """Take in the next entries; returns how many, 0 where there are none or another process took them in."""
        with self._lock:
            start, end, size, rows = self._given(fresh) or self._found()
            if start == end:
                return 0
            met = [read(octets(leaf)) for _, leaf in rows]
            kinds, moments = self._kinds_of(met, gently=end - start <= SLICE), [self._moment(each.at) for each in met]
            entries = list(zip((place for place, _ in rows), kinds, moments, met, strict=True))
            if not self._write(start, end, entries):
                self._next = None
                self._known.clear()
                return 0
            self._next, self._left = end, size - end
            return end - start

    def _given(self, fresh: Leaves) -> _Next | None:
        """The next of these leaves; None where this follower does not stand among them, as far as it knows."""
        if self._next is None or not fresh or not fresh[0][0] <= self._next <= fresh[-1][0]:
            return None
        size, offset = fresh[-1][0] + 1, self._next - fresh[0][0]
        end = self._next + _at_once(size - self._next)
        return self._next, end, size, fresh[offset : offset + end - self._next]

    def _found(self) -> _Next:
        with self._store.engine.connect() as connection:
            start, size = _number(_HERE.run(connection, NAME)), _number(_SIZE.run(connection))
            end = start + _at_once(max(0, size - start))  # a tree that was cut off ends before the place
            if start < (self._next or 0):  # a backup was put back, and kinds have other numbers in it
                self._known.clear()
            return start, end, size, _NEXT.run(connection, start, end).fetchall() if start < end else []

    def _write(self, start: int, end: int, entries: Sequence[_Entry]) -> bool:
        """False where another process has taken these entries in. Of a stretch that was pruned there are none to take in."""
        rows, days = [(place, kind, moment[0], met.subject) for place, kind, moment, met in entries], _days(entries)
        with self._store.write("search") as unit:
            if not _moved(unit, start, end):
                return False
            _ROWS.execute(unit.connection, rows)
            _DAYS.execute(unit.connection, days)
        return True

    def _kinds_of(self, met: Sequence[Met], *, gently: bool) -> list[int]:
        """The numbers of the kinds of entries, of which new ones are made."""
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        known = self._known
        kinds = [known.get(each.told) for each in met]
        if None in kinds:
            new = {each.told for each in met if each.told not in known}
            self._learn({each.key(): each for each in new}, gently=gently)
        return [known[each.told] if kind is None else kind for kind, each in zip(kinds, met, strict=True)]

    def _learn(self, new: Mapping[bytes, Told], *, gently: bool) -> None:
        """Make those of these kinds that nobody made, and know the numbers of all."""
        with self._store.read() as session:
            self._known |= _numbers(session.connection(), new)
            missing = [(key, each) for key, each in sorted(new.items()) if each not in self._known]
            names = _names(session, [each for _, each in missing])
        together = SOME_KINDS if gently else KINDS
        for start in range(0, len(missing), together):
            self._make(dict(missing[start : start + together]), names)
            if gently:
                time.sleep(PAUSE)

    def _make(self, missing: Mapping[bytes, Told], names: Mapping[str, str]) -> None:
        words = {each: sorted(words_of(each, _named(each, names), self._titles)) for each in missing.values()}
        with self._store.write("entry kinds") as unit:
            _KINDS.execute(unit.connection, [(key, *each) for key, each in missing.items()])
            made = _numbers(unit.connection, missing)
            _WORDS.execute(unit.connection, sorted((word, made[each]) for each, said in words.items() for word in said))
        # Not before the commit: what is rolled back gives its number to another kind.
        self._known |= made


def _numbers(connection: Connection, wanted: Mapping[bytes, Told]) -> dict[Told, int]:
    """The numbers of those of these kinds that were made."""
    return {each: number for key, each in wanted.items() if (number := _number(_KIND.run(connection, key)))}


def _at_once(waiting: int) -> int:
    """How many of those that wait are taken in together."""
    return CHUNK if waiting > CHUNK else ceil(waiting / (ceil(waiting / SLICE) or 1))


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


def _stored_by(dialect: Dialect) -> Callable[[datetime], _Moment]:
    """Makes a moment and its day as the driver takes them; remembers the last, because entries share their moments."""
    columns = inspect(SearchedEntry).columns.at, inspect(KindDay).columns.day
    stored_at, stored_day = (each.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is for each in columns)
    return lru_cache(REMEMBERED)(lambda at: (stored_at(at), stored_day(at.astimezone(UTC).date())))


def _as_it_is(value: Any) -> Any:
    return value


def _days(entries: Sequence[_Entry]) -> list[tuple[Any, ...]]:
    """Rows of `KindDay` for these entries."""
    days: dict[tuple[int, Any], list[int]] = {}
    for place, kind, (_, day), met in entries:
        found = days.get((kind, day))
        if found is None:
            days[kind, day] = [1, met.records, place, place]
        else:
            found[0] += 1
            found[1] += met.records
            found[3] = place
    return [(*key, *days[key]) for key in sorted(days)]

"""What search and the charts show of entries, against what their leaves say."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, inspect
from sqlmodel import Session, col, func, select

from contracts.ledger.diagnose import Problem
from contracts.ledger.tables import LedgerEntry
from contracts.search.follow import FIRST
from contracts.search.kinds import Told, records_of, told_by
from contracts.search.tables import EntryKind, KindDay, SearchedEntry
from contracts.store.driver import REMEMBERED, Ready

_PLACE = col(SearchedEntry.index)
_SHOWN = Ready(
    select(_PLACE, col(SearchedEntry.kind), col(SearchedEntry.at), col(SearchedEntry.subject)).where(
        bindparam("start") <= _PLACE, bindparam("end") > _PLACE
    ),
    *("start", "end"),
)
# Where a leaf has what makes its kind, in the order of `Told`; what is empty is left out of it, but for the first two.
_NAMES = ("event", "decision", "rule", "organisation", "contract", "dataset", "credential", "purpose", "fields")
_NO_KIND = Told()
_Row = tuple[Any, Any, Any, Any]
"""What search shows of an entry, as the driver has it: place, kind, moment and subject."""


class _Moment(NamedTuple):
    """A leaf's time: as a driver has it in a column, and its day of UTC."""

    stored: Any
    day: date


class Shown:
    """What search shows of the entries of one piece after the other, and how many of each kind it counts on each day."""

    def __init__(self, session: Session, *, counts: bool) -> None:
        """`counts` says whether every entry is held against it, from the first on: only then can days be counted."""
        self._session, self._connection, self.counts = session, session.connection(), counts
        self._known: int = session.exec(select(FIRST)).one()
        told = session.exec(select(EntryKind)).all()
        self._kinds = {each.id: Told(*(getattr(each, name) for name in Told._fields)) for each in told}
        self._numbers = {kind: number for number, kind in self._kinds.items()}
        # Of one with what is no text nothing can be said at once.
        self._members = {number: _members(kind) for kind, number in self._numbers.items() if {str} == set(map(type, kind))}
        self._rows: dict[int, _Row] = {}
        self._seen = 0
        self._days: dict[tuple[date, int], list[int]] = {}
        dialect = self._connection.dialect
        column = inspect(SearchedEntry).columns.at.type.dialect_impl(dialect)
        self._store, self._load = column.bind_processor(dialect), column.result_processor(dialect, None)
        # Many entries share a moment, and reading one costs more than all other columns.
        self._moment = lru_cache(REMEMBERED)(self._read_moment)

    def read(self, start: int, end: int) -> None:
        """Go on to the entries in the places from `start` to before `end`."""
        self._rows = {row[0]: row for row in _SHOWN.run(self._connection, start, end).fetchall()}
        self._seen += len(self._rows)

    def agrees(self, place: int, facts: dict[str, Any]) -> bool:
        """Whether the leaf of this place is plainly shown as it says; only then it is counted. May raise what `problems` raises."""
        row = self._rows.get(place)
        if row is None or place >= self._known:
            return False
        (_, kind, at, subject), moment = row, self._moment(facts["at"])
        members, absent = self._members[kind]
        # Two views of dicts are compared without a line of Python for each name.
        if at != moment.stored or subject != facts.get("subject") or not members <= facts.items() or not facts.keys().isdisjoint(absent):
            return False
        if self.counts:
            self._count(place, (moment.day, kind), records_of(facts))
        return True

    def problems(self, place: int, entry_id: str, facts: dict[str, Any]) -> list[Problem]:
        """What is not shown as the leaf of this place says it. KeyError, TypeError or ValueError where the leaf lacks something."""
        row, told, moment = self._rows.get(place), told_by(facts), self._moment(facts["at"])
        kind, subject = self._numbers.get(told), facts.get("subject")
        if self.counts and kind is not None and place < self._known:
            self._count(place, (moment.day, kind), records_of(facts))
        if row == (place, kind, moment.stored, subject):
            return []
        if row is None:
            return [Problem(place, entry_id, f"entry {place} was taken out of the search")] if place < self._known else []
        different = self._different(row, told, facts["at"], subject)
        return [
            Problem(place, entry_id, f"the column {name} of entry {place} was changed: it is not what the entry says") for name in different
        ]

    def strays(self) -> Iterator[Problem]:
        """What search shows where there is no entry. Where each row was met beside its entry nothing needs to be looked for."""
        if self.counts and self._session.exec(select(func.count(_PLACE))).one() == self._seen:
            return
        false = select(_PLACE).where(~_PLACE.in_(select(LedgerEntry.index))).order_by(_PLACE).limit(10)
        for index in self._session.exec(false).all():
            yield Problem(None, "", f"search shows an entry at {index}, where the ledger has none")

    def false_days(self) -> Iterator[Problem]:
        """Days of which the charts count other entries than there were, where all were counted."""
        if not self.counts:
            return
        shown = {(each.day, each.kind): [each.entries, each.records, each.first, each.last] for each in self._session.exec(select(KindDay))}
        for day, kind in sorted(shown.keys() | self._days.keys()):
            true = self._days.get((day, kind), [0, 0])
            said = shown.get((day, kind), [0, 0])
            if said != true:
                event = self._kinds.get(kind, _NO_KIND).event or f"kind {kind}"
                what = f"the charts count {said[0]} entries of {event} with {said[1]} records on {day}; the ledger has {true[0]} with {true[1]}"
                yield Problem(None, "", what)

    def _count(self, place: int, of: tuple[date, int], records: int) -> None:
        found = self._days.get(of)
        if found is None:
            self._days[of] = [1, records, place, place]
        else:
            found[0] += 1
            found[1] += records
            found[3] = place

    def _different(self, row: _Row, told: Told, at: str, subject: str | None) -> list[str]:
        _, kind, stored, said_subject = row
        shown = self._kinds.get(kind, _NO_KIND)
        names = [name for name, said, true in zip(Told._fields, shown, told, strict=True) if said != true]
        names += ["at"] if self._loaded(stored) != datetime.fromisoformat(at) else []
        return names + (["subject"] if said_subject != subject else [])

    def _read_moment(self, at: str) -> _Moment:
        moment = datetime.fromisoformat(at)
        return _Moment(moment if self._store is None else self._store(moment), moment.astimezone(UTC).date())

    def _loaded(self, stored: Any) -> Any:
        try:
            return stored if self._load is None else self._load(stored)
        except (TypeError, ValueError):  # someone wrote what is no moment
            return None


def _members(kind: Told) -> tuple[ItemsView[str, Any], Sequence[str]]:
    """What leaves of a kind have in common, and the names that none of them has."""
    told = dict(zip(_NAMES, (*kind[:-1], kind.fields.split(" ")), strict=True))
    empty = [name for name, said in zip(_NAMES[2:], kind[2:], strict=True) if not said]
    return {name: said for name, said in told.items() if name not in empty}.items(), empty

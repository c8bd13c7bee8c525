"""Finding entries: counted by day and kind, which are few, and only then read from the newest day on that has what is asked.

Every statement here goes by a key or an index, whatever is asked: `entry_kind` and `entry_kind_day` are read whole at most, and of
`ledger_search` either the entries of the kinds asked for in few days, or blocks from the newest place on where such entries are dense.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, false, func, select, union_all
from sqlmodel import Session, col

from contracts.search.kinds import split
from contracts.search.tables import EntryKind, KindDay, KindWord, SearchedEntry

FEW = 20_000
"""So many entries are read by their kinds and sorted; where there are more, they are dense enough to be met from the newest on."""
BLOCK = 2_000
_KINDS_A_QUERY, _ENDS_A_QUERY = 500, 100
_TOTALS = select(col(KindDay.kind), func.sum(col(KindDay.entries)))
FACETS = ("decision", "event", "organisation_id", "dataset", "purpose", "rule")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked; empty fields ask nothing. Days are of UTC, both included. Every word of `words` must be met, each as a beginning."""

    events: Sequence[str] = ()
    decision: str = ""
    rule: str = ""
    organisation: str = ""
    contract: str = ""
    dataset: str = ""
    purpose: str = ""
    words: str = ""
    since: date | None = None
    until: date | None = None


class Day(NamedTuple):
    """A day with entries that fit."""

    day: date
    entries: int
    records: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Answer:
    """How many entries fit, by day (newest first) and by the values of each facet."""

    count: int
    records: int
    days: list[Day]
    facets: dict[str, Counter[str]] = field(default_factory=dict)


def kinds_of(asked: Question) -> Select[Any]:
    """The kinds that fit, as a part of other statements; days ask nothing of a kind."""
    return select(col(EntryKind.id)).where(*_of_kind(asked))


def count(session: Session, asked: Question, *, facets: Sequence[str] = ()) -> Answer:
    """Count what fits. A facet is counted as if its own field asked nothing, so that it shows what else there is."""
    days = [Day(*row) for row in session.execute(_by_day(asked)).all()]
    found = _facets(session, asked, facets) if facets else {}
    return Answer(sum(each.entries for each in days), sum(each.records for each in days), days, found)


def grouped(session: Session, asked: Question, *names: str) -> list[tuple[Any, ...]]:
    """What fits by some of `FACETS`, "contract_id" or "day": the values, then entries and records; most entries first."""
    columns = [col(KindDay.day) if name == "day" else col(getattr(EntryKind, name)) for name in names]
    query = select(*columns, func.sum(col(KindDay.entries)), func.sum(col(KindDay.records))).select_from(KindDay)
    query = query.join(EntryKind, col(EntryKind.id) == col(KindDay.kind)).where(*_conditions(asked)).group_by(*columns)
    rows = [(*row[:-2], int(row[-2]), int(row[-1])) for row in session.execute(query.order_by(func.sum(col(KindDay.entries)).desc()))]
    return sorted(rows, key=lambda row: (-row[-2], *(str(each) for each in row[:-2])))


def places(
    session: Session, asked: Question, days: Sequence[Day], most: int, before: int | None = None, *, few: int = FEW, block: int = BLOCK
) -> list[int]:
    """The places of what fits, newest first, below a place where one is given; `days` are those of `count`."""
    kinds = [int(each) for each in session.execute(kinds_of(asked)).scalars()]
    found: list[int] = []
    for some in _spans([each for each in days if before is None or each.first < before], most):
        low, high = min(each.first for each in some), max(each.last for each in some)
        high = high if before is None else min(high, before - 1)
        wanted = most - len(found)
        if sum(each.entries for each in some) <= few:
            found += _by_kind(session, kinds, low, high, wanted)
        else:
            found += _walked(session, kinds, low, high, wanted, block)
        if len(found) >= most:
            break
    return sorted(set(found), reverse=True)[:most]


def newest(session: Session, kinds: Sequence[int], most: int, before: int | None = None) -> list[int]:
    """The newest places of entries of these kinds, below a place where one is given: read from the end of each kind."""
    found: list[int] = []
    number = col(SearchedEntry.index)
    for start in range(0, len(kinds), _ENDS_A_QUERY):
        ends = []
        for kind in kinds[start : start + _ENDS_A_QUERY]:
            here = select(number).where(col(SearchedEntry.kind) == kind).order_by(number.desc()).limit(most)
            ends.append(select((here if before is None else here.where(number < before)).subquery().c.index))
        found += session.execute(union_all(*ends)).scalars().all()
    return sorted(found, reverse=True)[:most]


def between(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """Bounds of the places of everything from one moment until before another, by the days that they fall on."""
    number, conditions = col(SearchedEntry.index), list[ColumnElement[bool]]()
    if since is not None:
        lowest = select(func.min(col(KindDay.first))).where(col(KindDay.day) >= since.astimezone(UTC).date())
        conditions.append(number >= lowest.scalar_subquery())
    if until is not None:
        highest = select(func.max(col(KindDay.last))).where(col(KindDay.day) <= until.astimezone(UTC).date())
        conditions.append(number <= highest.scalar_subquery())
    return conditions


def _spans(days: Sequence[Day], most: int) -> Iterator[list[Day]]:
    """Days together that hold enough by themselves, the first perhaps cut by a place; no two of these reach into each other's places.

    Days do so where entries of the moments around midnight, or of several machines' clocks, were not written in the order of time.
    """
    some, low, found = list[Day](), 0, 0
    for each in sorted(days, key=lambda day: -day.last):
        if found >= most and each.last < low:
            yield some
            some, found = [], 0
        low = min(low, each.first) if some else each.first
        some.append(each)
        found += each.entries
    if some:
        yield some


def _by_kind(session: Session, kinds: Sequence[int], low: int, high: int, most: int) -> list[int]:
    found: list[int] = []
    number = col(SearchedEntry.index)
    for start in range(0, len(kinds), _KINDS_A_QUERY):
        here = col(SearchedEntry.kind).in_(kinds[start : start + _KINDS_A_QUERY])
        found += session.execute(select(number).where(here, number >= low, number <= high)).scalars().all()
    return sorted(found, reverse=True)[:most]


def _walked(session: Session, kinds: Sequence[int], low: int, high: int, most: int, block: int) -> list[int]:
    wanted, found = frozenset(kinds), list[int]()
    number = col(SearchedEntry.index)
    while len(found) < most and high >= low:
        query = select(number, col(SearchedEntry.kind)).where(number >= low, number <= high)
        rows = session.execute(query.order_by(number.desc()).limit(block)).all()
        if not rows:
            break
        found += [index for index, kind in rows if kind in wanted]
        high = rows[-1][0] - 1
    return found[:most]


def _by_day(asked: Question) -> Any:
    day, figures = col(KindDay.day), (func.sum(col(KindDay.entries)), func.sum(col(KindDay.records)))
    ends = (func.min(col(KindDay.first)), func.max(col(KindDay.last)))
    query = select(day, *figures, *ends).select_from(KindDay)
    if conditions := _of_kind(asked):
        query = query.join(EntryKind, col(EntryKind.id) == col(KindDay.kind)).where(*conditions)
    return query.where(*_of_days(asked)).group_by(day).order_by(day.desc())


def _facets(session: Session, asked: Question, facets: Sequence[str]) -> dict[str, Counter[str]]:
    """Counts of the values of each facet: one pass over the days for all of them, and the rest over the kinds, which are few."""
    rows = session.execute(_TOTALS.where(*_of_days(asked)).group_by(col(KindDay.kind))).all()
    totals = {kind: int(entries) for kind, entries in rows}
    found: dict[str, Counter[str]] = {name: Counter() for name in facets}
    for names in _alike(asked, facets):
        columns = [col(getattr(EntryKind, name)) for name in names]
        for kind, *values in session.execute(select(col(EntryKind.id), *columns).where(*_of_kind(asked, names[0]))):
            entries = totals.get(kind)
            if entries is not None:
                for name, value in zip(names, values, strict=True):
                    found[name][value] += entries
    for counted in found.values():
        counted.pop("", None)
    return found


def _alike(asked: Question, facets: Sequence[str]) -> list[list[str]]:
    """The facets that are counted over the same kinds, together: all whose own field asks nothing, and each other by itself."""
    own = {
        **{"decision": asked.decision, "event": asked.events, "organisation_id": asked.organisation},
        **{"dataset": asked.dataset, "purpose": asked.purpose, "rule": asked.rule},
    }
    free = [name for name in facets if not own[name]]
    return [*([free] if free else []), *([name] for name in facets if own[name])]


def _conditions(asked: Question) -> list[ColumnElement[bool]]:
    return [*_of_kind(asked), *_of_days(asked)]


def _of_days(asked: Question) -> list[ColumnElement[bool]]:
    since = [col(KindDay.day) >= asked.since] if asked.since is not None else []
    return [*since, *([col(KindDay.day) <= asked.until] if asked.until is not None else [])]


def _of_kind(asked: Question, but: str = "") -> list[ColumnElement[bool]]:
    equal = {
        **{"decision": asked.decision, "rule": asked.rule, "organisation_id": asked.organisation},
        **{"contract_id": asked.contract, "dataset": asked.dataset, "purpose": asked.purpose},
    }
    conditions: list[ColumnElement[bool]] = [
        col(getattr(EntryKind, name)) == value for name, value in equal.items() if value and name != but
    ]
    if asked.events and but != "event":
        conditions.append(col(EntryKind.event).in_(list(asked.events)))
    words = list(dict.fromkeys(split(asked.words)))
    if asked.words.strip() and not words:
        conditions.append(false())
    return conditions + [col(EntryKind.id).in_(_beginning(word)) for word in words]


def _beginning(word: str) -> Any:
    """Kinds with a word that begins so."""
    return select(col(KindWord.kind)).where(col(KindWord.word).startswith(word, autoescape=True))

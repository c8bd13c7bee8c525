"""Finding entries: counted by day and kind, which are few, and only then read from the newest day on that has what is asked.

Every statement here goes by a key or an index, whatever is asked: `entry_kind` and `entry_kind_day` are read whole at most, and of
`entry_kind_of` either the entries of the kinds asked for in few days, or blocks from the newest place on where such entries are dense.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, false, func, select
from sqlmodel import Session, col

from contracts.search.follow import split
from contracts.search.tables import EntryKind, KindDay, KindOfEntry, KindWord

FEW = 20_000
"""So many entries are read by their kinds and sorted; where there are more, they are dense enough to be met from the newest on."""
BLOCK = 2_000
_KINDS_A_QUERY = 500
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
    number = col(KindOfEntry.index)
    for start in range(0, len(kinds), _KINDS_A_QUERY):
        here = col(KindOfEntry.kind).in_(kinds[start : start + _KINDS_A_QUERY])
        found += session.execute(select(number).where(here, number >= low, number <= high)).scalars().all()
    return sorted(found, reverse=True)[:most]


def _walked(session: Session, kinds: Sequence[int], low: int, high: int, most: int, block: int) -> list[int]:
    wanted, found = frozenset(kinds), list[int]()
    number = col(KindOfEntry.index)
    while len(found) < most and high >= low:
        query = select(number, col(KindOfEntry.kind)).where(number >= low, number <= high)
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
    found: dict[str, Counter[str]] = {}
    for name in facets:
        found[name] = Counter()
        for kind, value in session.execute(select(col(EntryKind.id), col(getattr(EntryKind, name))).where(*_of_kind(asked, name))):
            if value and kind in totals:
                found[name][value] += totals[kind]
    return found


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

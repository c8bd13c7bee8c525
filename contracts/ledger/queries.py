"""Reading the ledger: timelines of objects, search for compliance, single entries.

Entries are found by what search copied out of the leaves; `contracts.ledger.verify` proves that the copies are true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, or_, union_all
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from contracts.errors import refuse
from contracts.ids import PREFIXES
from contracts.ledger.projection import Projection, columns_of, read_leaf
from contracts.ledger.stage import commitment
from contracts.ledger.tables import LedgerEntry, LedgerHead
from contracts.ledger.tree import leaf_hash
from contracts.ledger.values import ACCOUNT, NOTHING, Kept, values_of
from contracts.ledger.words import line
from contracts.people.tables import Account
from contracts.search.behind import unsearched
from contracts.search.find import Question, between, kinds_of, newest
from contracts.search.tables import EntryKind, SearchedEntry

PAGE = 50
COUNT_UP_TO = 10_000
DECISIONS = ("allow", "refuse", "done")
_WAITING_AT_MOST = 2_000
_EXACT = re.compile(rf"(?:{'|'.join(PREFIXES)})_\S+|#? ?[0-9][0-9 ]*")
_IDS_A_QUERY = 500


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One thing that happened, as a page shows it.

    `index` is the entry's place in the tree, None while it waits to be integrated (under a second). `who` is the name of the
    account that acted, empty where none did or where it was erased. `rows` counts records, None where none are concerned.
    """

    entry_id: str
    at: datetime
    event: str
    decision: str
    rule: str
    text: str
    who: str
    index: int | None
    rows: int | None
    organisation_id: str
    contract_id: str
    dataset: str
    credential_id: str
    subject: str

    @property
    def refused(self) -> bool:
        """Whether a rule said no."""
        return self.decision == "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What compliance asks for; empty fields ask nothing.

    `events` asks for any of several. `since` is included, `until` is not. `q` is the exact id of an entry, contract, client,
    organisation or other thing, the number of an entry in the tree, or words, each of which begins a word of the entry's kind. `cursor` is the
    last index seen: older entries follow.
    """

    organisation: str = ""
    contract: str = ""
    dataset: str = ""
    decision: str = ""
    event: str = ""
    events: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    rule: str = ""
    purpose: str = ""
    q: str = ""
    among: Sequence[int] | None = None
    cursor: int | None = None
    limit: int = PAGE

    @property
    def is_exact(self) -> bool:
        """Whether `q` is the id of something or the number of an entry, and not words."""
        return _EXACT.fullmatch(self.q.strip()) is not None


@dataclass(frozen=True, slots=True)
class Results:
    """One page, newest first; `count` is of all pages, exact up to 10,000 and 10,001 where there are more."""

    rows: list[TimelineRow]
    count: int
    next: int | None


@dataclass(frozen=True, slots=True)
class Value:
    """A personal value of an entry: shown with its salt, or erased (value None). `matches` is whether it fits its commitment."""

    name: str
    value: str | None
    salt: str
    commitment: str
    matches: bool
    shown: str = ""


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry whole: its line, the exact leaf with its facts, and its personal values. `leaf_hash` is hex; empty while staged."""

    row: TimelineRow
    leaf: bytes
    facts: dict[str, Any]
    leaf_hash: str
    values: list[Value]


class Found(NamedTuple):
    """An entry as it was found: its columns, how many records it tells of, and its place in the tree; None while it waits for that."""

    columns: Projection
    records: int | None
    place: int | None


_PLACE = col(SearchedEntry.index)
_SEARCHED = (
    select(SearchedEntry, EntryKind, LedgerEntry.id, LedgerEntry.leaf)
    .join(LedgerEntry, col(LedgerEntry.index) == _PLACE)
    .join(EntryKind, col(EntryKind.id) == col(SearchedEntry.kind))
)


def about(session: Session, thing: str, limit: int = 50) -> list[TimelineRow]:
    """What happened to one thing, newest first: entries whose subject, contract, organisation or credential it is.

    Entries that still wait to be integrated are included. The caller has checked that the reader may see the thing.
    """
    if not thing:
        return []
    # What search does not know yet is read first: an entry that it comes to know meanwhile is then met twice, and never missed.
    fresh = [each for each in unlisted(session) if thing in _ids(each.columns)]
    met = {each.columns.id for each in fresh}
    named = session.exec(select(SearchedEntry.index).where(SearchedEntry.subject == thing).order_by(_PLACE.desc()).limit(limit)).all()
    known = sorted({*named, *newest(session, session.execute(_kinds_naming(thing)).scalars().all(), limit)}, reverse=True)[:limit]
    return _rows(session, [*fresh, *[each for each in _at(session, known) if each.columns.id not in met]][:limit])


def search(session: Session, wanted: Search) -> Results:
    """Integrated entries that fit every given field, newest first, paged by their index."""
    conditions = _conditions(wanted)
    count = _count(session, conditions)
    found = _page(session, wanted, conditions)
    shown = _at(session, found[: wanted.limit])
    more = shown[-1].place if len(found) > wanted.limit else None
    return Results(_rows(session, shown), count, more)


def indexes(session: Session, wanted: Search) -> Iterator[int]:
    """The places of all entries that fit and that search knows, in ascending order, without holding them."""
    query = select(SearchedEntry.index).where(*_conditions(wanted)).order_by(_PLACE)
    return iter(session.exec(query, execution_options={"yield_per": COUNT_UP_TO}))


def places_of(session: Session, entry_ids: Sequence[str]) -> list[int]:
    """The indexes of entries that search knows, in ascending order; other ids are left out."""
    found = list[int]()
    for start in range(0, len(entry_ids), _IDS_A_QUERY):
        here = col(LedgerEntry.id).in_(entry_ids[start : start + _IDS_A_QUERY])
        found += session.exec(select(SearchedEntry.index).join(LedgerEntry, col(LedgerEntry.index) == _PLACE).where(here)).all()
    return sorted(found)


def leaves(session: Session, places: Sequence[int]) -> list[tuple[int, bytes]]:
    """Index and exact leaf of the entries at these places, in ascending order; what was pruned is left out."""
    query = select(LedgerEntry.index, LedgerEntry.leaf).where(col(LedgerEntry.index).in_(places)).order_by(col(LedgerEntry.index))
    return [(index, leaf) for index, leaf in session.exec(query).all()]


def at_places(session: Session, places: Sequence[int]) -> list[TimelineRow]:
    """The entries at some places of the tree, newest first."""
    found = session.exec(select(LedgerEntry).where(col(LedgerEntry.index).in_(places)).order_by(col(LedgerEntry.index).desc())).all()
    size = _size(session)
    return _rows(session, [_read(each, size) for each in found])


def by_decision(session: Session, wanted: Search) -> dict[str, int]:
    """How many entries of each decision fit the other fields; each count is exact up to 10,000 and 10,001 beyond."""
    return {each: _count(session, _conditions(replace(wanted, decision=each))) for each in DECISIONS}


def entry(session: Session, entry_id: str) -> EntryView:
    """One entry, in the tree or still waiting; `not_found` where there is none. The caller has checked that the reader may see it."""
    row = session.exec(select(LedgerEntry).where(LedgerEntry.id == entry_id)).first()
    if row is None:
        raise refuse("not_found", "There is no such entry.")
    facts, found = _facts(row.leaf), _read(row, _size(session))
    searched = _at(session, [row.index])
    shown = _rows(session, searched or [found])[0]
    hashed = leaf_hash(row.leaf).hex() if shown.index is not None else ""
    return EntryView(shown, row.leaf, facts, hashed, _values(session, entry_id, facts.get("commitments", {})))


def unlisted(session: Session, at_most: int = _WAITING_AT_MOST) -> list[Found]:
    """What search does not know yet, newest first."""
    size = _size(session)
    return [_read(row, size) for row in unsearched(session, at_most)]


def _count(session: Session, conditions: Sequence[ColumnElement[bool]]) -> int:
    within = select(_PLACE).where(*conditions).limit(COUNT_UP_TO + 1).subquery()
    return session.exec(select(func.count()).select_from(within)).one()


def _conditions(wanted: Search) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if (asked := _question(wanted)) != Question():
        conditions.append(col(SearchedEntry.kind).in_(kinds_of(asked)))
    if wanted.since is not None:
        conditions.append(col(SearchedEntry.at) >= wanted.since)
    if wanted.until is not None:
        conditions.append(col(SearchedEntry.at) < wanted.until)
    if wanted.since is not None or wanted.until is not None:
        conditions += between(wanted.since, wanted.until)
    if wanted.among is not None:
        conditions.append(_PLACE.in_(list(wanted.among)))
    if wanted.is_exact:
        conditions.append(_named(_plain(wanted.q)))
    return conditions


def _question(wanted: Search) -> Question:
    """What is asked of an entry's kind."""
    if wanted.event and wanted.events and wanted.event not in wanted.events:
        events: Sequence[str] = ("",)
    else:
        events = (_plain(wanted.event),) if wanted.event else tuple(wanted.events)
    return Question(
        events=events,
        decision=_plain(wanted.decision),
        rule=_plain(wanted.rule),
        organisation=_plain(wanted.organisation),
        contract=_plain(wanted.contract),
        dataset=_plain(wanted.dataset),
        purpose=_plain(wanted.purpose),
        words="" if wanted.is_exact else _plain(wanted.q),
    )


def _page(session: Session, wanted: Search, conditions: Sequence[ColumnElement[bool]]) -> Sequence[int]:
    """The places of one page and the one behind it. By kind alone they are read from the end of each kind."""
    if len(conditions) == 1 and (asked := _question(wanted)) != Question():
        return newest(session, session.execute(kinds_of(asked)).scalars().all(), wanted.limit + 1, wanted.cursor)
    page = select(SearchedEntry.index).where(*conditions).order_by(_PLACE.desc()).limit(wanted.limit + 1)
    return session.exec(page if wanted.cursor is None else page.where(wanted.cursor > _PLACE)).all()


def _kinds_naming(thing: str) -> Select[Any]:
    """The kinds whose contract, organisation or credential it is."""
    named = or_(*(col(each) == thing for each in (EntryKind.contract_id, EntryKind.organisation_id, EntryKind.credential_id)))
    return sql_select(col(EntryKind.id)).where(named)


def _plain(text: str) -> str:
    # PostgreSQL refuses NUL in text, so a search for it must find nothing rather than fail.
    return text.replace("\0", "\ufffd").strip()


def _named(q: str) -> ColumnElement[bool]:
    number = q.removeprefix("#").replace(" ", "")
    if number.isascii() and number.isdigit() and len(number) < 19:
        return col(SearchedEntry.index) == int(number)
    # Each by its own index: asked for with OR, SQLite walks all entries.
    itself = sql_select(col(LedgerEntry.index)).where(col(LedgerEntry.id) == q)
    about_it = sql_select(_PLACE).where(col(SearchedEntry.subject) == q)
    named = sql_select(_PLACE).where(col(SearchedEntry.kind).in_(_kinds_naming(q)))
    return _PLACE.in_(union_all(itself, about_it, named))


def _size(session: Session) -> int:
    return session.exec(select(LedgerHead.size)).first() or 0


def _read(row: LedgerEntry, size: int) -> Found:
    return Found(columns_of(row.id, row.leaf), _facts(row.leaf).get("rows"), row.index if row.index < size else None)


def _at(session: Session, places: Sequence[int]) -> list[Found]:
    """What search knows of the entries at these places, newest first."""
    rows = session.exec(_SEARCHED.where(_PLACE.in_(places)).order_by(_PLACE.desc())).all() if places else []
    return [_found(*row) for row in rows]


def _found(row: SearchedEntry, kind: EntryKind, entry_id: str, leaf: bytes) -> Found:
    """The columns are the leaf's wherever it can be read; `verify` says where search has others."""
    told = columns_of(entry_id, leaf)
    columns = (
        told
        if told.event
        else Projection(
            entry_id,
            row.at,
            kind.event,
            kind.decision,
            kind.rule,
            kind.organisation_id,
            kind.contract_id,
            kind.dataset,
            kind.credential_id,
            row.subject or "",
        )
    )
    return Found(columns, _facts(leaf).get("rows"), row.index)


def _facts(leaf: bytes) -> dict[str, Any]:
    try:
        return read_leaf(leaf)
    except ValueError:
        return {}


def _ids(columns: Projection) -> tuple[str, ...]:
    return (columns.subject, columns.contract_id, columns.organisation_id, columns.credential_id)


def _rows(session: Session, found: Sequence[Found]) -> list[TimelineRow]:
    names = _actors(session, [each.columns.id for each in found])
    return [
        TimelineRow(
            entry_id=each.id,
            at=each.at,
            event=each.event,
            decision=each.decision,
            rule=each.rule,
            text=line(each.event, each.decision),
            who=names.get(each.id, ""),
            index=place,
            rows=None if each.decision == "refuse" else rows,
            organisation_id=each.organisation_id,
            contract_id=each.contract_id,
            dataset=each.dataset,
            credential_id=each.credential_id,
            subject=each.subject,
        )
        for each, rows, place in found
    ]


def _actors(session: Session, entry_ids: Sequence[str]) -> dict[str, str]:
    if not entry_ids:
        return {}
    who = {entry_id: each.values[ACCOUNT].value for entry_id, each in values_of(session, entry_ids).items() if ACCOUNT in each.values}
    query = select(Account.id, Account.name).where(col(Account.id).in_(set(who.values())))
    names = dict(session.exec(query).all()) if who else {}
    return {entry_id: names[account] for entry_id, account in who.items() if account in names}


def _values(session: Session, entry_id: str, commitments: dict[str, str]) -> list[Value]:
    kept = values_of(session, [entry_id]).get(entry_id, NOTHING).values
    return [_value(session, name, kept.get(name), committed) for name, committed in sorted(commitments.items())]


def _value(session: Session, name: str, kept: Kept | None, committed: str) -> Value:
    if kept is None:
        return Value(name, None, "", committed, matches=False)
    account = session.get(Account, kept.value) if name == ACCOUNT else None
    shown = account.name if account is not None else ""
    return Value(name, kept.value, kept.salt.hex(), committed, commitment(name, kept.salt, kept.value) == committed, shown)

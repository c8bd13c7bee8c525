"""Reading the ledger: timelines of objects, search for compliance, single entries.

What pages show comes from columns copied out of the leaf; `contracts.ledger.verify` proves that the copies are true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import Session, col, select

from contracts.errors import refuse
from contracts.ids import PREFIXES
from contracts.ledger.projection import COLUMNS, Projection, read_leaf
from contracts.ledger.projector import columns_of, unsearched
from contracts.ledger.stage import commitment
from contracts.ledger.tables import LedgerEntry, LedgerHead, SearchedEntry
from contracts.ledger.tree import leaf_hash
from contracts.ledger.values import ACCOUNT, NOTHING, Kept, values_of
from contracts.ledger.words import line
from contracts.people.tables import Account
from contracts.search.find import Question, kinds_of
from contracts.search.tables import KindOfEntry

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


_SEARCHED = select(SearchedEntry, LedgerEntry.leaf).join(LedgerEntry, col(LedgerEntry.index) == col(SearchedEntry.index))


def about(session: Session, thing: str, limit: int = 50) -> list[TimelineRow]:
    """What happened to one thing, newest first: entries whose subject, contract, organisation or credential it is.

    Entries that still wait to be integrated are included. The caller has checked that the reader may see the thing.
    """
    if not thing:
        return []
    concerns = or_(
        col(SearchedEntry.subject) == thing,
        col(SearchedEntry.contract_id) == thing,
        *([col(SearchedEntry.organisation_id) == thing] if thing.startswith("org_") else []),
        *([col(SearchedEntry.credential_id) == thing] if thing.startswith("cli_") else []),
    )
    # What search does not know yet is read first: an entry that it comes to know meanwhile is then met twice, and never missed.
    fresh = [each for each in unlisted(session) if thing in _ids(each.columns)]
    met = {each.columns.id for each in fresh}
    rows = session.exec(_SEARCHED.where(concerns).order_by(col(SearchedEntry.index).desc()).limit(limit)).all()
    return _rows(session, [*fresh, *[_found(*row) for row in rows if row[0].id not in met]][:limit])


def search(session: Session, wanted: Search) -> Results:
    """Integrated entries that fit every given field, newest first, paged by their index."""
    conditions = _conditions(wanted)
    count = _count(session, conditions)
    page = _SEARCHED.where(*conditions).order_by(col(SearchedEntry.index).desc()).limit(wanted.limit + 1)
    if wanted.cursor is not None:
        page = page.where(col(SearchedEntry.index) < wanted.cursor)
    found = session.exec(page).all()
    shown = [_found(*each) for each in found[: wanted.limit]]
    more = shown[-1].place if len(found) > wanted.limit else None
    return Results(_rows(session, shown), count, more)


def indexes(session: Session, wanted: Search) -> Iterator[int]:
    """The places of all entries that fit and that search knows, in ascending order, without holding them."""
    query = select(SearchedEntry.index).where(*_conditions(wanted)).order_by(col(SearchedEntry.index))
    return iter(session.exec(query, execution_options={"yield_per": COUNT_UP_TO}))


def places_of(session: Session, entry_ids: Sequence[str]) -> list[int]:
    """The indexes of entries that search knows, in ascending order; other ids are left out."""
    found = list[int]()
    for start in range(0, len(entry_ids), _IDS_A_QUERY):
        here = col(SearchedEntry.id).in_(entry_ids[start : start + _IDS_A_QUERY])
        found += session.exec(select(SearchedEntry.index).where(here)).all()
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
    searched = session.get(SearchedEntry, row.index)
    shown = _rows(session, [found if searched is None else _found(searched, row.leaf)])[0]
    hashed = leaf_hash(row.leaf).hex() if shown.index is not None else ""
    return EntryView(shown, row.leaf, facts, hashed, _values(session, entry_id, facts.get("commitments", {})))


def unlisted(session: Session, at_most: int = _WAITING_AT_MOST) -> list[Found]:
    """What search does not know yet, newest first."""
    size = _size(session)
    return [_read(row, size) for row in unsearched(session, at_most)]


def _count(session: Session, conditions: Sequence[ColumnElement[bool]]) -> int:
    within = select(col(SearchedEntry.index)).where(*conditions).limit(COUNT_UP_TO + 1).subquery()
    return session.exec(select(func.count()).select_from(within)).one()


def _conditions(wanted: Search) -> list[ColumnElement[bool]]:
    pairs = (
        (SearchedEntry.organisation_id, wanted.organisation),
        (SearchedEntry.contract_id, wanted.contract),
        (SearchedEntry.dataset, wanted.dataset),
        (SearchedEntry.decision, wanted.decision),
        (SearchedEntry.event, wanted.event),
        (SearchedEntry.rule, wanted.rule),
    )
    conditions: list[ColumnElement[bool]] = [col(column) == _plain(value) for column, value in pairs if value]
    if wanted.events:
        conditions.append(col(SearchedEntry.event).in_(list(wanted.events)))
    if wanted.since is not None:
        conditions.append(col(SearchedEntry.at) >= wanted.since)
    if wanted.until is not None:
        conditions.append(col(SearchedEntry.at) < wanted.until)
    if wanted.among is not None:
        conditions.append(col(SearchedEntry.index).in_(list(wanted.among)))
    if wanted.is_exact:
        conditions.append(_named(_plain(wanted.q)))
    if wanted.purpose or (wanted.q and not wanted.is_exact):
        kinds = kinds_of(Question(purpose=_plain(wanted.purpose), words="" if wanted.is_exact else _plain(wanted.q)))
        conditions.append(col(SearchedEntry.index).in_(select(KindOfEntry.index).where(col(KindOfEntry.kind).in_(kinds))))
    return conditions


def _plain(text: str) -> str:
    # PostgreSQL refuses NUL in text, so a search for it must find nothing rather than fail.
    return text.replace("\0", "\ufffd").strip()


def _named(q: str) -> ColumnElement[bool]:
    number = q.removeprefix("#").replace(" ", "")
    if number.isascii() and number.isdigit() and len(number) < 19:
        return col(SearchedEntry.index) == int(number)
    columns = (
        SearchedEntry.id,
        SearchedEntry.subject,
        SearchedEntry.contract_id,
        SearchedEntry.organisation_id,
        SearchedEntry.credential_id,
    )
    return or_(*(col(each) == q for each in columns))


def _size(session: Session) -> int:
    return session.exec(select(LedgerHead.size)).first() or 0


def _read(row: LedgerEntry, size: int) -> Found:
    return Found(columns_of(row.id, row.leaf), _facts(row.leaf).get("rows"), row.index if row.index < size else None)


def _found(row: SearchedEntry, leaf: bytes) -> Found:
    """The columns are the leaf's wherever it can be read; `verify` says where they are not."""
    told = columns_of(row.id, leaf)
    columns = told if told.event else Projection(*(getattr(row, name) for name in COLUMNS))
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

"""Reading the ledger: timelines of objects, search for compliance, single entries.

What pages show comes from columns copied out of the leaf; `contracts.ledger.verify` proves that the copies are true.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import Session, col, select

from contracts.errors import refuse
from contracts.ledger.projection import COLUMNS, Projection, project, read_leaf
from contracts.ledger.stage import commitment
from contracts.ledger.tables import LedgerEntry, PersonalValue, StagedEntry
from contracts.ledger.words import line
from contracts.people.roles import Side
from contracts.people.tables import Account, Organisation

PAGE = 50
COUNT_UP_TO = 10_000
DECISIONS = ("allow", "refuse", "done")
_STAGED_AT_MOST = 2_000
# What reading a leaf raises that was tampered with: pages show the columns beside it, `verify` says what was done.
_UNREADABLE = (ValueError, KeyError, TypeError)


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
    organisation or other thing, a rule's code, the number of an entry in the tree, or part of a partner's name. `cursor` is the
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
    q: str = ""
    cursor: int | None = None
    limit: int = PAGE


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


def about(session: Session, thing: str, limit: int = 50) -> list[TimelineRow]:
    """What happened to one thing, newest first: entries whose subject, contract, organisation or credential it is.

    Entries that still wait to be integrated are included. The caller has checked that the reader may see the thing.
    """
    if not thing:
        return []
    concerns = or_(
        col(LedgerEntry.subject) == thing,
        col(LedgerEntry.contract_id) == thing,
        *([col(LedgerEntry.organisation_id) == thing] if thing.startswith("org_") else []),
        *([col(LedgerEntry.credential_id) == thing] if thing.startswith("cli_") else []),
    )
    found = session.exec(select(LedgerEntry).where(concerns).order_by(col(LedgerEntry.index).desc()).limit(limit)).all()
    known = {each.id for each in found}
    waiting = [each for each in staged(session) if thing in _ids(each[0]) and each[0].id not in known]
    return _rows(session, [*waiting, *[_placed(each) for each in found]][:limit])


def search(session: Session, wanted: Search) -> Results:
    """Integrated entries that fit every given field, newest first, paged by their index."""
    conditions = _conditions(wanted)
    count = _count(session, conditions)
    page = select(LedgerEntry).where(*conditions).order_by(col(LedgerEntry.index).desc()).limit(wanted.limit + 1)
    if wanted.cursor is not None:
        page = page.where(col(LedgerEntry.index) < wanted.cursor)
    found = session.exec(page).all()
    shown = found[: wanted.limit]
    more = shown[-1].index if len(found) > wanted.limit else None
    return Results(_rows(session, [_placed(each) for each in shown]), count, more)


def indexes(session: Session, wanted: Search) -> Iterator[int]:
    """The places of all integrated entries that fit, in ascending order, without holding them."""
    query = select(LedgerEntry.index).where(*_conditions(wanted)).order_by(col(LedgerEntry.index))
    return iter(session.exec(query, execution_options={"yield_per": COUNT_UP_TO}))


def leaves(session: Session, places: Sequence[int]) -> list[tuple[int, bytes]]:
    """Index and exact leaf of the entries at these places, in ascending order; what was pruned is left out."""
    query = select(LedgerEntry.index, LedgerEntry.leaf).where(col(LedgerEntry.index).in_(places)).order_by(col(LedgerEntry.index))
    return [(index, leaf) for index, leaf in session.exec(query).all()]


def by_decision(session: Session, wanted: Search) -> dict[str, int]:
    """How many entries of each decision fit the other fields; each count is exact up to 10,000 and 10,001 beyond."""
    return {each: _count(session, _conditions(replace(wanted, decision=each))) for each in DECISIONS}


def entry(session: Session, entry_id: str) -> EntryView:
    """One entry, integrated or still staged; `not_found` where there is none. The caller has checked that the reader may see it."""
    found = session.exec(select(LedgerEntry).where(LedgerEntry.id == entry_id)).first()
    if found is not None:
        leaf, leaf_hash, shown = found.leaf, found.leaf_hash.hex(), _placed(found)
    else:
        row = session.exec(select(StagedEntry).where(StagedEntry.id == entry_id)).first()
        waiting = None if row is None else _waiting(row)
        if row is None or waiting is None:
            raise refuse("not_found", "There is no such entry.")
        leaf, leaf_hash, shown = row.leaf, "", waiting
    facts = _facts(leaf)
    line_of = _rows(session, [shown])[0]
    return EntryView(line_of, leaf, facts, leaf_hash, _values(session, entry_id, facts.get("commitments", {})))


def staged(session: Session, at_most: int = _STAGED_AT_MOST) -> list[tuple[Projection, int | None, int | None]]:
    """What waits to be integrated, newest first, as (columns, record count, None)."""
    rows = session.exec(select(StagedEntry).order_by(col(StagedEntry.seq).desc()).limit(at_most)).all()
    return [waiting for row in rows if (waiting := _waiting(row)) is not None]


def _count(session: Session, conditions: Sequence[ColumnElement[bool]]) -> int:
    within = select(col(LedgerEntry.index)).where(*conditions).limit(COUNT_UP_TO + 1).subquery()
    return session.exec(select(func.count()).select_from(within)).one()


def _conditions(wanted: Search) -> list[ColumnElement[bool]]:
    pairs = (
        (LedgerEntry.organisation_id, wanted.organisation),
        (LedgerEntry.contract_id, wanted.contract),
        (LedgerEntry.dataset, wanted.dataset),
        (LedgerEntry.decision, wanted.decision),
        (LedgerEntry.event, wanted.event),
    )
    conditions: list[ColumnElement[bool]] = [col(column) == _plain(value) for column, value in pairs if value]
    if wanted.events:
        conditions.append(col(LedgerEntry.event).in_(list(wanted.events)))
    if wanted.since is not None:
        conditions.append(col(LedgerEntry.at) >= wanted.since)
    if wanted.until is not None:
        conditions.append(col(LedgerEntry.at) < wanted.until)
    if wanted.q:
        conditions.append(_named(_plain(wanted.q)))
    return conditions


def _plain(text: str) -> str:
    # PostgreSQL refuses NUL in text, so a search for it must find nothing rather than fail.
    return text.replace("\0", "\ufffd").strip()


def _named(q: str) -> ColumnElement[bool]:
    number = q.removeprefix("#").replace(" ", "")
    if number.isascii() and number.isdigit() and len(number) < 19:
        return col(LedgerEntry.index) == int(number)
    columns = (LedgerEntry.id, LedgerEntry.subject, LedgerEntry.contract_id, LedgerEntry.organisation_id, LedgerEntry.credential_id)
    like = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    named = select(Organisation.id).where(Organisation.side == Side.PARTNER, col(Organisation.name).ilike(like, escape="\\"))
    return or_(*(col(each) == q for each in (*columns, LedgerEntry.rule)), col(LedgerEntry.organisation_id).in_(named))


def _placed(found: LedgerEntry) -> tuple[Projection, int | None, int | None]:
    try:
        facts = read_leaf(found.leaf)
        return project(facts), facts.get("rows"), found.index
    except _UNREADABLE:
        return Projection(**{name: getattr(found, name) for name in COLUMNS}), None, found.index


def _facts(leaf: bytes) -> dict[str, Any]:
    try:
        return read_leaf(leaf)
    except ValueError:
        return {}


def _waiting(row: StagedEntry) -> tuple[Projection, int | None, int | None] | None:
    try:
        facts = read_leaf(row.leaf)
        return project(facts), facts.get("rows"), None
    except _UNREADABLE:
        return None


def _ids(columns: Projection) -> tuple[str, ...]:
    return (columns.subject, columns.contract_id, columns.organisation_id, columns.credential_id)


def _rows(session: Session, found: Sequence[tuple[Projection, int | None, int | None]]) -> list[TimelineRow]:
    names = _actors(session, [each.id for each, _, _ in found])
    return [
        TimelineRow(
            entry_id=each.id,
            at=each.at,
            event=each.event,
            decision=each.decision,
            rule=each.rule,
            text=line(each.event, each.decision),
            who=names.get(each.id, ""),
            index=index,
            rows=None if each.decision == "refuse" else rows,
            organisation_id=each.organisation_id,
            contract_id=each.contract_id,
            dataset=each.dataset,
            credential_id=each.credential_id,
            subject=each.subject,
        )
        for each, rows, index in found
    ]


def _actors(session: Session, entry_ids: Sequence[str]) -> dict[str, str]:
    if not entry_ids:
        return {}
    query = select(PersonalValue.entry_id, Account.name).join(Account, col(Account.id) == col(PersonalValue.value))
    return dict(session.exec(query.where(PersonalValue.field == "account", col(PersonalValue.entry_id).in_(entry_ids))).all())


def _values(session: Session, entry_id: str, commitments: dict[str, str]) -> list[Value]:
    kept = {row.field: row for row in session.exec(select(PersonalValue).where(PersonalValue.entry_id == entry_id)).all()}
    return [_value(session, name, kept.get(name), committed) for name, committed in sorted(commitments.items())]


def _value(session: Session, name: str, row: PersonalValue | None, committed: str) -> Value:
    if row is None:
        return Value(name, None, "", committed, matches=False)
    account = session.get(Account, row.value) if name == "account" else None
    shown = account.name if account is not None else ""
    return Value(name, row.value, row.salt.hex(), committed, commitment(name, row.salt, row.value) == committed, shown)

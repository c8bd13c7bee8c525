"""How credentials are used: when and from which network last, and how much by day. Read out of the ledger by a job, so that the
hot path writes nothing for it; it lags behind by seconds and loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, or_, select, update
from sqlmodel import Session, col

from contracts.clock import day_in
from contracts.credentials.tables import Client, CredentialDay, Followed
from contracts.ledger.projection import read_leaf
from contracts.ledger.tables import LedgerEntry
from contracts.ledger.values import NETWORK, values_of
from contracts.sandbox.tables import SandboxClient
from contracts.search.tables import EntryKind, SearchedEntry
from contracts.store.driver import Ready
from contracts.store.many import Insertion
from contracts.store.unit import Store

ENTRIES_A_RUN = 500
"""Keeps SQLite's write lock below 20 ms even where each entry is of another credential."""
_NAME = "credential use"
_WEIGH = ("access.", "gate.", "sandbox.")

_DAYS = Insertion(
    CredentialDay,
    *("credential_id", "day", "requests", "records"),
    conflict="ON CONFLICT (credential_id, day) DO UPDATE SET requests = credential_day.requests + excluded.requests,"
    " records = credential_day.records + excluded.records",
)
# Built once: building a statement costs more than running it.
_NOTED = tuple(
    Ready(
        update(table)
        .where(
            col(table.id) == bindparam("credential"),
            or_(col(table.last_used_at).is_(None), col(table.last_used_at) <= bindparam("newer")),
        )
        .values(last_used_at=bindparam("used_at"), last_network=bindparam("network")),
        *("used_at", "network", "credential", "newer"),
    )
    for table in (Client, SandboxClient)
)


@dataclass(slots=True)
class _Found:
    """What the entries of one run say."""

    last: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    requests: Counter[tuple[str, date]] = field(default_factory=Counter)
    records: Counter[tuple[str, date]] = field(default_factory=Counter)


class _Kind(NamedTuple):
    """The credential that entries of a kind used, and whether they tell of requests; empty where none was used."""

    used: str
    weighs: bool


class UseFollower:
    """Follows the ledger from where it left off; each entry counts once, however many processes follow."""

    def __init__(self, store: Store, zone: str) -> None:
        """`zone` is the platform's, in which days begin."""
        self._store, self._zone = store, zone
        self._kinds: dict[int, _Kind] = {}

    def tick(self) -> int:
        """Take the next entries into account; returns how many where more may wait, so that a backlog is read without pause."""
        with self._store.read() as session:
            followed = session.get(Followed, _NAME)
            start = followed.next if followed else 0
            rows = _entries(session, start)
            kinds = self._kinds_of(session, {row.kind for row in rows})
            found = self._found(rows, kinds, _weights(session, [row.number for row in rows if kinds[row.kind].weighs]))
            networks = _networks(session, [number for number, _ in found.last.values()])
        if not rows or not self._write(start, rows[-1].number + 1, found, networks):
            return 0
        return len(rows) if len(rows) == ENTRIES_A_RUN else 0

    def _kinds_of(self, session: Session, wanted: set[int]) -> Mapping[int, _Kind]:
        """What each kind says of a credential; a kind never changes."""
        if unknown := wanted - self._kinds.keys():
            columns = (col(EntryKind.id), col(EntryKind.credential_id), col(EntryKind.event), col(EntryKind.decision))
            for kind, credential, event, decision in session.execute(select(*columns).where(columns[0].in_(unknown))):
                used = credential if decision == "allow" else ""
                self._kinds[kind] = _Kind(used, bool(used) and event.startswith(_WEIGH))
        return self._kinds

    def _found(self, rows: Sequence[Row[Any]], kinds: Mapping[int, _Kind], weights: Mapping[int, tuple[int, int]]) -> _Found:
        found = _Found()
        for row in rows:
            credential = kinds[row.kind].used
            if not credential:
                continue
            found.last[credential] = (row.number, row.at)
            requests, records = weights.get(row.number, (0, 0))
            if requests:
                day = (credential, day_in(row.at, self._zone))
                found.requests[day] += requests
                found.records[day] += records
        return found

    def _write(self, start: int, following: int, found: _Found, networks: Mapping[int, str]) -> bool:
        """False where another process has read these entries."""
        with self._store.write("credential use") as unit:
            followed = unit.session.get(Followed, _NAME, with_for_update=True, populate_existing=True)
            if (followed.next if followed else 0) != start:
                return False
            if followed is None:
                unit.session.add(Followed(name=_NAME, next=following))
            else:
                followed.next = following
            days = sorted(found.requests.items())
            _DAYS.execute(unit.connection, [(*day, requests, found.records[day]) for day, requests in days])
            for credential, (number, at) in sorted(found.last.items()):
                _note(unit.connection, credential, at, networks.get(number, ""))
        return True


def used_by_day(session: Session, credential_id: str, since: date) -> dict[date, CredentialDay]:
    """What a credential was used for on each day since one, where it was; its id survives every rotation."""
    query = select(CredentialDay).where(col(CredentialDay.credential_id) == credential_id, col(CredentialDay.day) >= since)
    return {each.day: each for each in session.execute(query).scalars()}


def _entries(session: Session, start: int) -> Sequence[Row[Any]]:
    number = col(SearchedEntry.index)
    columns: list[Any] = [number.label("number"), col(SearchedEntry.kind), col(SearchedEntry.at)]
    return session.execute(select(*columns).where(number >= start).order_by(number).limit(ENTRIES_A_RUN)).all()


def _weights(session: Session, numbers: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Requests and records of each entry that tells of any, by its number; only their leaves are read."""
    query = select(col(LedgerEntry.index), col(LedgerEntry.leaf)).where(col(LedgerEntry.index).in_(numbers))
    return {number: _weight(leaf) for number, leaf in session.execute(query)} if numbers else {}


def _weight(leaf: bytes) -> tuple[int, int]:
    """Requests and records of an entry; nothing for a leaf that was tampered with."""
    try:
        facts = read_leaf(leaf)
        return int(facts.get("facts", {}).get("fetches", 1)), int(facts.get("rows", 0))
    except (ValueError, TypeError, AttributeError):
        return 0, 0


def _networks(session: Session, numbers: Sequence[int]) -> dict[int, str]:
    """The network prefix of each entry; one that was erased stays away."""
    columns: list[Any] = [col(LedgerEntry.id), col(LedgerEntry.index).label("number")]
    query = select(*columns).where(col(LedgerEntry.index).in_(numbers))
    ids: dict[str, int] = {row.id: row.number for row in session.execute(query)} if numbers else {}
    found = values_of(session, list(ids))
    return {ids[entry_id]: each.values[NETWORK].value for entry_id, each in found.items() if NETWORK in each.values}


def _note(connection: Connection, credential: str, at: datetime, network: str) -> None:
    for noted in _NOTED:
        if noted.run(connection, at, network, credential, at).rowcount:
            return

"""Follows the tree: sorts each entry into its kind and counts it on its day, exactly once however many processes follow.

The place in the ledger is locked whenever something is written and moves in the same transaction, so a run that is killed, or that
another process overtook, neither loses nor doubles an entry.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from contracts.credentials.tables import Followed
from contracts.ledger.projection import read_leaf
from contracts.ledger.stage import canonical
from contracts.ledger.tables import LedgerEntry, LedgerHead
from contracts.ledger.words import line
from contracts.lifecycle.tables import Contract
from contracts.people.tables import Organisation
from contracts.search.tables import EntryKind, KindDay, KindOfEntry, KindWord
from contracts.settings import Settings
from contracts.store.many import Insertion
from contracts.store.sums import add
from contracts.store.unit import Store
from contracts.terms.purposes import PURPOSES

CHUNK = 500
"""Entries in one transaction: holds SQLite's write lock about 6 ms of the 20 that are allowed."""
NAME = "entry kinds"
_WORD = re.compile(r"\w+")
_MOST_KNOWN = 50_000
_LOST = date(1970, 1, 1)


class Told(NamedTuple):
    """What makes a kind, in the order in which it is hashed."""

    event: str = ""
    decision: str = ""
    rule: str = ""
    organisation_id: str = ""
    contract_id: str = ""
    dataset: str = ""
    purpose: str = ""
    fields: str = ""

    def key(self) -> bytes:
        """SHA-256 over the canonical JSON."""
        return hashlib.sha256(canonical(list(self))).digest()


@dataclass(frozen=True, slots=True)
class Lag:
    """How far search is behind the tree: entries, and since when the oldest of them waits."""

    entries: int
    since: datetime | None


# Built once: building a statement costs more than running it.
_NUMBER = col(LedgerEntry.index)
_NEXT = (
    select(_NUMBER, col(LedgerEntry.leaf)).where(bindparam("start") <= _NUMBER, bindparam("size") > _NUMBER).order_by(_NUMBER).limit(CHUNK)
)
_SIZE = select(col(LedgerHead.size))
_PLACE = select(col(Followed.next)).where(col(Followed.name) == NAME)
_WORDS = Insertion(KindWord, "word", "kind", conflict="ON CONFLICT (word, kind) DO NOTHING")
_OF = Insertion(KindOfEntry, "index", "kind")


class KindFollower:
    """Remembers the kinds that it has met, so that most entries ask the store for none."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._known: dict[Told, int] = {}

    def tick(self) -> int:
        """Take in the next entries; returns how many where more wait, so that a backlog is read without pause."""
        with self._store.read() as session:
            start, size = session.execute(_PLACE).scalar() or 0, session.execute(_SIZE).scalar() or 0
            rows = session.execute(_NEXT, {"start": start, "size": size}).all() if start < size else []
        if not rows:
            return 0
        met = [(index, *read(leaf)) for index, leaf in rows]
        self._learn({told for _, told, _, _ in met})
        placed = [(index, self._known[told], day, records) for index, told, day, records in met]
        return len(rows) if self._write(start, placed) and len(rows) == CHUNK else 0

    def _write(self, start: int, met: Sequence[tuple[int, int, date, int]]) -> bool:
        """False where another process has taken these entries in."""
        with self._store.write("entry kinds") as unit:
            followed = unit.session.get(Followed, NAME, with_for_update=True, populate_existing=True)
            if (followed.next if followed else 0) != start:
                return False
            if followed is None:
                unit.session.add(Followed(name=NAME, next=met[-1][0] + 1))
            else:
                followed.next = met[-1][0] + 1
            unit.session.flush()
            _OF.execute(unit.connection, [(index, kind) for index, kind, _, _ in met])
            add(unit, KindDay, _days(met), sums=("entries", "records"), most=("last",))
        return True

    def _learn(self, told: Iterable[Told]) -> None:
        """Make what kinds are new, and know their numbers."""
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        new = {each.key(): each for each in told if each not in self._known}
        if not new:
            return
        with self._store.read() as session:
            self._know(session, new)
            missing = {key: each for key, each in new.items() if each not in self._known}
            words = {each: words_of(each, _names(session, each), self._settings) for each in missing.values()}
        if not missing:
            return
        with self._store.write("entry kinds") as unit:
            dialect = sqlite if unit.connection.dialect.name == "sqlite" else postgresql
            rows = [{"told": key, **each._asdict()} for key, each in sorted(missing.items())]
            unit.connection.execute(dialect.insert(EntryKind).on_conflict_do_nothing(), rows)
            self._know(unit.session, missing)
            _WORDS.execute(unit.connection, [(word, self._known[each]) for each, said in words.items() for word in sorted(said)])

    def _know(self, session: Session, wanted: Mapping[bytes, Told]) -> None:
        query = select(col(EntryKind.told), col(EntryKind.id)).where(col(EntryKind.told).in_(list(wanted)))
        self._known.update({wanted[bytes(key)]: int(number) for key, number in session.execute(query) if number is not None})


def read(leaf: bytes) -> tuple[Told, date, int]:
    """The kind of an entry, its day of UTC and how many records it brought; an unreadable leaf is of a kind of its own."""
    try:
        facts = read_leaf(leaf)
        day = datetime.fromisoformat(facts["at"]).astimezone(UTC).date()
        parts = (facts["event"], facts["decision"], *(facts.get(each, "") for each in _NAMES), " ".join(facts.get("fields", ())))
        return Told(*(str(each) for each in parts)), day, _records(facts)
    except (ValueError, KeyError, TypeError):
        return Told(), _LOST, 0


_NAMES = ("rule", "organisation", "contract", "dataset", "purpose")


def _records(facts: Mapping[str, Any]) -> int:
    rows = facts.get("rows", 0) if facts["event"] == "access.records" and facts["decision"] == "allow" else 0
    return rows if isinstance(rows, int) else 0


def words_of(told: Told, names: Iterable[str], settings: Settings) -> set[str]:
    """Every word by which a kind is found, in lower case; none is a personal value."""
    described = settings.datasets.get(told.dataset)
    purpose = PURPOSES.get(told.purpose)
    texts = [line(told.event, told.decision), told.event, told.decision, told.rule, told.dataset, told.purpose, told.fields, *names]
    texts += [described.title] if described else []
    texts += [purpose.title] if purpose else []
    return {word for each in texts for word in split(each)}


def split(text: str) -> Iterator[str]:
    """The words of a text in lower case; a name with _ is one word and its parts are words too."""
    for found in _WORD.findall(text.casefold()):
        yield found
        if "_" in found:
            yield from (part for part in found.split("_") if part)


def lag(session: Session) -> Lag:
    """How far the tree is ahead of what search knows."""
    start, size = session.execute(_PLACE).scalar() or 0, session.execute(_SIZE).scalar() or 0
    first = session.execute(_NEXT, {"start": start, "size": size}).first() if start < size else None
    if first is None:
        return Lag(0, None)
    try:
        return Lag(size - start, datetime.fromisoformat(read_leaf(first.leaf)["at"]))
    except (ValueError, KeyError, TypeError):
        return Lag(size - start, None)


def _names(session: Session, told: Told) -> list[str]:
    organisation = session.get(Organisation, told.organisation_id) if told.organisation_id else None
    contract = session.get(Contract, told.contract_id) if told.contract_id else None
    return [*([organisation.name] if organisation else []), *([contract.title] if contract else [])]


def _days(met: Sequence[tuple[int, int, date, int]]) -> list[dict[str, Any]]:
    days: dict[tuple[date, int], dict[str, Any]] = {}
    for index, kind, day, records in met:
        found = days.setdefault((day, kind), {"day": day, "kind": kind, "entries": 0, "records": 0, "first": index, "last": index})
        found["entries"] += 1
        found["records"] += records
        found["last"] = index
    return [days[key] for key in sorted(days)]

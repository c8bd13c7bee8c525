"""From the ledger to the webhooks: a job reads every entry once and makes the messages that tell of it.

What is entered is told, whoever entered it: the ledger is the outbox of webhooks, and the place where the job left off moves in the
transaction that makes the messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session, col, select

from contracts.credentials.tables import Followed
from contracts.ledger.projection import read_leaf
from contracts.ledger.tables import LedgerEntry
from contracts.people.roles import Side
from contracts.people.tables import Organisation
from contracts.search.tables import EntryKind, SearchedEntry
from contracts.store.unit import Store, Unit
from contracts.webhooks.events import EVERY, PARTNERS
from contracts.webhooks.messages import make
from contracts.webhooks.tables import WebhookEndpoint

# Keeps SQLite's write lock below 20 ms where a few endpoints are told of each.
ENTRIES_A_RUN = 25
_NAME = "webhooks"
_TOLD = ("subject", "contract", "contract_version", "credential", "dataset", "organisation")


class _Found(NamedTuple):
    """An entry with its kind, id and leaf."""

    entry: SearchedEntry
    kind: EntryKind
    id: str
    leaf: bytes


def tick(store: Store) -> int:
    """Make the messages of the next entries; returns how many entries were read, so that a backlog is read without pause."""
    with store.read() as session:
        start, endpoints = _start(session), _endpoints(session)
        if not endpoints:
            return 0
        # What happened before the oldest of them is told nobody, so a first webhook does not read years of entries.
        found = _entries(session, start, min(endpoint.created_at for endpoint, _ in endpoints))
    if not found:
        return 0
    with store.write("webhooks") as unit:
        followed = unit.session.get(Followed, _NAME, with_for_update=True, populate_existing=True)
        if (followed.next if followed else 0) != start:
            return 0
        following = found[-1].entry.index + 1
        if followed is None:
            unit.session.add(Followed(name=_NAME, next=following))
        else:
            followed.next = following
        _tell(unit, found)
    return len(found)


def _start(session: Session) -> int:
    followed = session.get(Followed, _NAME)
    return followed.next if followed else 0


def _entries(session: Session, start: int, since: datetime) -> Sequence[_Found]:
    number = col(SearchedEntry.index)
    told = select(EntryKind.id).where(col(EntryKind.event).in_(EVERY), EntryKind.decision != "refuse")
    query = select(SearchedEntry, EntryKind, LedgerEntry.id, LedgerEntry.leaf)
    query = query.join(EntryKind, col(EntryKind.id) == col(SearchedEntry.kind)).join(LedgerEntry, col(LedgerEntry.index) == number)
    fitting = (number >= start, col(SearchedEntry.at) >= since, col(SearchedEntry.kind).in_(told))
    return [_Found(*row) for row in session.exec(query.where(*fitting).order_by(number).limit(ENTRIES_A_RUN)).all()]


def _endpoints(session: Session) -> list[tuple[WebhookEndpoint, bool]]:
    """Those that are told, each with whether it is the platform's."""
    live = (col(WebhookEndpoint.ended_at).is_(None), col(WebhookEndpoint.disabled_at).is_(None))
    query = select(WebhookEndpoint, Organisation.side).join(Organisation, col(Organisation.id) == col(WebhookEndpoint.organisation_id))
    return [(endpoint, side == Side.PLATFORM) for endpoint, side in session.exec(query.where(*live)).all()]


def _tell(unit: Unit, entries: Sequence[_Found]) -> None:
    endpoints = _endpoints(unit.session)
    for found in entries:
        for endpoint, platform in endpoints:
            if _concerns(endpoint, found, platform=platform):
                make(unit, endpoint, found.kind.event, found.id, _data(found.id, found.leaf), found.entry.at)


def _concerns(endpoint: WebhookEndpoint, found: _Found, *, platform: bool) -> bool:
    if found.entry.at < endpoint.created_at or (endpoint.events and found.kind.event not in endpoint.events):
        return False
    return platform or (found.kind.organisation_id == endpoint.organisation_id and found.kind.event in PARTNERS)


def _data(entry_id: str, leaf: bytes) -> dict[str, Any]:
    """Ids alone: what they stand for is read with them, by who may read it."""
    try:
        facts = read_leaf(leaf)
    except ValueError:
        facts = {}  # an edited row: `licet ledger verify` says so, and the event is told all the same
    return {"entry": entry_id, **{name: facts[name] for name in _TOLD if name in facts}}

"""The few numbers that anyone may know. Counted at most once a minute, because everyone may ask."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session, SQLModel, col

from contracts.applications.tables import Application
from contracts.deliveries.tables import ErasedRecord
from contracts.ledger.tables import LedgerHead
from contracts.lifecycle.tables import Contract
from contracts.people.tables import Organisation
from contracts.quotas.tables import QuotaDay
from contracts.sandbox.marks import PREFIX
from contracts.search.tables import EntryKind, KindDay
from contracts.store.unit import Store

KEPT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts over the whole installation at one moment. `applications` and `contracts` are by state; drafts are left out."""

    at: datetime
    partners: int
    applications: dict[str, int]
    contracts: dict[str, int]
    delivered: int
    answered: int
    refused: int
    erased: int
    entries: int

    @property
    def decided(self) -> int:
        """Applications that were approved or declined."""
        return self.applications.get("approved", 0) + self.applications.get("declined", 0)


class FigureCache:
    """The latest figures of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: Figures | None = None

    def get(self) -> Figures:
        """Figures at most a minute old."""
        with self._lock:
            now = self._store.clock.now()
            if self._known is None or not timedelta(0) <= now - self._known.at < KEPT:
                with self._store.read() as session:
                    self._known = _count(session, now)
            return self._known


def _count(session: Session, now: datetime) -> Figures:
    records = col(EntryKind.event) == "access.records"
    head = session.get(LedgerHead, 1)
    return Figures(
        at=now,
        partners=_number(session, select(func.count()).select_from(Organisation).where(col(Organisation.side) == "partner")),
        applications=_by_state(session, Application, "draft"),
        contracts=_by_state(session, Contract, "draft"),
        delivered=_number(session, select(func.coalesce(func.sum(col(QuotaDay.used)), 0)).where(_real(QuotaDay.contract_id))),
        answered=_entries(session, records, col(EntryKind.decision) == "allow"),
        refused=_entries(session, col(EntryKind.decision) == "refuse", _real(EntryKind.contract_id)),
        erased=_number(session, select(func.count()).select_from(ErasedRecord)),
        entries=head.size if head else 0,
    )


def _entries(session: Session, *of_kind: ColumnElement[bool]) -> int:
    counted = select(func.coalesce(func.sum(col(KindDay.entries)), 0)).join(EntryKind, col(EntryKind.id) == col(KindDay.kind))
    return _number(session, counted.where(*of_kind))


def _number(session: Session, query: object) -> int:
    return int(session.connection().execute(query).scalar_one())  # type: ignore[call-overload]  # any select of one number


def _real(contract_id: str) -> ColumnElement[bool]:
    """That it is no sandbox's: invented rows are no deliveries, and what sandboxes are refused is nobody's refusal."""
    return func.substr(col(contract_id), 1, len(PREFIX)) != PREFIX


def _by_state(session: Session, table: type[SQLModel], hidden: str) -> dict[str, int]:
    state = table.__table__.c.state  # type: ignore[attr-defined]  # SQLModel adds it to every table
    rows = session.connection().execute(select(state, func.count()).group_by(state)).all()
    return {name: count for name, count in rows if name != hidden}

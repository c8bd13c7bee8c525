"""Who received which records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from contracts.deliveries.ordinals import Ordinals, unpack
from contracts.deliveries.tables import Delivery, ErasedRecord, ErasureNotice


@dataclass(frozen=True, slots=True)
class Recipient:
    """One contract that received a record: how often, first and last, and under which entries (oldest first)."""

    contract_id: str
    deliveries: int
    first_at: datetime
    last_at: datetime
    entries: tuple[str, ...]


def recipients(session: Session, dataset: str, ordinal: int) -> list[Recipient]:
    """Every contract that a record was ever delivered to, in order of the first delivery."""
    found: dict[str, list[Delivery]] = {}
    for row in _touching(session, dataset, Ordinals([ordinal])):
        if ordinal in unpack(row.ordinals):
            found.setdefault(row.contract_id, []).append(row)
    return [
        Recipient(contract, len(rows), rows[0].at, rows[-1].at, tuple(row.entry_id for row in rows)) for contract, rows in found.items()
    ]


def holders(session: Session, dataset: str, ordinals: Ordinals, since: datetime | None = None) -> dict[str, Ordinals]:
    """Which of the records each contract received (since a moment), by contract id; contracts that hold none are left out."""
    held: dict[str, Ordinals] = {}
    for row in _touching(session, dataset, ordinals, since):
        common = unpack(row.ordinals) & ordinals
        if common:
            held[row.contract_id] = held.get(row.contract_id, Ordinals()) | common
    return held


def erased_of(session: Session, dataset: str, among: Ordinals | None = None) -> Ordinals:
    """Every record of a dataset that was erased here; only those of a set where one is given."""
    query = select(ErasedRecord.ordinal).where(ErasedRecord.dataset == dataset)
    if among is None:
        return Ordinals(session.exec(query).all())
    if not among:
        return Ordinals()
    row = col(ErasedRecord.ordinal)
    return Ordinals(session.exec(query.where(row >= among.min(), row <= among.max())).all()) & among


def notices_of(session: Session, contract_id: str) -> list[ErasureNotice]:
    """A contract's erasure notices, newest first."""
    query = select(ErasureNotice).where(ErasureNotice.contract_id == contract_id)
    return list(session.exec(query.order_by(col(ErasureNotice.made_at).desc(), col(ErasureNotice.id).desc())).all())


def _touching(session: Session, dataset: str, ordinals: Ordinals, since: datetime | None = None) -> Iterator[Delivery]:
    if not ordinals:
        return
    query = select(Delivery).where(Delivery.dataset == dataset, Delivery.lowest <= ordinals.max(), Delivery.highest >= ordinals.min())
    if since is not None:
        query = query.where(Delivery.at >= since)
    yield from session.exec(query.order_by(col(Delivery.at), col(Delivery.entry_id)).execution_options(yield_per=500))

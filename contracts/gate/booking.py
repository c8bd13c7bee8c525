"""Batches of licensed fetches in one transaction: their contracts' quotas, entries, bill and deliveries stand or fall together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import col

from contracts.billing.meter import usage
from contracts.billing.tables import UsageRow
from contracts.deliveries.late import tell_late
from contracts.deliveries.tables import Delivery
from contracts.gate.fetched import Batch, entry_of
from contracts.gate.tally import Fetch
from contracts.ids import new_ids
from contracts.ledger.stage import stage
from contracts.quotas import distinct
from contracts.quotas import service as quotas
from contracts.quotas.distinct import Seen
from contracts.quotas.service import Used
from contracts.quotas.tables import QuotaDistinct
from contracts.store.epochs import held
from contracts.store.unit import Unit
from contracts.terms.model import Terms

_ALL = 1 << 62


@dataclass(slots=True)
class _Books:
    """The quotas of one transaction, locked, and what has been taken from them."""

    before: dict[quotas.Account, Used]
    after: dict[quotas.Account, Used]
    seen: dict[str, Seen]
    usage: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)


def write(unit: Unit, made: Sequence[Batch], day: date) -> None:
    """Write batches of fetches that the quotas of one day pay for. Raises what the store raises."""
    # First of all, so that an erasure commits before this, and is seen, or after it, and sees the deliveries.
    held(unit)
    books, entries, ids = _open(unit, made, day), [], new_ids("ent", len(made))
    for batch, entry_id in zip(made, ids, strict=True):
        account = batch.fetch.contract_id, day
        entries.append(entry_of(batch, books.after[account].records if account in books.after else 0))
        _take(unit, books, batch, entry_id, day)
    quotas.settle(unit, books.before, books.after)
    for seen in books.seen.values():
        distinct.settle(unit, seen)
    if books.deliveries:
        unit.connection.execute(insert(Delivery), books.deliveries)
    if books.usage:
        unit.connection.execute(insert(UsageRow), books.usage)
    _tell_late(unit, made)
    stage(unit.connection, unit.node, unit.now, entries, ids)


def _tell_late(unit: Unit, made: Sequence[Batch]) -> None:
    """Tell each contract at once of all that left in this transaction and was erased meanwhile."""
    left: dict[tuple[str, str], list[int]] = {}
    for batch in made:
        if batch.packed:
            left.setdefault((batch.fetch.contract_id, batch.dataset), []).extend(batch.ordinals)
    for (contract_id, dataset), ordinals in left.items():
        tell_late(unit, contract_id, dataset, ordinals)


def _open(unit: Unit, made: Sequence[Batch], day: date) -> _Books:
    """Take the locks, each kind in the order in which the hot path takes them."""
    counted = sorted({batch.fetch.contract_id for batch in made if batch.records})
    before = quotas.locked(unit, [(each, day) for each in counted])
    return _Books(before, dict(before), _different(unit, counted))


def _different(unit: Unit, contracts: Sequence[str]) -> dict[str, Seen]:
    """The different records of the contracts' newest versions, where they are counted; else the next version counts the deliveries."""
    if not contracts:
        return {}
    row = select(col(QuotaDistinct.contract_id), col(QuotaDistinct.version)).where(col(QuotaDistinct.contract_id).in_(contracts))
    newest = dict(unit.connection.execute(row.order_by(col(QuotaDistinct.version))).all())
    return {contract: distinct.locked(unit, contract, version) for contract, version in sorted(newest.items())}


def _take(unit: Unit, books: _Books, batch: Batch, entry_id: str, day: date) -> None:
    fetch, account = batch.fetch, (batch.fetch.contract_id, day)
    if batch.records:
        books.after[account] = books.after[account].plus(batch.records, 0)
        row = None if fetch.terms is None else usage(_Billed(fetch, fetch.terms), entry_id, batch.dataset, batch.records, unit.now, day)
        books.usage += [] if row is None else [row]
    if not batch.packed:
        return
    books.deliveries.append(_delivery(unit, batch, entry_id))
    seen = books.seen.get(fetch.contract_id)
    if seen is not None:
        ordinals = sorted(set(batch.ordinals))
        seen.fitting(unit.connection, batch.dataset, ordinals, _ALL)
        seen.add(batch.dataset, ordinals)


def _delivery(unit: Unit, batch: Batch, entry_id: str) -> dict[str, Any]:
    ordinals = set(batch.ordinals)
    told = {"entry_id": entry_id, "contract_id": batch.fetch.contract_id, "dataset": batch.dataset, "version": batch.version}
    ends = {"lowest": min(ordinals), "highest": max(ordinals), "count": len(ordinals)}
    return {**told, "ordinals": batch.packed, **ends, "free": not batch.records, "at": unit.now}


@dataclass(frozen=True, slots=True)
class _Billed:
    fetch: Fetch
    terms: Terms

    @property
    def contract_id(self) -> str:
        return self.fetch.contract_id

    @property
    def organisation_id(self) -> str:
        return self.fetch.organisation_id

"""Batches of licensed fetches in one transaction: their contracts' quotas, entries, bill and deliveries stand or fall together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from contracts.billing import meter as billing
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
from contracts.store.epochs import held
from contracts.store.many import Insertion
from contracts.store.unit import Unit
from contracts.terms.model import Terms

_ALL = 1 << 62
_DELIVERIES = Insertion(Delivery, "entry_id", "contract_id", "dataset", "version", "ordinals", "lowest", "highest", "count", "free", "at")


class Booked(NamedTuple):
    """What one transaction took from a contract, and what is used of its day since."""

    records: int
    used: Used


@dataclass(slots=True)
class _Books:
    """The quotas of one transaction, locked, and what has been taken from them."""

    before: dict[quotas.Account, Used]
    after: dict[quotas.Account, Used]
    seen: dict[str, Seen]
    usage: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[tuple[Any, ...]] = field(default_factory=list)


def write(unit: Unit, made: Sequence[Batch], day: date) -> Mapping[str, Booked]:
    """Write batches of fetches that the quotas of one day pay for; returns what each contract paid. Raises what the store raises."""
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
    _DELIVERIES.execute(unit.connection, books.deliveries)
    billing.keep_all(unit.connection, books.usage)
    _tell_late(unit, made)
    stage(unit.connection, unit.node, unit.now, entries, ids)
    return {account[0]: Booked(used.records - books.before[account].records, used) for account, used in books.after.items()}


def _tell_late(unit: Unit, made: Sequence[Batch]) -> None:
    """Tell each contract at once of all that left in this transaction and was erased meanwhile."""
    left: dict[str, dict[str, list[int]]] = {}
    for batch in made:
        if batch.packed:
            left.setdefault(batch.dataset, {}).setdefault(batch.fetch.contract_id, []).extend(batch.ordinals)
    for dataset, by_contract in left.items():
        tell_late(unit, dataset, by_contract)


def _open(unit: Unit, made: Sequence[Batch], day: date) -> _Books:
    """Take the locks, each kind in the order in which the hot path takes them."""
    before = quotas.locked(unit, {(batch.fetch.contract_id, day) for batch in made if batch.records})
    return _Books(before, dict(before), _different(unit, {batch.fetch.contract_id for batch in made if batch.packed}))


def _different(unit: Unit, contracts: set[str]) -> dict[str, Seen]:
    """The different records of the contracts' newest versions, where they are counted; else the next version counts the deliveries."""
    newest = {contract: distinct.newest(unit.connection, contract) for contract in sorted(contracts)}
    return {contract: distinct.locked(unit, contract, version) for contract, version in newest.items() if version is not None}


def _take(unit: Unit, books: _Books, batch: Batch, entry_id: str, day: date) -> None:
    fetch, account = batch.fetch, (batch.fetch.contract_id, day)
    if batch.records:
        books.after[account] = books.after[account].plus(batch.records, 0)
        billed = None if fetch.terms is None else _Billed(fetch, fetch.terms)
        row = None if billed is None else billing.usage(billed, entry_id, batch.dataset, batch.records, unit.now, day)
        books.usage += [] if row is None else [row]
    if not batch.packed:
        return
    books.deliveries.append(_delivery(unit, batch, entry_id))
    seen = books.seen.get(fetch.contract_id)
    if seen is not None:
        ordinals = sorted(set(batch.ordinals))
        seen.fitting(unit.connection, batch.dataset, ordinals, _ALL)
        seen.add(batch.dataset, ordinals)


def _delivery(unit: Unit, batch: Batch, entry_id: str) -> tuple[Any, ...]:
    ordinals = set(batch.ordinals)
    told = (entry_id, batch.fetch.contract_id, batch.dataset, batch.version, batch.packed)
    return (*told, min(ordinals), max(ordinals), len(ordinals), not batch.records, unit.now)


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

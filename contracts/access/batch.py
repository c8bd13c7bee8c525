"""One batch transaction of the hot path: epochs, proofs, quotas, entries, deliveries, usage, in this order.

An answer is let out by what this transaction saw. The epochs' rows are share-locked first, so that a suspension or an erasure
commits either before this batch (whose answers are then stale and run again) or after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain, islice
from typing import Any

import structlog
from sqlalchemy import insert, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlmodel import col

from contracts.access.answers import Committed, Delivered, Issued, Item, Portion, Recorded
from contracts.access.settle import Books
from contracts.billing.meter import usage
from contracts.billing.tables import UsageRow
from contracts.credentials.dpop import invalid_proof
from contracts.credentials.kept import keep_all
from contracts.credentials.proofs import REUSED
from contracts.credentials.spent import fresh
from contracts.deliveries.tables import Delivery
from contracts.errors import StaleEpoch, StoreUnavailable
from contracts.ids import new_ids
from contracts.ledger.receipt import Receipt, receipts
from contracts.ledger.stage import Entry, write_leaves
from contracts.quotas import repeats
from contracts.store.driver import Ready, run
from contracts.store.epochs import NAMES, Epoch, Epochs, ensure
from contracts.store.many import Insertion
from contracts.store.unit import Unit

log = structlog.get_logger()

# Built once: building a statement costs more than running it.
_EPOCHS = Ready(select(col(Epoch.name), col(Epoch.value)).with_for_update(read=True))
_DELIVERIES = Insertion(Delivery, "entry_id", "contract_id", "dataset", "version", "ordinals", "lowest", "highest", "count", "free", "at")

Outcome = Committed | Exception

# What one item can do wrong by itself; the others of its batch go on without it.
OWN_FAULTS = (IntegrityError, DataError, ValueError, TypeError)
_REUSED = invalid_proof(REUSED)


def write(unit: Unit, items: Sequence[Item], *, singly: bool = False) -> list[Outcome]:
    """Write all items; returns what became of each, in order. A stale item is a `StaleEpoch`, and nothing of it is written.

    All are written at once. Where that raises one of `OWN_FAULTS`, by the fault of some item, the unit is lost; written `singly` in
    another, each has a savepoint of its own, and only the faulty ones fail.
    """
    now = _epochs(unit)
    fresh = [item for item in items if not _stale(item, now)]
    outcomes = iter([_alone(unit, item) for item in fresh] if singly else _together(unit, fresh))
    return [StaleEpoch("grants or erasures moved") if _stale(item, now) else next(outcomes) for item in items]


def ensure_epochs(unit: Unit) -> None:
    """Make the epochs' rows, which a batch must find to lock."""
    ensure(unit.connection)


def _epochs(unit: Unit) -> Epochs:
    if unit.connection.dialect.name == "postgresql":
        # A control-plane transaction that hangs must not hang reads: the batch fails and answers 503.
        run(unit.connection, "SET LOCAL lock_timeout = '2s'")
    return Epochs(**{name: value for name, value in _EPOCHS.run(unit.connection).fetchall() if name in NAMES})


def _stale(item: Item, now: Epochs) -> bool:
    match item:
        case Delivered():
            return (item.seen.grants, item.seen.erasures) != (now.grants, now.erasures)
        case Issued():
            return item.grants != now.grants
        case Recorded():
            return False


def _alone(unit: Unit, item: Item) -> Outcome:
    try:
        with unit.connection.begin_nested():
            return _together(unit, [item])[0]
    except OWN_FAULTS as error:
        log.error("access.item_failed", error=type(error).__name__)
        return StoreUnavailable(type(error).__name__)


def _together(unit: Unit, items: Sequence[Item]) -> list[Committed]:
    settled = _settle(unit, items, _replayed(unit, items))
    entries = [_entries(item, granted) for item, granted in zip(items, settled, strict=True)]
    made = iter(new_ids("ent", sum(map(len, entries))))
    ids = [list(islice(made, len(group))) for group in entries]
    _deliver(unit, items, settled, [group[0] for group in ids])
    keep_all(unit, [item.token for item in items if isinstance(item, Issued)])
    leaves = write_leaves(unit.connection, unit.node, unit.now, list(chain.from_iterable(entries)), list(chain.from_iterable(ids)))
    kept = _receipts(unit, items, entries, leaves)
    return [granted.told(tuple(group), receipt) for group, granted, receipt in zip(ids, settled, kept, strict=True)]


def _receipts(unit: Unit, items: Sequence[Item], entries: Sequence[Sequence[Entry]], leaves: Sequence[bytes]) -> list[Receipt | None]:
    """What each answer carries of its first entry; a token carries nothing."""
    firsts = accumulate([len(group) for group in entries[:-1]], initial=0)
    asked = {place: first for place, (item, first) in enumerate(zip(items, firsts, strict=True)) if not isinstance(item, Issued)}
    made = dict(zip(asked, receipts(unit.connection, [leaves[first] for first in asked.values()]), strict=True)) if asked else {}
    return [made.get(place) for place in range(len(items))]


def _replayed(unit: Unit, items: Sequence[Item]) -> list[bool]:
    """Use up the items' proofs; true for each whose proof was used before, here or in any other transaction."""
    proofs = [None if isinstance(item, Issued) else item.proof for item in items]
    left = fresh(unit, [proof for proof in proofs if proof is not None])
    found = []
    for proof in proofs:
        found.append(proof is not None and proof.digest not in left)
        if proof is not None:
            left.discard(proof.digest)
    return found


def _settle(unit: Unit, items: Sequence[Item], replayed: Sequence[bool]) -> list[Committed]:
    """Give each item what its quotas leave, in the order of the batch, and write the quotas once."""
    books = Books(unit, [item for item in items if isinstance(item, Delivered)])
    settled = []
    for item, again in zip(items, replayed, strict=True):
        if not isinstance(item, Delivered):
            settled.append(Committed((), unit.now, refusal=_REUSED if again else None))
        else:
            settled.append(books.unchanged(item, _REUSED) if again else books.take(item))
    books.write()
    return settled


def _entries(item: Item, granted: Committed) -> Sequence[Entry]:
    if isinstance(item, Recorded):
        again = granted.refusal
        return item.entries if again is None else [entry._replace(decision="refuse", rule=again.code) for entry in item.entries]
    if isinstance(item, Issued):
        return [item.entry]
    entry = item.entry._replace(quota_before=granted.quota_before, quota_after=granted.quota_after)
    if granted.refusal is not None:
        return [entry._replace(decision="refuse", rule=granted.refusal.code, rows=0)]
    part = granted.portion or item.whole
    told = entry._replace(decision="allow", rows=part.count, bytes=len(part.data), records_hash=part.records_hash)
    if granted.free:
        return [told._replace(facts={**told.facts, "free": True})]
    return [told if granted.new_records is None else told._replace(new_records=granted.new_records)]


def _deliver(unit: Unit, items: Sequence[Item], settled: Sequence[Committed], ids: Sequence[str]) -> None:
    deliveries, used, again = [], [], dict[bytes, str]()
    for item, outcome, entry_id in zip(items, settled, ids, strict=True):
        if not isinstance(item, Delivered) or outcome.portion is None or not outcome.portion.count:
            continue
        if item.grant.sandbox:
            continue  # invented rows are nobody's: nothing was delivered, is owed, or has to be erased
        deliveries.append(_delivery(item, outcome, outcome.portion, entry_id))
        if outcome.free:
            continue
        if item.repeat is not None:
            again[item.repeat] = entry_id
        row = usage(item.grant, entry_id, item.entry.dataset, outcome.portion.count, unit.now, item.charge.day)
        if row is not None:
            used.append(row)
    _DELIVERIES.execute(unit.connection, deliveries)
    if used:
        unit.connection.execute(insert(UsageRow), used)
    repeats.keep(unit, again)


def _delivery(item: Delivered, outcome: Committed, part: Portion, entry_id: str) -> tuple[Any, ...]:
    told = (entry_id, item.grant.contract_id, item.entry.dataset, item.entry.dataset_version)
    return (*told, part.ordinals, part.lowest, part.highest, part.count, outcome.free, outcome.at)

"""Answers that may be fetched again free: the same request, by its cursor or its `Idempotency-Key`, for ten minutes.

A connection that broke costs nobody a record twice. What is free are the records that the first answer held, and no others: the
request is decided, read and recorded anew, so nothing leaves that the contract does not allow any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete
from sqlmodel import col, select

from contracts.deliveries.ordinals import Ordinals, unpack
from contracts.deliveries.tables import Delivery
from contracts.quotas.tables import QuotaRepeat
from contracts.store.driver import Ready
from contracts.store.many import Insertion
from contracts.store.unit import Store, Unit

FREE = timedelta(minutes=10)

# Built once: building a statement costs more than running it.
_KNOWN = Ready(
    select(col(Delivery.ordinals))
    .where(col(Delivery.entry_id) == col(QuotaRepeat.entry_id))
    .where(col(QuotaRepeat.digest) == bindparam("of_digest"), col(QuotaRepeat.ends_at) > bindparam("now")),
    *("of_digest", "now"),
)
_KEEP = Insertion(
    QuotaRepeat,
    *("digest", "entry_id", "ends_at"),
    conflict="ON CONFLICT (digest) DO UPDATE SET entry_id = excluded.entry_id, ends_at = excluded.ends_at",
)


def digest(contract_id: str, version: int, fingerprint: bytes, limit: int, named: str) -> bytes:
    """What tells that a request is the same: contract and version, the query with its limit, and cursor or key (`named`)."""
    told = "\0".join((contract_id, str(version), fingerprint.hex(), str(limit), named))
    return hashlib.sha256(told.encode()).digest()


def known(unit: Unit, digests: Iterable[bytes]) -> dict[bytes, Ordinals]:
    """The records of each answer that may still be fetched again. Call it with the contracts' quotas locked."""
    found = dict[bytes, Ordinals]()
    for each in set(digests):
        row = _KNOWN.run(unit.connection, each, unit.now).fetchone()
        if row is not None:
            found[each] = unpack(bytes(row[0]))
    return found


def keep(unit: Unit, answers: Mapping[bytes, str]) -> None:
    """Let each answer be fetched again for `FREE` from now, by digest; `answers` names their entries."""
    ends_at = unit.now + FREE
    _KEEP.execute(unit.connection, [(each, entry, ends_at) for each, entry in answers.items()])


def sweep_repeats(store: Store, most: int = 2_000) -> int:
    """Forget answers whose time is over; returns how many, at most `most` a run."""
    with store.read() as session:
        ended = _ended(session.connection(), store.clock.now(), most)
    if ended:
        with store.write("repeats") as unit:
            unit.connection.execute(delete(QuotaRepeat).where(col(QuotaRepeat.digest).in_(ended), col(QuotaRepeat.ends_at) <= unit.now))
    return len(ended)


def _ended(connection: Connection, now: datetime, most: int) -> list[bytes]:
    query = select(col(QuotaRepeat.digest)).where(col(QuotaRepeat.ends_at) <= now).limit(most)
    return [bytes(each) for each in connection.execute(query).scalars()]

"""Erasing a person or a network from the ledger: values, salts, index and key go; leaves and proofs stay.

The order makes an interrupted erasure finish by itself: the entry that tells of it, then the key (from here on nothing can be read,
in no copy of the database either), then the rows. `sweep` removes rows whose key is gone: a job runs it after each erasure,
and `licet restore` runs it over a backup, which is how a backup made before an erasure reveals nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, delete, func
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from contracts.errors import refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.ledger.subjects import SubjectKeys
from contracts.ledger.tables import SealedValues
from contracts.ledger.values import NETWORK, NOBODY, keys_of, sealed, unsealed
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.unit import Store, Unit

log = structlog.get_logger()

A_RUN = 200
_TRIES, _PAUSE = 20, 0.05


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: the id of the erasure, which stands in its entry, and of how many entries values were."""

    id: str
    entries: int


def erase(store: Store, actor: Actor, subject: str, basis: str) -> Erased:
    """Erase all values of whoever is named exactly so: an account's id, a mail address, a network, a name that was searched for.

    `basis` says why it may and must be, and is the officer's own value. Only for compliance. Raises `reason_required`, and
    `not_found` where nothing of the subject is kept.
    """
    actor.require(Role.COMPLIANCE)
    if not basis.strip():
        raise refuse("reason_required", "Say on what ground this is erased.")
    with store.read() as session:
        keys = keys_of(session.connection())
        handles = [] if subject == NOBODY else keys.find(subject)
        entries = _count(session, handles)
    if not handles:
        raise refuse("not_found", "Nothing is kept under exactly this. Write the account’s id, the mail address or the network whole.")
    erasure = Erased(new_id("ers"), entries)
    with store.write("erase values") as unit:
        note = Entry(event="values.erased", subject=erasure.id, facts={"entries": entries}, personal=actor.personal(reason=basis.strip()))
        record(unit, note)
    keys.destroy(handles)
    for handle in handles:
        _clear(store, keys, handle)
    scrub(store)
    return erasure


def sweep(store: Store) -> int:
    """Remove every row whose key was erased; returns how many keys' rows there were. Harmless to repeat."""
    with store.read() as session:
        keys = keys_of(session.connection())
        named = [session.execute(sql_select(column).distinct()).scalars().all() for column in _HANDLES]
    gone = sorted({handle for found in named for handle in found if handle is not None and keys.erased(handle)})
    for handle in gone:
        _clear(store, keys, handle)
    if gone:
        scrub(store)
        log.info("ledger.swept", keys=len(gone))
    return len(gone)


class Sweeper:
    """Runs `sweep` once at the start, and whenever keys were erased since, by whichever process."""

    def __init__(self, store: Store) -> None:
        self._store, self._seen = store, -1

    def tick(self) -> int:
        """Sweep where there may be something to sweep; always 0, because nothing is left to do at once."""
        with self._store.read() as session:
            seen = keys_of(session.connection()).erasures()
        if seen != self._seen:
            sweep(self._store)
            self._seen = seen
        return 0


def scrub(store: Store) -> bool:
    """Fold SQLite's write-ahead log into the file and empty it, so that what was overwritten is gone there too.

    Says whether that was possible; readers of long ago can stand in the way, and closing the store does it later. PostgreSQL has no such
    means: dead rows stay in its files until `VACUUM FULL`, as bytes that no key opens.
    """
    if not store.is_sqlite:
        return True
    for _ in range(_TRIES):
        with store.engine.connect() as connection:
            # A checkpoint cannot run inside a transaction, which SQLAlchemy would begin.
            raw = connection.connection.driver_connection
            busy = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] if raw is not None else 1
        if not busy:
            return True
        time.sleep(_PAUSE)
    return False


_HANDLES = (col(SealedValues.subject), col(SealedValues.network))


def _count(session: Session, handles: Sequence[int]) -> int:
    concerned = col(SealedValues.subject).in_(handles) | col(SealedValues.network).in_(handles)
    return session.exec(select(func.count(func.distinct(col(SealedValues.entry_id)))).where(concerned)).one()


def _clear(store: Store, keys: SubjectKeys, handle: int) -> None:
    """Delete a handle's rows, and take it as a network out of the rows of others; in runs that hold the write lock for a moment."""
    more = True
    while more:
        with store.write("erase values") as unit:
            more = _delete(unit.connection, handle) + _unname(unit, keys, handle) > 0


def _delete(connection: Connection, handle: int) -> int:
    own = col(SealedValues.subject) == handle
    some = sql_select(col(SealedValues.entry_id)).where(own).limit(A_RUN)
    return connection.execute(delete(SealedValues).where(own, col(SealedValues.entry_id).in_(some))).rowcount


def _unname(unit: Unit, keys: SubjectKeys, handle: int) -> int:
    rows = unit.session.exec(select(SealedValues).where(SealedValues.network == handle).limit(A_RUN)).all()
    for row in rows:
        cipher = keys.cipher(row.subject)
        values = None if cipher is None else unsealed(cipher, row.entry_id, row.sealed)
        if cipher is None or values is None:
            unit.session.delete(row)
            continue
        row.network, row.sealed = None, sealed(cipher, row.entry_id, {name: kept for name, kept in values.items() if name != NETWORK})
    unit.session.flush()
    return len(rows)

"""Erasing a person or a network from the ledger: values, salts, index and key go; leaves and proofs stay.

The order makes an interrupted erasure finish by itself: the entry that tells of it, then the key (from here on nothing can be read,
in no copy of the database either), then the rows. `sweep` removes rows whose key is gone: a job runs it after each erasure,
and `licet restore` runs it over a backup, which is how a backup made before an erasure reveals nothing.

What a hold names stays (`contracts.holds`). An erasure that meets one takes what is free and waits with the rest.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import delete, func
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from contracts.errors import refuse
from contracts.holds.standing import Holds, held, in_force, unchanged
from contracts.holds.tables import Hold, WaitingErasure
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.ledger.subjects import SubjectKeys
from contracts.ledger.tables import LedgerEntry, SealedValues
from contracts.ledger.values import NETWORK, NOBODY, NONCE, keys_of, sealed, unsealed
from contracts.ledger.whose import BESIDE, SUBJECT, of_any, under
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.unit import Store, Unit
from contracts.store.write_ahead import fold

log = structlog.get_logger()

A_RUN = 200
_TRIES, _PAUSE = 40, 0.05


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: the id of the erasure, which stands in its entry, and of how many entries values were.

    `held` of them stay as they are until `hold`, and those that come after it, have ended: the rest is done by itself then.
    """

    id: str
    entries: int
    held: int = 0
    hold: Hold | None = None


def erase(store: Store, actor: Actor, subject: str, basis: str) -> Erased:
    """Erase all values of whoever is named exactly so: an account's id, a mail address, a network, a name that was searched for.

    `basis` says why it may and must be, and is the officer's own value. Only for compliance. Raises `reason_required`, and
    `not_found` where nothing of the subject is kept. Where holds name entries that have such values, those wait, and the key with them.
    """
    actor.require(Role.COMPLIANCE)
    if not basis.strip():
        raise refuse("reason_required", "Say on what ground this is erased.")
    with store.read() as session:
        keys = keys_of(session.connection())
        handles = [] if subject == NOBODY else keys.find(subject)
    if not handles:
        raise refuse("not_found", "Nothing is kept under exactly this. Write the account’s id, the mail address or the network whole.")
    personal = actor.personal(reason=basis.strip())
    return _decide(store, Wanted(new_id("ers"), tuple(handles), actor.account_id, personal))


def finish_waiting(store: Store) -> int:
    """Go on with erasures that wait for holds: what is free goes, and where nothing is held any more, all; returns how many ended."""
    with store.read() as session:
        waiting = session.exec(select(WaitingErasure).where(col(WaitingErasure.done_at).is_(None)).order_by(col(WaitingErasure.id))).all()
    for each in waiting:
        _decide(store, Wanted(each.id, tuple(each.handles), each.asked_by, {"account": each.asked_by}, waits=True))
    with store.read() as session:
        left = session.exec(select(func.count()).select_from(WaitingErasure).where(col(WaitingErasure.done_at).is_(None))).one()
    return len(waiting) - left


def sweep(store: Store) -> int:
    """Remove every row whose key was erased; returns how many keys' rows there were. Harmless to repeat."""
    with store.read() as session:
        keys = keys_of(session.connection())
        named = [session.execute(sql_select(column).distinct()).scalars().all() for column in (SUBJECT, BESIDE)]
    gone = sorted({handle for found in named for handle in found if handle is not None and keys.erased(handle)})
    for handle in gone:
        _clear(store, keys, handle)
    if gone:
        scrub(store)
        log.info("ledger.swept", keys=len(gone))
    return len(gone)


class Sweeper:
    """Runs `sweep` once at the start, and whenever keys were erased since, by whichever process; and goes on with what waited for holds."""

    def __init__(self, store: Store) -> None:
        self._store, self._seen = store, -1
        self._held: tuple[tuple[str, int], ...] | None = None

    def tick(self) -> int:
        """Sweep where there may be something to sweep; always 0, because nothing is left to do at once."""
        with self._store.read() as session:
            seen = keys_of(session.connection()).erasures()
            held = in_force(session, self._store.clock.now()).stamp
        if held != self._held:
            finish_waiting(self._store)
            self._held = held
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
        if fold(store, "TRUNCATE"):
            return True
        time.sleep(_PAUSE)
    return False


@dataclass(frozen=True, slots=True)
class Wanted:
    """An erasure that is to be: its id, whose values, who asks, what its entry says of that; `waits` where it has waited so far."""

    id: str
    handles: tuple[int, ...]
    asked_by: str
    personal: Mapping[str, str]
    waits: bool = False


def _decide(store: Store, wanted: Wanted) -> Erased:
    """Erase all, or only what no hold names; asked again where a hold was confirmed or ended while this was found out."""
    while True:
        with store.read() as session:
            keys = keys_of(session.connection())
            holds = in_force(session, store.clock.now())
            kept = _held(session, holds, wanted.handles)
            concerned = _count(session, wanted.handles)
        done = Erased(wanted.id, concerned, len(kept), next(iter(kept.values()), None))
        with store.write("erase values") as unit:
            if not unchanged(unit, holds):
                continue
            _note(unit, wanted, done)
        if not kept:
            keys.destroy(wanted.handles)
        for handle in wanted.handles:
            _clear(store, keys, handle, frozenset(kept))
        scrub(store)
        if wanted.waits and not kept:
            with store.write("erase values") as unit:
                unit.lock(WaitingErasure, wanted.id).done_at = unit.now
        return done


def _note(unit: Unit, wanted: Wanted, done: Erased) -> None:
    """The entry, once of an erasure that waits and once of each that is done."""
    row = unit.session.get(WaitingErasure, wanted.id)
    if done.hold is not None:
        if row is None:
            waiting = WaitingErasure(
                id=wanted.id, handles=list(wanted.handles), hold_id=done.hold.id, asked_by=wanted.asked_by, asked_at=unit.now
            )
            unit.session.add(waiting)
            facts = {"entries": done.entries - done.held, "held": done.held, "hold": done.hold.id}
            record(unit, Entry(event="values.erasure_waits", subject=wanted.id, facts=facts, personal=wanted.personal))
        return
    if row is None or not row.entry_id:
        note = Entry(event="values.erased", subject=wanted.id, facts={"entries": done.entries}, personal=wanted.personal)
        entry_id = record(unit, note)
        if row is not None:
            row.entry_id = entry_id


def _count(session: Session, handles: Sequence[int]) -> int:
    return session.exec(select(func.count()).select_from(of_any(handles).subquery())).one()


def _held(session: Session, holds: Holds, handles: Sequence[int]) -> dict[str, Hold]:
    """The entries with values of these keys that a hold names."""
    if not holds.all:
        return {}
    query = select(LedgerEntry.id, LedgerEntry.leaf).where(col(LedgerEntry.id).in_(of_any(handles))).order_by(col(LedgerEntry.index))
    return held(session, holds, session.exec(query).all())


def _clear(store: Store, keys: SubjectKeys, handle: int, kept: frozenset[str] = frozenset()) -> None:
    """Delete a handle's rows, and take it as a network out of the rows of others, but in entries that are kept.

    In runs that hold the write lock for a moment, each from the entry on where the last one ended.
    """
    for part, column in ((_delete, SUBJECT), (_unname, BESIDE)):
        after = ""
        while ids := _following(store, column, handle, after):
            free = [each for each in ids if each not in kept]
            if free:
                with store.write("erase values") as unit:
                    part(unit, keys, handle, free)
            after = ids[-1]


def _following(store: Store, column: Any, handle: int, after: str) -> Sequence[str]:
    with store.read() as session:
        query = under(column, [handle]).where(col(SealedValues.entry_id) > after).distinct()
        return session.execute(query.order_by(col(SealedValues.entry_id)).limit(A_RUN)).scalars().all()


def _delete(unit: Unit, _keys: SubjectKeys, handle: int, entry_ids: Sequence[str]) -> None:
    unit.connection.execute(delete(SealedValues).where(col(SealedValues.subject) == handle, col(SealedValues.entry_id).in_(entry_ids)))


def _unname(unit: Unit, keys: SubjectKeys, handle: int, entry_ids: Sequence[str]) -> None:
    here = select(SealedValues).where(SealedValues.network == handle, col(SealedValues.entry_id).in_(entry_ids))
    for row in unit.session.exec(here).all():
        cipher = keys.cipher(row.subject)
        values = None if cipher is None else unsealed(cipher, row.entry_id, row.sealed)
        if cipher is None or values is None:
            unit.session.delete(row)
            continue
        left = {name: kept for name, kept in values.items() if name != NETWORK}
        row.network, row.sealed = None, sealed(cipher, row.entry_id, left, secrets.token_bytes(NONCE))
    unit.session.flush()

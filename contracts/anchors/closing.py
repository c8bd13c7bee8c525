"""Ending a log whose key is lost or known to others, and beginning the next (as Rekor does by period): one act of the operator.

The old log ends at its last checkpoint that witnesses cosigned: what its key signs later counts for nothing. The next has the same
tree, another name and another key, so its checkpoints can be proved to extend the old log's end, and no entry is lost. The first entry
that is new in it names that end. Tiles and the closing checkpoint of the old log stay served.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from contracts.anchors.logs import latest
from contracts.anchors.published import Published, ending
from contracts.anchors.tables import Log
from contracts.errors import Misconfigured, refuse
from contracts.keys import KeyRing, KeyRow, Purpose, ed25519_key, newest
from contracts.ledger import note
from contracts.ledger.note import BadNote, CheckpointText, verifier_of
from contracts.ledger.stage import Entry, record
from contracts.settings import Settings
from contracts.store.unit import Store, Unit


@dataclass(frozen=True, slots=True)
class _End:
    """The log that ends: its number, its public key, its last checkpoint that counts and what that says."""

    number: int
    vkey: str
    note: str
    told: CheckpointText


def close_log(store: Store, keys: KeyRing, settings: Settings, why: str, vkey: str = "") -> Log:
    """Close the log that is being written and open the next; returns the next.

    `vkey` is the old log's public key, needed where its private key cannot be opened any more. Nothing may sign meanwhile: the
    caller has made sure that no process sequences. Raises `invalid_input` where there is nothing to close, no reason, or where the
    closing checkpoint is not by that key.
    """
    if not why.strip():
        raise refuse("invalid_input", "Say why the log is closed; it becomes part of the ledger.")
    with store.read() as session:
        end = _end(session, keys, settings, vkey)
    with store.write("close log") as unit:
        made = _next_key(unit, keys)
        origin = f"{settings.ledger_origin}/{end.number + 1}"
        key = verifier_of(origin, ed25519_key(keys.open(made))).vkey()
        _store(unit, settings, end, why.strip())
        following = Log(number=end.number + 1, origin=origin, key=key, opened_at=unit.now)
        unit.session.add(following)
        facts = {
            "origin": origin,
            "key": key,
            "follows": end.told.origin,
            "size": end.told.size,
            "root": end.told.root.hex(),
            "checkpoint_hash": hashlib.sha256(end.note.encode()).hexdigest(),
        }
        record(unit, Entry(event="ledger.opened", subject=origin, facts=facts, personal={"why": why.strip()}))
        record(unit, Entry(event="key.made", subject=made.id, facts={"purpose": Purpose.LEDGER.value}))
    return following


def closed(session: Session, number: int) -> Log:
    """A log that was closed; `not_found` where there is none of this number."""
    row = session.get(Log, number) if 0 < number < 2**31 else None
    if row is None or row.closed_at is None:
        raise refuse("not_found", "There is no closed log of this number.")
    return row


def _end(session: Session, keys: KeyRing, settings: Settings, vkey: str) -> _End:
    log = latest(session)
    origin = log.origin if log else settings.ledger_origin
    last = ending(session)
    if last is None or note.parse_checkpoint(note.parts(last.note)[0]).origin != origin:
        raise refuse("invalid_input", "The log has no checkpoint yet, so there is nothing to close.")
    key = vkey or (log.key if log else _public(session, keys, origin))
    return _End(log.number if log else 1, key, last.note, _told(last, key))


def _told(last: Published, vkey: str) -> CheckpointText:
    try:
        return note.open_checkpoint(last.note, [note.parse_vkey(vkey)])
    except BadNote as error:
        raise refuse("invalid_input", f"The log's last checkpoint is not by the key {vkey}: {error}.") from error


def _public(session: Session, keys: KeyRing, origin: str) -> str:
    row = newest(session, Purpose.LEDGER)
    try:
        if row is not None:
            return verifier_of(origin, ed25519_key(keys.open(row))).vkey()
    except Misconfigured:
        pass  # the very loss that this is for
    raise refuse("invalid_input", "The log's private key cannot be opened. Give its public key, as everyone has it, with --key.")


def _next_key(unit: Unit, keys: KeyRing) -> KeyRow:
    for row in unit.session.exec(select(KeyRow).where(KeyRow.purpose == Purpose.LEDGER, col(KeyRow.retired_at).is_(None))):
        row.retired_at = unit.now
    unit.session.flush()
    return keys.make(unit, Purpose.LEDGER)


def _store(unit: Unit, settings: Settings, end: _End, why: str) -> None:
    row = unit.session.get(Log, end.number) or Log(number=1, origin=settings.ledger_origin, key=end.vkey, opened_at=_first(unit))
    row.closed_at, row.size, row.closing, row.why = unit.now, end.told.size, end.note, why
    unit.session.add(row)


def _first(unit: Unit) -> datetime:
    """When the first log began: with its key."""
    made = unit.session.exec(select(KeyRow.created_at).where(KeyRow.purpose == Purpose.LEDGER).order_by(col(KeyRow.created_at))).first()
    return made or unit.now

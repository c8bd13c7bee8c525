"""Rotation and revocation of the keys that sign access tokens: `licet keys`, and the worker's job that ends a replaced key."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from contracts.credentials.signing_keys import PUBLISHED_FOR, make_key, signing_now
from contracts.credentials.tokens import LONGEST_SECONDS
from contracts.errors import refuse
from contracts.keys import KeyRing, KeyRow, Purpose, all_of
from contracts.ledger.stage import Entry, record
from contracts.store import epochs
from contracts.store.unit import Store, Unit

# Beside the longest token, what clocks of several machines may differ by.
VERIFIES_FOR = timedelta(seconds=LONGEST_SECONDS + 60)

STATES = {
    "published": "Known to everyone, and signs soon.",
    "signs": "Signs every new token.",
    "verifies": "Was replaced, and verifies until its last token has ended.",
    "ended": "Out of use: no token that it signed is accepted.",
}


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A key as staff see it. `until` is when the state changes by itself, if it does."""

    kid: str
    made_at: datetime
    state: str
    until: datetime | None


def listed(session: Session, now: datetime) -> list[KeyLine]:
    """Every key that signs or signed tokens, newest first, each in one of `STATES`."""
    rows = session.exec(select(KeyRow).where(KeyRow.purpose == Purpose.TOKEN).order_by(col(KeyRow.id))).all()
    live = [(row.id, row.created_at) for row in rows if row.retired_at is None]
    signer = signing_now(live, now)
    following = {kid: made_at for (kid, _), (_, made_at) in itertools.pairwise(live)}
    return [_line(row, signer, following.get(row.id)) for row in reversed(rows)]


def rotate(unit: Unit, ring: KeyRing) -> KeyRow:
    """A new key: published now, signing in ten minutes. Raises `command_not_possible` while the one before does not sign yet."""
    lines = listed(unit.session, unit.now)
    waiting = next((line for line in lines if line.state == "published"), None)
    if waiting is not None:
        raise refuse("command_not_possible", f"The key {waiting.kid} is published and does not sign yet. Wait until it does.")
    made = make_key(unit, ring)
    epochs.bump(unit, "grants")
    return made


def revoke(unit: Unit, ring: KeyRing, kid: str) -> None:
    """End a key and with it every token that it signed, everywhere within two seconds. Another is made where none is left.

    Raises `not_found` for what is no key of tokens, `command_not_possible` for one that ended before.
    """
    row = unit.lock(KeyRow, kid)
    if row.purpose != Purpose.TOKEN:
        raise refuse("not_found", "There is no such key of access tokens. `licet keys list` shows them.")
    if row.retired_at is not None:
        raise refuse("command_not_possible", f"The key {kid} has ended before.")
    _end(unit, row, "key.revoked")
    if not all_of(unit.session, Purpose.TOKEN):
        make_key(unit, ring)


def end_replaced(store: Store) -> int:
    """End the keys whose last token has ended; returns how many. For the worker."""
    with store.read() as session:
        due = [line.kid for line in listed(session, store.clock.now()) if _is_due(line, store.clock.now())]
    if due:
        with store.write("token key") as unit:
            # Looked at again under the lock: a revocation of the successor lets the key sign on.
            for line in listed(unit.session, unit.now):
                if line.kid in due and _is_due(line, unit.now):
                    _end(unit, unit.lock(KeyRow, line.kid), "key.ended")
    return len(due)


def _line(row: KeyRow, signer: str, next_made_at: datetime | None) -> KeyLine:
    if row.retired_at is not None:
        return KeyLine(row.id, row.created_at, "ended", None)
    if row.id == signer:
        return KeyLine(row.id, row.created_at, "signs", None if next_made_at is None else next_made_at + PUBLISHED_FOR)
    if row.id > signer:
        return KeyLine(row.id, row.created_at, "published", row.created_at + PUBLISHED_FOR)
    until = None if next_made_at is None else next_made_at + PUBLISHED_FOR + VERIFIES_FOR
    return KeyLine(row.id, row.created_at, "verifies", until)


def _is_due(line: KeyLine, now: datetime) -> bool:
    return line.state == "verifies" and line.until is not None and line.until <= now


def _end(unit: Unit, row: KeyRow, event: str) -> None:
    row.retired_at = unit.now
    unit.session.flush()
    epochs.bump(unit, "grants")
    record(unit, Entry(event=event, subject=row.id, facts={"purpose": row.purpose}))

"""The outbox: effects outside the database, written in the transaction that decided them and done by the worker.

An effect happens at least once. Its handler gets the row's id and generation, from which it makes an idempotency key: a
retry repeats the key, a deliberate re-run (`rerun`) changes it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import bindparam, select
from sqlmodel import Field, SQLModel, col

from contracts.ids import new_id
from contracts.store.columns import json_type
from contracts.store.unit import Store, Unit

log = structlog.get_logger()

MAX_ATTEMPTS = 12
CLAIM_SECONDS = 60


class OutboxRow(SQLModel, table=True):
    """One effect: waiting (done_at empty), done, or given up (failed_at set)."""

    __tablename__ = "outbox"

    id: str = Field(primary_key=True)
    kind: str = Field(index=True)
    payload: dict[str, Any] = Field(sa_type=json_type)  # type: ignore[call-overload]  # a factory of the type is accepted
    generation: int = 1
    attempts: int = 0
    due_at: datetime = Field(index=True)
    claimed_until: datetime | None = None
    created_at: datetime
    done_at: datetime | None = Field(default=None, index=True)
    failed_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a handler is given."""

    id: str
    kind: str
    payload: Mapping[str, Any]
    generation: int
    attempt: int

    @property
    def idempotency_key(self) -> str:
        """Same for each retry of one generation."""
        return f"{self.id}-{self.generation}"


Handler = Callable[[Effect], None]


def put(unit: Unit, kind: str, payload: Mapping[str, Any], *, delay: timedelta = timedelta(0)) -> str:
    """Ask for an effect in this unit of work; nothing happens unless it commits."""
    row = OutboxRow(id=new_id("out"), kind=kind, payload=dict(payload), due_at=unit.now + delay, created_at=unit.now)
    unit.session.add(row)
    return row.id


def rerun(unit: Unit, row_id: str) -> None:
    """Do an effect again on purpose, under a new idempotency key."""
    row = unit.lock(OutboxRow, row_id)
    row.generation, row.attempts, row.due_at = row.generation + 1, 0, unit.now
    row.done_at = row.failed_at = row.claimed_until = None


def run_due(store: Store, handlers: Mapping[str, Handler], *, most: int = 50) -> int:
    """Claim what is due, do it outside any transaction, mark it; returns how many were tried."""
    claimed = _claim(store, list(handlers), most)
    for effect in claimed:
        try:
            handlers[effect.kind](effect)
        except Exception as error:  # an effect may fail in any way; it is retried, then given up and shown to staff
            log.warning("outbox.failed", id=effect.id, kind=effect.kind, attempt=effect.attempt, error=type(error).__name__)
            _mark_failed(store, effect, error)
        else:
            _mark_done(store, effect)
    return len(claimed)


# Built once: twice a second somebody looks whether anything is due, and seldom anything is.
_WAITING = col(OutboxRow.done_at).is_(None) & col(OutboxRow.failed_at).is_(None)
_UNCLAIMED = col(OutboxRow.claimed_until).is_(None) | (col(OutboxRow.claimed_until) < bindparam("now"))
_DUE = (_WAITING, _UNCLAIMED, col(OutboxRow.due_at) <= bindparam("now"), col(OutboxRow.kind).in_(bindparam("kinds", expanding=True)))
_ANY = select(col(OutboxRow.id)).where(*_DUE).limit(1)
_FIRST = select(OutboxRow).where(*_DUE).order_by(col(OutboxRow.due_at)).limit(bindparam("most")).with_for_update(skip_locked=True)


def _claim(store: Store, kinds: list[str], most: int) -> list[Effect]:
    with store.engine.connect() as connection:
        if connection.execute(_ANY, {"now": store.clock.now(), "kinds": kinds}).first() is None:
            return []
    with store.write("outbox") as unit:
        rows = unit.session.execute(_FIRST, {"now": unit.now, "kinds": kinds, "most": most}).scalars().all()
        for row in rows:
            row.claimed_until = unit.now + timedelta(seconds=CLAIM_SECONDS)
            row.attempts += 1
        return [Effect(row.id, row.kind, row.payload, row.generation, row.attempts) for row in rows]


def _mark_done(store: Store, effect: Effect) -> None:
    with store.write("outbox") as unit:
        row = unit.lock(OutboxRow, effect.id)
        row.done_at, row.error = unit.now, ""


def _mark_failed(store: Store, effect: Effect, error: Exception) -> None:
    with store.write("outbox") as unit:
        row = unit.lock(OutboxRow, effect.id)
        row.error = f"{type(error).__name__}: {error}"[:500]
        row.claimed_until = None
        if effect.attempt >= MAX_ATTEMPTS:
            row.failed_at = unit.now
        row.due_at = unit.now + _backoff(effect.attempt)


def _backoff(attempt: int) -> timedelta:
    seconds = min(2.0**attempt, 3600.0)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spreads retries, guards nothing

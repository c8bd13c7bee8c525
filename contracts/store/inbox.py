"""The inbox: outside events, verified by the edge, stored once by (source, external id), answered, then handled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, SQLModel, col

from contracts.store.columns import json_type
from contracts.store.unit import Store, Unit

log = structlog.get_logger()

MAX_ATTEMPTS = 20


class InboxRow(SQLModel, table=True):
    """One outside event."""

    __tablename__ = "inbox"

    source: str = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    kind: str
    payload: dict[str, Any] = Field(sa_type=json_type)  # type: ignore[call-overload]  # a factory of the type is accepted
    received_at: datetime
    handled_at: datetime | None = Field(default=None, index=True)
    attempts: int = 0
    error: str = ""


Handler = Callable[[Unit, InboxRow], None]


def accept(unit: Unit, source: str, external_id: str, kind: str, payload: Mapping[str, Any]) -> bool:
    """Store an event; false where it was stored before, which is no error: outside systems deliver twice."""
    row = InboxRow(source=source, external_id=external_id, kind=kind, payload=dict(payload), received_at=unit.now)
    try:
        with unit.session.begin_nested():
            unit.session.add(row)
    except IntegrityError:
        return False
    return True


# Built once: twice a second somebody looks whether anything waits, and seldom anything does.
_WAITING = (
    col(InboxRow.handled_at).is_(None),
    col(InboxRow.attempts) < MAX_ATTEMPTS,
    col(InboxRow.source).in_(bindparam("sources", expanding=True)),
)
_ANY = select(col(InboxRow.external_id)).where(*_WAITING).limit(1)
_FIRST = select(InboxRow).where(*_WAITING).order_by(col(InboxRow.received_at)).limit(bindparam("most"))


def run_waiting(store: Store, handlers: Mapping[str, Handler], *, most: int = 50) -> int:
    """Handle waiting events by source; an event's effects and its mark stand or fall together."""
    with store.engine.connect() as connection:
        if connection.execute(_ANY, {"sources": list(handlers)}).first() is None:
            return 0
    with store.read() as session:
        waiting = session.execute(_FIRST, {"sources": list(handlers), "most": most}).scalars().all()
    for event in waiting:
        _handle(store, handlers[event.source], event)
    return len(waiting)


def _handle(store: Store, handler: Handler, event: InboxRow) -> None:
    key = (event.source, event.external_id)
    try:
        with store.write("inbox") as unit:
            row = unit.lock(InboxRow, key)
            if row.handled_at is None:
                handler(unit, row)
                row.handled_at = unit.now
    except Exception as error:  # any failure of a handler leaves the event waiting; it is tried again
        log.warning("inbox.failed", source=event.source, id=event.external_id, error=type(error).__name__)
        with store.write("inbox") as unit:
            row = unit.lock(InboxRow, key)
            row.attempts, row.error = row.attempts + 1, f"{type(error).__name__}: {error}"[:500]

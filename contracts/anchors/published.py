"""Checkpoints as they leave the house: with the cosignatures that they have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnClause, bindparam, func, literal_column
from sqlmodel import Session, col, select

from contracts.anchors.tables import CheckpointCosignature, Log
from contracts.ledger.tables import Checkpoint
from contracts.store.driver import Ready

FRESH = timedelta(minutes=3)
"""How far a cosigned checkpoint may lie behind the newest and still be published in its place."""


# Given to the driver as they are, since every proof asks them.
_NOTHING: ColumnClause[int] = literal_column("0")
_CLOSED = select(func.max(Log.number)).where(col(Log.closed_at).isnot(None)).scalar_subquery()
_BEFORE = select(Log.size).where(col(Log.number) == _CLOSED).scalar_subquery()
# Of the log that is being written; the cosigned checkpoints of a closed one are by another key.
_WITNESSED = select(func.max(CheckpointCosignature.size)).where(col(CheckpointCosignature.size) > func.coalesce(_BEFORE, _NOTHING))
_LAST = select(func.max(Checkpoint.size))
_COSIGNED = Ready(select(Checkpoint.size, Checkpoint.note).where(col(Checkpoint.size) == _WITNESSED.scalar_subquery()))
_NEWEST = Ready(select(Checkpoint.size, Checkpoint.note).where(col(Checkpoint.size) == _LAST.scalar_subquery()))
_LINES = Ready(
    select(CheckpointCosignature.line).where(col(CheckpointCosignature.size) == bindparam("of")).order_by(CheckpointCosignature.key), "of"
)


@dataclass(frozen=True, slots=True)
class Published:
    """A signed checkpoint with its cosignatures."""

    size: int
    note: str


def published(session: Session) -> Published | None:
    """The newest cosigned checkpoint, or the newest of all where that is much newer or none is cosigned; None before the first.

    A busy log signs several a second, so the newest hardly ever has a cosignature yet.
    """
    newest, witnessed = _chosen(session, _NEWEST), _chosen(session, _COSIGNED)
    if newest is None:
        return None
    return _noted(session, newest if witnessed is None or _between(session, witnessed, newest) > FRESH else witnessed)


def covering(session: Session, index: int) -> Published | None:
    """A checkpoint for the proof of an entry: the newest cosigned one where it covers the entry, else the newest; None where none does."""
    chosen = _chosen(session, _COSIGNED)
    if chosen is None or chosen.size <= index:
        chosen = _chosen(session, _NEWEST)
    return _noted(session, chosen) if chosen is not None and chosen.size > index else None


def ending(session: Session) -> Published | None:
    """Where a log would be closed: its newest cosigned checkpoint, else its newest; None before the first."""
    chosen = _chosen(session, _COSIGNED) or _chosen(session, _NEWEST)
    return _noted(session, chosen) if chosen is not None else None


def _chosen(session: Session, query: Ready) -> Published | None:
    """The checkpoint that a statement finds, as the log signed it."""
    row = query.run(session.connection()).fetchone()
    return Published(*row) if row is not None else None


def _between(session: Session, first: Published, second: Published) -> timedelta:
    made = [session.get_one(Checkpoint, each.size).made_at for each in (first, second)]
    return made[1] - made[0]


def _noted(session: Session, signed: Published) -> Published:
    lines = _LINES.run(session.connection(), signed.size).fetchall()
    return Published(signed.size, signed.note + "".join([line for (line,) in lines]))

"""Checkpoints as they leave the house: with the cosignatures that they have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session, col, select

from contracts.anchors.tables import CheckpointCosignature, Log
from contracts.ledger.source import latest_checkpoint
from contracts.ledger.tables import Checkpoint

FRESH = timedelta(minutes=3)
"""How far a cosigned checkpoint may lie behind the newest and still be published in its place."""


@dataclass(frozen=True, slots=True)
class Published:
    """A signed checkpoint with its cosignatures."""

    size: int
    note: str


def published(session: Session) -> Published | None:
    """The newest cosigned checkpoint, or the newest of all where that is much newer or none is cosigned; None before the first.

    A busy log signs several a second, so the newest hardly ever has a cosignature yet.
    """
    newest, witnessed = latest_checkpoint(session), _cosigned(session)
    if newest is None:
        return None
    return _noted(session, newest if witnessed is None or newest.made_at - witnessed.made_at > FRESH else witnessed)


def covering(session: Session, index: int) -> Published | None:
    """A checkpoint for the proof of an entry: the newest cosigned one where it covers the entry, else the newest; None where none does."""
    chosen = _cosigned(session)
    if chosen is None or chosen.size <= index:
        chosen = latest_checkpoint(session)
    return _noted(session, chosen) if chosen is not None and chosen.size > index else None


def ending(session: Session) -> Published | None:
    """Where a log would be closed: its newest cosigned checkpoint, else its newest; None before the first."""
    chosen = _cosigned(session) or latest_checkpoint(session)
    return _noted(session, chosen) if chosen is not None else None


def _cosigned(session: Session) -> Checkpoint | None:
    """The newest cosigned checkpoint of the log that is being written; those of a closed log are by another key."""
    before = session.exec(select(Log.size).where(col(Log.closed_at).isnot(None)).order_by(col(Log.number).desc()).limit(1)).first()
    query = select(CheckpointCosignature.size).where(CheckpointCosignature.size > (before or 0))
    size = session.exec(query.order_by(col(CheckpointCosignature.size).desc()).limit(1)).first()
    return session.get(Checkpoint, size) if size is not None else None


def _noted(session: Session, checkpoint: Checkpoint) -> Published:
    query = select(CheckpointCosignature.line).where(CheckpointCosignature.size == checkpoint.size)
    lines = session.exec(query.order_by(CheckpointCosignature.key)).all()
    return Published(checkpoint.size, checkpoint.note + "".join(lines))

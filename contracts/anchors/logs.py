"""Which log is being written: the first under the name of the settings, each later one under that name and its number."""

from __future__ import annotations

from sqlmodel import Session, col, select

from contracts.anchors.tables import Log
from contracts.settings import Settings


def current_origin(session: Session, settings: Settings) -> str:
    """The origin under which checkpoints are signed now."""
    log = latest(session)
    return log.origin if log is not None else settings.ledger_origin


def latest(session: Session) -> Log | None:
    """The log that is being written; None where the first was never closed."""
    return session.exec(select(Log).order_by(col(Log.number).desc()).limit(1)).first()

"""Tokens after they were issued: which of them were revoked before their end.

A denial rides on the contract's grant, so every process that refuses a suspended contract within two seconds refuses a revoked
token as fast (the epoch `grants` moves with it).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from contracts.credentials.tables import DeniedToken
from contracts.store import epochs
from contracts.store.unit import Store, Unit


def deny(unit: Unit, token_id: str, contract_id: str, ends_at: datetime) -> bool:
    """Refuse a token (its jti) or a family of tokens (its id) until `ends_at`; false where it was denied before.

    Moves the epoch `grants`. The caller records who asked for it.
    """
    try:
        with unit.session.begin_nested():
            unit.session.add(DeniedToken(id=token_id, contract_id=contract_id, denied_at=unit.now, ends_at=ends_at))
    except IntegrityError:
        return False
    epochs.bump(unit, "grants")
    return True


def denied_of(session: Session, contract_id: str) -> frozenset[str]:
    """The denied tokens and families of a contract; some may have ended already, which changes nothing."""
    return frozenset(session.exec(select(DeniedToken.id).where(DeniedToken.contract_id == contract_id)).all())


def sweep(store: Store, most: int = 500) -> int:
    """Forget denials of tokens that have ended; returns how many, at most `most` a run."""
    with store.read() as session:
        ended = session.exec(select(DeniedToken.id).where(DeniedToken.ends_at <= store.clock.now()).limit(most)).all()
    if ended:
        with store.write("token sweep") as unit:
            unit.connection.execute(delete(DeniedToken).where(col(DeniedToken.id).in_(ended)))
    return len(ended)

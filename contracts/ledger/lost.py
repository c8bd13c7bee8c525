"""Keys of subjects that are neither there nor erased: to everyone who reads, their values look erased, and they are not."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlmodel import Session, col

from contracts.ledger.subjects import SubjectKeys
from contracts.ledger.tables import PlainValue, SealedValues


@dataclass(frozen=True, slots=True)
class Standing:
    """Of the ledger's personal values: how many keys they are sealed under, how many of those are lost, and how many values stand in clear."""

    keys: int
    lost: int
    plain: int


def standing(session: Session, keys: SubjectKeys) -> Standing:
    """Looks up each handle; writes nothing. Raises OSError where the folder of the keys cannot be read."""
    handles = session.execute(select(col(SealedValues.subject)).distinct()).scalars().all()
    opened = keys.ciphers(handles)
    lost = sum(not keys.erased(each) for each in handles if each not in opened)
    plain = session.execute(select(func.count()).select_from(PlainValue)).scalar_one()
    return Standing(len(handles), lost, plain)

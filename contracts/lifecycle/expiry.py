"""Expiry: the job that settles in the rows what already follows from the dates."""

from __future__ import annotations

from datetime import date

from pydantic import ValidationError
from sqlmodel import Session, col, select

from contracts.clock import day_in
from contracts.errors import Refused
from contracts.lifecycle.service import expire
from contracts.lifecycle.states import FINAL
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.store.unit import Store
from contracts.terms.model import from_json


def expire_due(store: Store, time_zone: str) -> int:
    """Expire every contract whose last day has passed in the platform's time zone; returns how many.

    Each in its own short unit of work. One that ended otherwise in the meantime is left alone.
    """
    with store.read() as session:
        due = past(session, day_in(store.clock.now(), time_zone))
    return sum(_settle(store, contract_id) for contract_id in due)


def past(session: Session, today: date) -> list[str]:
    """Contracts that have not ended though their last day lies before today. Terms that do not parse have no dates."""
    query = select(ContractVersion).join(
        Contract, (col(Contract.id) == col(ContractVersion.contract_id)) & (col(Contract.version) == col(ContractVersion.number))
    )
    versions = session.exec(query.where(col(Contract.state).not_in([state.value for state in FINAL]))).all()
    return [each.contract_id for each in versions if _ended(each.terms_json, today)]


def _ended(terms_json: str, today: date) -> bool:
    try:
        return from_json(terms_json).ends < today
    except ValidationError:
        return False


def _settle(store: Store, contract_id: str) -> int:
    try:
        with store.write("expire") as unit:
            expire(unit, contract_id)
    except Refused:
        return 0
    return 1

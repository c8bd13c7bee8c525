"""Reading amendments: staff see all, partners those of their own contracts."""

from __future__ import annotations

from sqlmodel import Session, col, func, select

from contracts.amendments.states import OPEN
from contracts.amendments.tables import Amendment
from contracts.errors import refuse
from contracts.lifecycle.queries import visible_to
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people.actor import Actor


def get_for(session: Session, actor: Actor, amendment_id: str) -> tuple[Contract, Amendment]:
    """The amendment with its contract where the actor may know of the contract; else `not_found`."""
    amendment = session.get(Amendment, amendment_id)
    contract = None if amendment is None else session.get(Contract, amendment.contract_id)
    if amendment is None or contract is None or not visible_to(actor, contract):
        raise refuse("not_found", "There is no such new version.")
    return contract, amendment


def open_of(session: Session, contract_id: str) -> Amendment | None:
    """The amendment that waits for signatures, if there is one; there is never a second."""
    waiting = col(Amendment.state).in_([state.value for state in OPEN])
    return session.exec(select(Amendment).where(Amendment.contract_id == contract_id, waiting)).first()


def of_contract(session: Session, contract_id: str) -> list[Amendment]:
    """Every amendment of a contract, newest first."""
    query = select(Amendment).where(Amendment.contract_id == contract_id)
    return list(session.exec(query.order_by(col(Amendment.number).desc())).all())


def open_ones(session: Session, organisation_id: str = "") -> list[tuple[Amendment, Contract]]:
    """Amendments that wait for signatures, the oldest first; of one organisation where it is given."""
    query = select(Amendment, Contract).join(Contract, col(Contract.id) == col(Amendment.contract_id))
    query = query.where(col(Amendment.state).in_([state.value for state in OPEN]))
    if organisation_id:
        query = query.where(Contract.organisation_id == organisation_id)
    return list(session.exec(query.order_by(col(Amendment.offered_at), col(Amendment.id))).all())


def version_brought(session: Session, amendment: Amendment) -> ContractVersion:
    """The version that the amendment brings."""
    where = (col(ContractVersion.contract_id) == amendment.contract_id) & (col(ContractVersion.number) == amendment.number)
    return session.exec(select(ContractVersion).where(where)).one()


def latest_number(session: Session, contract_id: str) -> int:
    """The highest number of a version, in force or not."""
    query = select(func.max(ContractVersion.number)).where(ContractVersion.contract_id == contract_id)
    return session.exec(query).one() or 0

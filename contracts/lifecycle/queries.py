"""Reading contracts: partners see theirs once offered, staff see all, the public sees the register."""

from __future__ import annotations

from sqlmodel import Session, col, select

from contracts.errors import refuse
from contracts.lifecycle.seal import signatures_under
from contracts.lifecycle.states import State
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.people.actor import Actor
from contracts.terms.grant import version_row


def get_for(session: Session, actor: Actor, contract_id: str) -> Contract:
    """The contract where it was offered to the actor's organisation, or for staff; else `not_found`."""
    contract = session.get(Contract, contract_id)
    if contract is None or not visible_to(actor, contract):
        raise refuse("not_found", "There is no such contract.")
    return contract


def visible_to(actor: Actor, contract: Contract) -> bool:
    """Whether the actor may know of the contract: staff always, partners of theirs once it was offered."""
    return actor.is_staff or (contract.organisation_id == actor.organisation_id and contract.offered_at is not None)


def of_organisation(session: Session, organisation_id: str) -> list[Contract]:
    """The contracts that were offered to an organisation, newest first."""
    query = select(Contract).where(Contract.organisation_id == organisation_id, col(Contract.offered_at).is_not(None))
    return list(session.exec(query.order_by(col(Contract.created_at).desc(), col(Contract.id).desc())).all())


def all_contracts(session: Session, state: State | None = None) -> list[Contract]:
    """Every contract, newest first; for staff."""
    query = select(Contract) if state is None else select(Contract).where(Contract.state == state.value)
    return list(session.exec(query.order_by(col(Contract.created_at).desc(), col(Contract.id).desc())).all())


def of_application(session: Session, application_id: str) -> list[Contract]:
    """The contracts drafted from an application, newest first; at most one of them ever came into force."""
    query = select(Contract).where(Contract.application_id == application_id)
    return list(session.exec(query.order_by(col(Contract.created_at).desc(), col(Contract.id).desc())).all())


def version_of(session: Session, contract: Contract) -> ContractVersion:
    """The version in force or under signature; `not_found` where its row is missing."""
    version = version_row(session, contract)
    if version is None:
        raise refuse("not_found", "The contract has no such version.")
    return version


def versions_of(session: Session, contract: Contract) -> list[ContractVersion]:
    """All versions, newest first."""
    query = select(ContractVersion).where(ContractVersion.contract_id == contract.id)
    return list(session.exec(query.order_by(col(ContractVersion.number).desc())).all())


def versions_for(session: Session, actor: Actor, contract: Contract) -> list[ContractVersion]:
    """The versions that the actor may read, newest first: staff all of them, partners those that were offered."""
    return [each for each in versions_of(session, contract) if actor.is_staff or each.offered_at is not None]


def signatures_of(session: Session, contract: Contract) -> list[Signature]:
    """The signatures under the version in force or under signature, the partner's first."""
    return signatures_under(session, contract.id, contract.version)

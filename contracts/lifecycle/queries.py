"""Reading contracts: partners see theirs once offered, staff see all, the public sees the register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from contracts.errors import refuse
from contracts.lifecycle.seal import signatures_under
from contracts.lifecycle.states import LIVE, State
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.people.actor import Actor
from contracts.people.tables import Organisation
from contracts.terms.grant import version_row
from contracts.terms.model import readable


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One line of the public register; `state` is "active", "suspended" or "ended"."""

    contract_id: str
    organisation: str
    title: str
    kind: str
    purposes: tuple[str, ...]
    datasets: tuple[str, ...]
    fields: tuple[str, ...]
    starts: date
    ends: date
    state: str


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


def public_register(session: Session) -> list[RegisterRow]:
    """Every contract that ever came into force, those in force first, then newest first. Names no person."""
    query = (
        select(Contract, ContractVersion, Organisation)
        .join(
            ContractVersion, (col(ContractVersion.contract_id) == col(Contract.id)) & (col(ContractVersion.number) == col(Contract.version))
        )
        .join(Organisation, col(Organisation.id) == col(Contract.organisation_id))
        .where(col(Contract.activated_at).is_not(None))
        .order_by(col(Contract.activated_at).desc(), col(Contract.id).desc())
    )
    rows = [_register_row(*found) for found in session.exec(query).all()]
    return _live_first([row for row in rows if row is not None])


def _live_first(rows: Sequence[RegisterRow]) -> list[RegisterRow]:
    return sorted(rows, key=lambda row: row.state == "ended")


def _register_row(contract: Contract, version: ContractVersion, organisation: Organisation) -> RegisterRow | None:
    terms = readable(version.terms_json)
    if terms is None:
        return None  # an edited row: no data leaves under it, and nobody knows what it said
    return RegisterRow(
        contract_id=contract.id,
        organisation=organisation.name,
        title=contract.title,
        kind=contract.kind,
        purposes=terms.purposes,
        datasets=tuple(each.dataset for each in terms.datasets),
        fields=tuple(dict.fromkeys(field for each in terms.datasets for field in each.fields)),
        starts=terms.starts,
        ends=terms.ends,
        state=_public_state(State(contract.state)),
    )


def _public_state(state: State) -> str:
    if state is State.ACTIVE:
        return "active"
    return "suspended" if state in LIVE else "ended"

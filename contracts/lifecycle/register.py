"""The public register of licences: every contract that ever came into force, at once. Confidential parts are counted, not named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from contracts.applications.decide import reason_refusal
from contracts.errors import Refused, refuse
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.queries import visible_to
from contracts.lifecycle.states import LIVE, State
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.store.unit import Unit
from contracts.terms.model import readable

# Purpose, datasets and dates are never withheld: the public may always know what its data is used for.
PARTS = {"organisation": "The partner’s name", "title": "The project’s title", "fields": "The names of the fields"}


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One line; `state` is "active", "suspended" or "ended". What is withheld is empty; of fields the number stays."""

    contract_id: str
    organisation: str
    title: str
    kind: str
    purposes: tuple[str, ...]
    datasets: tuple[str, ...]
    fields: tuple[str, ...]
    field_count: int
    withheld: tuple[str, ...]
    starts: date
    ends: date
    state: str


def public_register(session: Session) -> list[RegisterRow]:
    """Every contract that ever came into force, those in force first, then newest first. Names no person."""
    on = (col(ContractVersion.contract_id) == col(Contract.id)) & (col(ContractVersion.number) == col(Contract.version))
    query = (
        select(Contract, ContractVersion, Organisation)
        .join(ContractVersion, on)
        .join(Organisation, col(Organisation.id) == col(Contract.organisation_id))
        .where(col(Contract.activated_at).is_not(None))
        .order_by(col(Contract.activated_at).desc(), col(Contract.id).desc())
    )
    rows = [_row(*found) for found in session.exec(query).all()]
    return sorted([row for row in rows if row is not None], key=lambda row: row.state == "ended")


def withhold(unit: Unit, actor: Actor, contract_id: str, revision: int, parts: Sequence[str], reason: str) -> Contract:
    """Name these parts of the contract no longer, and the others again; with a reason, which the ledger keeps.

    Raises `role_required`, `changed_meanwhile`, `invalid_input` for a part that is never withheld, and `reason_required`.
    """
    actor.require(Role.STEWARD)
    contract = unit.lock(Contract, contract_id)
    if not visible_to(actor, contract):
        raise refuse("not_found", "There is no such thing here.")
    if contract.revision != revision:
        raise refuse("changed_meanwhile", "The contract changed since you opened it. Look at it again, then decide.")
    if unknown := set(parts) - PARTS.keys():
        raise refuse("invalid_input", "This part is always public.", fields={"withheld": f"{min(unknown)} is always public."})
    if refusal := reason_refusal(reason):
        raise Refused(refusal)
    contract.withheld = [name for name in PARTS if name in parts]
    contract.revision += 1
    unit.session.add(contract)
    facts = {"withheld": contract.withheld}
    personal, home = actor.personal(reason=reason.strip()), contract.organisation_id
    record(
        unit, Entry(event="register.changed", subject=contract.id, organisation=home, contract=contract.id, facts=facts, personal=personal)
    )
    return contract


def _row(contract: Contract, version: ContractVersion, organisation: Organisation) -> RegisterRow | None:
    terms = readable(version.terms_json)
    if terms is None:
        return None  # an edited row: no data leaves under it, and nobody knows what it said
    withheld = tuple(name for name in PARTS if name in contract.withheld)
    fields = tuple(dict.fromkeys(field for each in terms.datasets for field in each.fields))
    return RegisterRow(
        contract_id=contract.id,
        organisation="" if "organisation" in withheld else organisation.name,
        title="" if "title" in withheld else contract.title,
        kind=contract.kind,
        purposes=terms.purposes,
        datasets=tuple(each.dataset for each in terms.datasets),
        fields=() if "fields" in withheld else fields,
        field_count=len(fields),
        withheld=withheld,
        starts=terms.starts,
        ends=terms.ends,
        state=_public_state(State(contract.state)),
    )


def _public_state(state: State) -> str:
    if state is State.ACTIVE:
        return "active"
    return "suspended" if state in LIVE else "ended"

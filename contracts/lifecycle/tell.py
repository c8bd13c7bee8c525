"""Whom a change of a contract concerns, and the mail that tells them."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.clock import long_day
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.notices import audience, send
from contracts.notices.audience import Reader
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.store.unit import Unit
from contracts.terms.model import from_json

BINDERS = (Role.LEAD, Role.SIGNATORY)
USERS = (Role.LEAD, Role.SIGNATORY, Role.DEVELOPER)


def offered(unit: Unit, contract: Contract) -> None:
    """Leads and signatories: read and sign."""
    _partners(unit, contract, BINDERS, "contract-offered", organisation=_organisation(unit, contract))


def signed(unit: Unit, contract: Contract, signer: str) -> None:
    """Stewards: countersign."""
    _staff(unit, contract, audience.stewards(unit.session), "contract-signed", signer=signer)


def activated(unit: Unit, contract: Contract, version: ContractVersion) -> None:
    """Everyone who will use it: in force."""
    terms = from_json(version.terms_json)
    _partners(unit, contract, USERS, "contract-activated", starts=long_day(terms.starts), ends=long_day(terms.ends))


def suspended(unit: Unit, contract: Contract) -> None:
    """Everyone who uses it, with the reason."""
    _partners(unit, contract, USERS, "contract-suspended", reason=contract.suspension_reason)


def lift_asked(unit: Unit, contract: Contract, asker: str) -> None:
    """Stewards and compliance: a second person agrees or not."""
    _staff(unit, contract, audience.staff(unit.session, Role.STEWARD, Role.COMPLIANCE), "contract-lift-asked", asker=asker)


def lifted(unit: Unit, contract: Contract) -> None:
    """Everyone who uses it: active again."""
    _partners(unit, contract, USERS, "contract-lifted")


def terminated(unit: Unit, contract: Contract, reason: str) -> None:
    """Everyone who used it, with the reason."""
    _partners(unit, contract, USERS, "contract-terminated", reason=reason)


def expired(unit: Unit, contract: Contract, version: ContractVersion) -> None:
    """Everyone who used it: its last day has passed."""
    _partners(unit, contract, USERS, "contract-expired", ends=long_day(from_json(version.terms_json).ends))


def _partners(unit: Unit, contract: Contract, roles: Sequence[Role], template: str, **facts: str) -> None:
    for reader in audience.partners(unit.session, contract.organisation_id, *roles):
        known = {"name": reader.name, "title": contract.title, **facts}
        send(unit, to=reader.email, template=template, facts=known, path=f"/partner/contracts/{contract.id}")


def _staff(unit: Unit, contract: Contract, readers: Sequence[Reader], template: str, **facts: str) -> None:
    known = {"title": contract.title, "organisation": _organisation(unit, contract), **facts}
    for reader in readers:
        send(unit, to=reader.email, template=template, facts=known, path=f"/desk/contracts/{contract.id}")


def _organisation(unit: Unit, contract: Contract) -> str:
    return unit.session.get_one(Organisation, contract.organisation_id).name

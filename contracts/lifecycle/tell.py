"""Whom a change of a contract concerns, and the mail that tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from contracts.clock import long_day
from contracts.lifecycle.tables import Closing, Contract, ContractVersion
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
    to_partners(unit, contract, BINDERS, "contract-offered", organisation=_organisation(unit, contract))


def reoffered(unit: Unit, contract: Contract, note: str) -> None:
    """Leads and signatories: another version lies there to be read and signed."""
    facts = {"organisation": _organisation(unit, contract), "version": str(contract.version), "note": note}
    to_partners(unit, contract, BINDERS, "contract-reoffered", **facts)


def countered(unit: Unit, contract: Contract, asker: str, count: int) -> None:
    """Stewards: answer with another version, or decline."""
    to_staff(unit, contract, audience.stewards(unit.session), "contract-countered", asker=asker, count=str(count))


def counter_declined(unit: Unit, contract: Contract, reason: str) -> None:
    """Leads and signatories: the offer stands, with the reason."""
    to_partners(unit, contract, BINDERS, "contract-counter-declined", reason=reason)


def signed(unit: Unit, contract: Contract, signer: str) -> None:
    """Stewards: countersign."""
    to_staff(unit, contract, audience.stewards(unit.session), "contract-signed", signer=signer)


def activated(unit: Unit, contract: Contract, version: ContractVersion) -> None:
    """Everyone who will use it: in force."""
    terms = from_json(version.terms_json)
    to_partners(unit, contract, USERS, "contract-activated", starts=long_day(terms.starts), ends=long_day(terms.ends))


def suspended(unit: Unit, contract: Contract) -> None:
    """Everyone who uses it, with the reason."""
    to_partners(unit, contract, USERS, "contract-suspended", reason=contract.suspension_reason)


def lift_asked(unit: Unit, contract: Contract, asker: str) -> None:
    """Stewards and compliance: a second person agrees or not."""
    to_staff(unit, contract, audience.staff(unit.session, Role.STEWARD, Role.COMPLIANCE), "contract-lift-asked", asker=asker)


def lifted(unit: Unit, contract: Contract) -> None:
    """Everyone who uses it: active again."""
    to_partners(unit, contract, USERS, "contract-lifted")


def terminated(unit: Unit, contract: Contract, reason: str) -> None:
    """Everyone who used it, with the reason."""
    to_partners(unit, contract, USERS, "contract-terminated", reason=reason)


def expired(unit: Unit, contract: Contract, version: ContractVersion) -> None:
    """Everyone who used it: its last day has passed."""
    to_partners(unit, contract, USERS, "contract-expired", ends=long_day(from_json(version.terms_json).ends))


def closing(unit: Unit, contract: Contract, due: date) -> None:
    """Leads and signatories: certify by the date that the records were destroyed."""
    to_partners(unit, contract, BINDERS, "contract-closing", due=long_day(due))


def certified(unit: Unit, contract: Contract, signer: str) -> None:
    """Stewards and compliance: read the certificate."""
    to_staff(unit, contract, audience.staff(unit.session, Role.STEWARD, Role.COMPLIANCE), "contract-closed", signer=signer)


def certificate_sent_back(unit: Unit, contract: Contract, owed: Closing) -> None:
    """Leads and signatories: certify again, and why."""
    to_partners(unit, contract, BINDERS, "certificate-sent-back", due=long_day(owed.due), reason=owed.sent_back_reason)


def ending(unit: Unit, contract: Contract, ends: date, days: int) -> None:
    """Everyone who uses it: its last day comes near."""
    to_partners(unit, contract, USERS, "contract-ending", ends=long_day(ends), left="1 day" if days == 1 else f"{days} days")


def certificate_due(unit: Unit, contract: Contract, due: date, *, late: bool) -> None:
    """Leads and signatories: certify; where it is late, compliance hears of it as well."""
    to_partners(unit, contract, BINDERS, "certificate-late" if late else "certificate-soon", due=long_day(due))
    if late:
        to_staff(unit, contract, audience.staff(unit.session, Role.COMPLIANCE), "certificate-missing", due=long_day(due))


def to_partners(unit: Unit, contract: Contract, roles: Sequence[Role], template: str, path: str = "", **facts: str) -> None:
    """One mail to each of the partner's people with one of the roles; it leads to the contract's page, or to `path`."""
    for reader in audience.partners(unit.session, contract.organisation_id, *roles):
        known = {"name": reader.name, "title": contract.title, **facts}
        send(unit, to=reader.email, template=template, facts=known, path=path or f"/partner/contracts/{contract.id}")


def to_staff(unit: Unit, contract: Contract, readers: Sequence[Reader], template: str, **facts: str) -> None:
    """One mail to each of the readers; it leads to the contract's page on the desk."""
    known = {"title": contract.title, "organisation": _organisation(unit, contract), **facts}
    for reader in readers:
        send(unit, to=reader.email, template=template, facts=known, path=f"/desk/contracts/{contract.id}")


def _organisation(unit: Unit, contract: Contract) -> str:
    return unit.session.get_one(Organisation, contract.organisation_id).name

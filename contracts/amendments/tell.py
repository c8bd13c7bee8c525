"""Whom a new version of a contract concerns, and the mail that tells them."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.amendments.tables import Amendment
from contracts.clock import long_day
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.lifecycle.tell import BINDERS, USERS, to_partners, to_staff
from contracts.notices import audience
from contracts.notices.audience import Reader
from contracts.people.roles import Role
from contracts.store.unit import Unit
from contracts.terms.model import from_json


def offered(unit: Unit, contract: Contract, amendment: Amendment, accept_by: str = "") -> None:
    """Leads and signatories: read and sign, or decline; by a day where a new text asks it of everyone."""
    template = "amendment-offered-by" if accept_by else "amendment-offered"
    path = f"/partner/amendments/{amendment.id}"
    to_partners(unit, contract, BINDERS, template, path=path, reason=amendment.reason, accept_by=accept_by)


def reminded(unit: Unit, contract: Contract, amendment: Amendment, accept_by: str) -> None:
    """Leads and signatories who have not signed the new text: its day comes near."""
    path = f"/partner/amendments/{amendment.id}"
    to_partners(unit, contract, BINDERS, "amendment-reminder", path=path, accept_by=accept_by)


def signed(unit: Unit, contract: Contract, signer: str) -> None:
    """Stewards: countersign."""
    to_staff(unit, contract, _stewards(unit), "amendment-signed", signer=signer)


def in_force(unit: Unit, contract: Contract, version: ContractVersion) -> None:
    """Everyone who uses it: ask for new tokens."""
    facts = {"version": str(version.number), "ends": long_day(from_json(version.terms_json).ends)}
    to_partners(unit, contract, USERS, "amendment-in-force", **facts)


def declined(unit: Unit, contract: Contract, amendment: Amendment) -> None:
    """Stewards, with the partner's reason."""
    to_staff(unit, contract, _stewards(unit), "amendment-declined", reason=amendment.answer)


def withdrawn(unit: Unit, contract: Contract, amendment: Amendment) -> None:
    """Leads and signatories, with the reason."""
    to_partners(unit, contract, BINDERS, "amendment-withdrawn", reason=amendment.answer)


def _stewards(unit: Unit) -> Sequence[Reader]:
    return audience.staff(unit.session, Role.STEWARD)

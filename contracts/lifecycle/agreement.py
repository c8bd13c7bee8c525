"""A contract's version as an ODRL agreement between its two parties."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from contracts.errors import refuse
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people.tables import Organisation
from contracts.settings import Settings
from contracts.terms.model import readable
from contracts.terms.odrl import Parties, to_odrl


def agreement(session: Session, settings: Settings, contract: Contract, version: ContractVersion) -> dict[str, Any]:
    """The agreement in JSON-LD. Raises `seal_broken` where the stored terms were edited into something that is none."""
    terms = readable(version.terms_json)
    if terms is None:
        raise refuse(
            "seal_broken", "The stored terms are not those that were agreed, so there is no agreement to show.", contract=contract.id
        )
    return to_odrl(terms, parties(session, settings, contract, version.number))


def parties(session: Session, settings: Settings, contract: Contract, number: int) -> Parties:
    """Which agreement it is, and whose: the platform lets the organisation do what it says."""
    return Parties(
        uid=f"licet:contract:{contract.id}:{number}",
        assigner=settings.base_url,
        assigner_name=settings.platform.legal_name,
        assignee=f"licet:organisation:{contract.organisation_id}",
        assignee_name=session.get_one(Organisation, contract.organisation_id).name,
    )

"""Whether one person alone may countersign: only where the settings say so, and only as long as the platform has a single steward."""

from __future__ import annotations

from sqlmodel import Session

from contracts.people.queries import staff
from contracts.people.roles import Role
from contracts.policies.policy import Policy
from contracts.policies.tables import ConfirmedPolicy
from contracts.settings import Settings

CONTRACTS = "contracts"
OFF = "off"


def policy_for(settings: Settings) -> Policy:
    """What the settings say of contracts."""
    return {"four_eyes": not settings.platform.one_person}


def is_off(session: Session) -> bool:
    """Whether a contract may be countersigned by whoever approved or drafted it. Bars, suspensions and policies always take two."""
    row = session.get(ConfirmedPolicy, CONTRACTS)
    if row is None or row.policy.get("four_eyes") is not False:
        return False
    return sum(Role.STEWARD in person.roles for person in staff(session)) == 1

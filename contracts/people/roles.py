"""Roles on one screen: who may hold them and what they are for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """The kinds of organisation: the platform, its partners, and authorities and auditors who look at both."""

    PLATFORM = "platform"
    PARTNER = "partner"
    OUTSIDE = "outside"


class Role(StrEnum):
    """What a person may do in an organisation."""

    ADMINISTRATOR = "administrator"
    STEWARD = "steward"
    COMPLIANCE = "compliance"
    OPERATOR = "operator"
    LEAD = "lead"
    SIGNATORY = "signatory"
    DEVELOPER = "developer"
    BILLING = "billing"
    READER = "reader"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """One row of the table."""

    side: Side
    meaning: str


ROLES: dict[Role, RoleFacts] = {
    Role.ADMINISTRATOR: RoleFacts(Side.PLATFORM, "Invites staff and gives roles; decides nothing about partners."),
    Role.STEWARD: RoleFacts(Side.PLATFORM, "Reviews applications, drafts, countersigns and suspends contracts."),
    Role.COMPLIANCE: RoleFacts(Side.PLATFORM, "Searches and proves the ledger, runs incidents and erasures."),
    Role.OPERATOR: RoleFacts(Side.PLATFORM, "Runs the gate before the main site."),
    Role.LEAD: RoleFacts(Side.PARTNER, "Applies, manages members and credentials, may sign."),
    Role.SIGNATORY: RoleFacts(Side.PARTNER, "Binds the organisation: signs contracts."),
    Role.DEVELOPER: RoleFacts(Side.PARTNER, "Creates and revokes credentials."),
    Role.BILLING: RoleFacts(Side.PARTNER, "Sees usage and bills."),
    Role.AUDITOR: RoleFacts(Side.OUTSIDE, "Reads a named slice of the ledger until a named day, and nothing else."),
    Role.READER: RoleFacts(Side.PARTNER, "Sees contracts and usage, changes nothing."),
}

STAFF = frozenset(role for role, facts in ROLES.items() if facts.side is Side.PLATFORM)

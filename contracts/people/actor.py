"""Who acts: the person behind a command, as the edge established them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.errors import Refusal, Refused, refuse
from contracts.people.roles import STAFF, Role


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person in one organisation.

    `roles_given_by` are the accounts that gave this person a role, for four-eyes rules. `network` is the address prefix
    (/24 or /48) of the request, which enters the ledger only as a commitment. `second_factor_at` is when a second factor was given
    in this session; without it staff do nothing, and others nothing that `contracts.people.assurance` names. `barred` is what a person
    reads who is barred, or whose organisation is: such a one signs in and reads, and acts no more.
    """

    account_id: str
    organisation_id: str
    name: str
    email: str
    roles: frozenset[Role]
    roles_given_by: frozenset[str] = frozenset()
    reauthenticated_at: datetime | None = None
    network: str = ""
    second_factor_at: datetime | None = None
    barred: Refusal | None = None

    @property
    def is_staff(self) -> bool:
        """Whether the person works for the platform."""
        return bool(self.roles & STAFF)

    def require(self, *any_of: Role) -> None:
        """Raise `role_required` unless the person has one of the roles, `barred`, and `second_factor_required` for staff who gave none."""
        if not self.roles & set(any_of):
            named = " or ".join(role.value for role in any_of)
            raise refuse("role_required", f"This is for people with the role {named}. Ask your administrator or lead.")
        if self.barred is not None:
            raise Refused(self.barred)
        if self.is_staff and self.second_factor_at is None:
            raise refuse("second_factor_required", "Staff give a second factor before anything else. Set one up, or give its code.")

    def personal(self, **more: str) -> dict[str, str]:
        """The actor's values for a ledger entry's `personal`, which enter it only as commitments; empty ones are left out."""
        return {name: value for name, value in {"account": self.account_id, "network": self.network, **more}.items() if value}


SYSTEM = Actor(account_id="system", organisation_id="", name="Licet", email="", roles=frozenset())

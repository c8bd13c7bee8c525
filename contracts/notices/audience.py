"""Whom a notice concerns: staff by role, a partner's people by role, one account."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from contracts.people.roles import Role
from contracts.people.tables import Account, Membership, Organisation


@dataclass(frozen=True, slots=True, order=True)
class Reader:
    """A person who gets a mail."""

    email: str
    name: str


def stewards(session: Session) -> list[Reader]:
    """Everyone who decides on applications and contracts, each once."""
    return staff(session, Role.STEWARD)


def staff(session: Session, *roles: Role) -> list[Reader]:
    """The platform's people who hold one of the roles, each once."""
    return _with_roles(session, list(roles), Organisation.side == "platform")


def partners(session: Session, organisation_id: str, *roles: Role) -> list[Reader]:
    """The people of one organisation who hold one of the roles, each once."""
    return _with_roles(session, list(roles), Organisation.id == organisation_id)


def account(session: Session, account_id: str) -> list[Reader]:
    """One person; nobody where the account is disabled or gone."""
    found = session.get(Account, account_id)
    return [] if found is None or found.disabled_at is not None else [Reader(found.email, found.name)]


def _with_roles(session: Session, roles: list[Role], where: bool) -> list[Reader]:
    query = (
        select(Account)
        .join(Membership, col(Membership.account_id) == col(Account.id))
        .join(Organisation, col(Organisation.id) == col(Membership.organisation_id))
        .where(where, col(Membership.role).in_([role.value for role in roles]))
        .where(col(Membership.ended_at).is_(None), col(Account.disabled_at).is_(None))
    )
    return sorted({Reader(row.email, row.name) for row in session.exec(query).all()})

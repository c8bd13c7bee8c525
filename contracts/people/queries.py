"""What is asked about people and organisations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from contracts.addresses import address, address_problem
from contracts.bars.standing import bar_on, refusal_of
from contracts.ids import secret_hash
from contracts.people.actor import Actor
from contracts.people.links import LinkKind
from contracts.people.roles import ROLES, Role, Side
from contracts.people.tables import Account, Membership, OneTimeLink, Organisation, SignInSession


@dataclass(frozen=True, slots=True)
class StaffRow:
    """A person of an organisation with all roles held there now; `since` is the oldest of them."""

    account_id: str
    name: str
    email: str
    roles: tuple[Role, ...]
    since: datetime
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An invitation and what became of it."""

    email: str
    role: Role
    state: Literal["waiting", "accepted", "ended"]
    invited_by: str
    created_at: datetime
    expires_at: datetime


def find_account(session: Session, email: str) -> Account | None:
    """The account with this address, in whatever letters it was typed; none for what is no address."""
    kept = address(email)
    return None if address_problem(kept) else session.exec(select(Account).where(Account.email == kept)).first()


def platform_organisation(session: Session) -> Organisation | None:
    """The platform itself; None before the first administrator was invited."""
    query = select(Organisation).where(Organisation.side == Side.PLATFORM.value)
    return session.exec(query.order_by(col(Organisation.created_at), col(Organisation.id))).first()


def organisation_named(session: Session, name: str) -> Organisation | None:
    """The partner of exactly this name."""
    return session.exec(select(Organisation).where(Organisation.name == name, Organisation.side == Side.PARTNER.value)).first()


def platform_name(session: Session, base_url: str) -> str:
    """The platform's name for mails; the portal's host where the platform is not yet set up."""
    platform = platform_organisation(session)
    return platform.name if platform else (urlsplit(base_url).hostname or base_url)


def actor_of(session: Session, token: str, now: datetime, network: str) -> Actor | None:
    """Who is behind a session cookie: None where the session ended or waits for the second factor, or the person is disabled or in no organisation.

    A person acts in one organisation; the platform comes first. A role of the other side than the organisation's counts
    for nothing. `network` is the address prefix of the request.
    """
    signed_in = session.get(SignInSession, secret_hash(token))
    if signed_in is None or signed_in.awaits_factor or signed_in.ended_at is not None or signed_in.expires_at <= now:
        return None
    account = session.get(Account, signed_in.account_id)
    if account is None or account.disabled_at is not None or account.confirmed_at is None:
        return None
    held = _memberships(session, account.id)
    if not held:
        return None
    bar = bar_on(session, held[0].organisation_id, [account.id])
    return Actor(
        account_id=account.id,
        organisation_id=held[0].organisation_id,
        name=account.name,
        email=account.email,
        roles=frozenset(Role(each.role) for each in held),
        roles_given_by=frozenset(each.given_by for each in held if each.given_by),
        reauthenticated_at=signed_in.reauthenticated_at,
        network=network,
        second_factor_at=signed_in.second_factor_at,
        barred=refusal_of(bar) if bar else None,
    )


def staff(session: Session) -> list[StaffRow]:
    """The platform's people by name."""
    platform = platform_organisation(session)
    return members(session, platform.id) if platform else []


def members(session: Session, organisation_id: str) -> list[StaffRow]:
    """The people of one organisation by name."""
    query = (
        select(Account, Membership)
        .join(Membership, col(Membership.account_id) == col(Account.id))
        .where(Membership.organisation_id == organisation_id, col(Membership.ended_at).is_(None))
        .order_by(col(Account.name), col(Account.id), col(Membership.created_at))
    )
    grouped: dict[str, tuple[Account, list[Membership]]] = {}
    for account, membership in session.exec(query).all():
        grouped.setdefault(account.id, (account, []))[1].append(membership)
    return [_row(account, held) for account, held in grouped.values()]


def invitations_of(session: Session, organisation_id: str, now: datetime) -> list[InvitationRow]:
    """An organisation's invitations, newest first."""
    query = (
        select(OneTimeLink, Account)
        .join(Account, col(Account.id) == col(OneTimeLink.given_by))
        .where(OneTimeLink.organisation_id == organisation_id, OneTimeLink.kind == LinkKind.INVITATION.value)
        .order_by(col(OneTimeLink.created_at).desc(), col(OneTimeLink.id))
    )
    return [
        InvitationRow(link.email, Role(link.role), _state(link, now), inviter.name, link.created_at, link.expires_at)
        for link, inviter in session.exec(query).all()
    ]


def holds(session: Session, account_id: str, organisation_id: str, roles: Iterable[Role]) -> bool:
    """Whether the person, not disabled, holds one of the roles in the organisation now."""
    query = (
        select(Membership.id)
        .join(Account, col(Account.id) == col(Membership.account_id))
        .where(Membership.account_id == account_id, Membership.organisation_id == organisation_id)
        .where(col(Membership.role).in_([role.value for role in roles]))
        .where(col(Membership.ended_at).is_(None), col(Account.disabled_at).is_(None))
    )
    return session.exec(query).first() is not None


def _memberships(session: Session, account_id: str) -> list[Membership]:
    query = (
        select(Membership, Organisation)
        .join(Organisation, col(Organisation.id) == col(Membership.organisation_id))
        .where(Membership.account_id == account_id, col(Membership.ended_at).is_(None))
        .order_by(col(Membership.created_at), col(Membership.id))
    )
    valid = [(each, home) for each, home in session.exec(query).all() if ROLES[Role(each.role)].side.value == home.side]
    valid.sort(key=lambda pair: pair[1].side != Side.PLATFORM.value)
    return [each for each, home in valid if home.id == valid[0][1].id]


def _row(account: Account, held: list[Membership]) -> StaffRow:
    order = list(Role)
    roles = tuple(sorted({Role(each.role) for each in held}, key=order.index))
    return StaffRow(account.id, account.name, account.email, roles, held[0].created_at, account.last_seen_at)


def _state(link: OneTimeLink, now: datetime) -> Literal["waiting", "accepted", "ended"]:
    if link.used_at is not None:
        return "accepted"
    return "waiting" if link.expires_at > now else "ended"

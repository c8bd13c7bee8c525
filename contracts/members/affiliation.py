"""Whether a person works where they say: by the domain of their address, or by an institution's own sign-in.

An organisation's domains are those of the people who founded it here or to whom staff gave a role; who leads it cannot add one by
inviting somebody. An address at a provider that serves everybody shows nothing. A person in doubt is looked at by a steward.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from sqlmodel import Session, col, or_, select

from contracts.bars.resemble import domains_of as domains_in
from contracts.bars.resemble import is_within
from contracts.people.identities import identities_of
from contracts.people.tables import Account, Membership, Organisation
from contracts.sections import SignIn


class Shown(StrEnum):
    """What shows that a person works for the organisation; nothing where the value is empty."""

    INSTITUTION = "institution"
    DOMAIN = "domain"
    NOTHING = ""


def shown(email: str, organisation_id: str, domains: Iterable[str], issuers: Iterable[str], providers: Iterable[SignIn]) -> Shown:
    """What shows it. `domains` are the organisation's, `issuers` those of the institutions through which the person signs in.

    An institution counts where the operator's settings tie it to this organisation, or trust it with domains of it alone.
    """
    known = frozenset(domains)
    if any(each.issuer in set(issuers) and _ties(each, organisation_id, known) for each in providers):
        return Shown.INSTITUTION
    return Shown.DOMAIN if is_within(email.rpartition("@")[2], known) else Shown.NOTHING


def domains_of(session: Session, organisation_id: str) -> frozenset[str]:
    """The domains that show that somebody works for the organisation."""
    staff = select(Membership.account_id).join(Organisation, col(Organisation.id) == col(Membership.organisation_id))
    by_staff = col(Membership.given_by).in_(staff.where(Organisation.side == "platform"))
    query = (
        select(Account.email)
        .join(Membership, col(Membership.account_id) == col(Account.id))
        .where(Membership.organisation_id == organisation_id, col(Account.confirmed_at).is_not(None))
        .where(or_(col(Membership.given_by).is_(None), by_staff))
    )
    return frozenset(domains_in(session.exec(query).all()))


def affiliation_of(session: Session, account_id: str, email: str, organisation_id: str, sign_in: Mapping[str, SignIn]) -> Shown:
    """What shows that this person works for the organisation, as the store and the settings stand."""
    issuers = [each.issuer for each in identities_of(session, account_id)]
    return shown(email, organisation_id, domains_of(session, organisation_id), issuers, sign_in.values())


def _ties(provider: SignIn, organisation_id: str, domains: frozenset[str]) -> bool:
    """One provider of many institutions says that somebody is at one of them, not at which."""
    theirs = [each.lower() for each in provider.domains]
    return provider.organisation == organisation_id or (bool(theirs) and all(is_within(each, domains) for each in theirs))

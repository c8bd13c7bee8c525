"""From a person at an institution to an account here: by issuer and subject, and never by an address that nobody vouches for.

The first time an identity comes it is linked to an account only where its owner is signed in, or where the operator's setting trusts
the provider with the verified address's very domain. One account has one identity at an issuer, so that an address that the
institution gives to a second person opens nothing of the first.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from contracts.bars.standing import bar_on
from contracts.errors import Refusal, Refused
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.people.accounts import give_role, home_of, insert_account, locked_account
from contracts.people.actor import Actor
from contracts.people.openid import Person, failed
from contracts.people.roles import Role, Side
from contracts.people.tables import Account, Identity, Organisation
from contracts.sections import SignIn
from contracts.store.unit import Unit


def account_for(unit: Unit, person: Person, setting: SignIn, network: str) -> Account:
    """The account that the person signs in to, linked or made where the setting allows it. Raises `institution_failed`."""
    known = _find(unit.session, person)
    if known is not None:
        known.last_used_at = unit.now
        account = unit.session.get_one(Account, known.account_id)
        if account.disabled_at is not None or account.confirmed_at is None:
            raise Refused(failed("knows you, but your account here is closed"))
        return account
    if not person.email or person.email.rpartition("@")[2] not in {each.lower() for each in setting.domains}:
        raise Refused(
            Refusal(
                "institution_failed",
                "No account here belongs to this sign-in. Sign in with your password first, then link it on your account page.",
            )
        )
    existing = locked_account(unit, person.email)
    account = _new(unit, person, setting) if existing is None else existing
    if account.confirmed_at is None or account.disabled_at is not None:
        raise Refused(failed("knows your address, but the account with it was never confirmed or is closed"))
    _link(unit, account, person, network)
    return account


def link(unit: Unit, actor: Actor, person: Person) -> None:
    """Link the identity to the signed-in person's account. Raises `institution_failed` where it belongs to another account."""
    known = _find(unit.session, person)
    if known is not None and known.account_id == actor.account_id:
        return
    if known is not None:
        raise Refused(failed("knows you as the owner of another account here"))
    _link(unit, unit.lock(Account, actor.account_id), person, actor.network)


def identities_of(session: Session, account_id: str) -> list[Identity]:
    """The institutions through which the person may sign in, oldest first."""
    return list(session.exec(select(Identity).where(Identity.account_id == account_id).order_by(col(Identity.id))).all())


def counts_as_second_factor(person: Person, setting: SignIn) -> bool:
    """Whether the provider says that it asked for more than one factor, in a value that the operator's setting trusts."""
    return bool(person.how & set(setting.second_factor))


def _find(session: Session, person: Person) -> Identity | None:
    return session.exec(select(Identity).where(Identity.issuer == person.issuer, Identity.subject == person.subject)).first()


def _link(unit: Unit, account: Account, person: Person, network: str) -> None:
    if any(each.issuer == person.issuer for each in identities_of(unit.session, account.id)):
        raise Refused(failed("knows you by another name than the one that your account is linked to"))
    row = Identity(
        id=new_id("idn"), account_id=account.id, issuer=person.issuer, subject=person.subject, created_at=unit.now, last_used_at=unit.now
    )
    unit.session.add(row)
    unit.session.flush()
    personal = {"account": account.id, "subject": person.subject, **({"network": network} if network else {})}
    entry = Entry(
        event="account.linked",
        subject=account.id,
        organisation=home_of(unit, account.id),
        facts={"issuer": person.issuer},
        personal=personal,
    )
    record(unit, entry)


def _new(unit: Unit, person: Person, setting: SignIn) -> Account:
    home = unit.session.get(Organisation, setting.organisation) if setting.organisation else None
    if home is None or home.side != Side.PARTNER:
        raise Refused(failed("knows you, but nobody here does yet. Ask a lead of your organisation for an invitation"))
    if bar_on(unit.session, home.id) is not None:
        raise Refused(failed("knows you, but the platform takes nobody new of your organisation"))
    name = person.name.strip() or person.email.partition("@")[0]
    account = Account(id=new_id("acc"), email=person.email, name=name, password_hash="", created_at=unit.now, confirmed_at=unit.now)
    if not insert_account(unit, account):
        raise Refused(failed("was used twice at the same moment"))
    give_role(unit, account.id, home.id, Role.READER, None)
    entry = Entry(event="account.created", subject=account.id, organisation=home.id, personal={"account": account.id})
    record(unit, entry)
    return account

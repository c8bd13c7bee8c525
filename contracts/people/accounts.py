"""Accounts: signing up and confirming the address.

Everything here takes an account's row before its links' rows, so that no two units wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from contracts.bars.warning import warn_alike
from contracts.errors import Refusal, Refused, StoreUnavailable
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.people import links
from contracts.people.actor import Actor
from contracts.people.decide import SignUp, check_description, check_sign_up, safe_path
from contracts.people.links import LinkKind
from contracts.people.queries import platform_name
from contracts.people.roles import Role, Side
from contracts.people.tables import Account, Membership, Organisation
from contracts.store.unit import Unit

FIRST_ROLES = (Role.LEAD, Role.SIGNATORY)


class Send(Protocol):
    """Sends a notice with the unit of work; `contracts.notices.send` does."""

    def __call__(self, unit: Unit, *, to: str, template: str, facts: Mapping[str, str]) -> None: ...


def sign_up(
    unit: Unit,
    mail: Send,
    *,
    name: str,
    email: str,
    password_hash: str,
    organisation_name: str,
    organisation_kind: str,
    country: str,
    next_path: str,
    base_url: str,
    rest_later: bool = False,
) -> None:
    """A new partner organisation with its first person, who leads it and may sign, and a link that confirms the address.

    An address that has a confirmed account gets a mail that says so and nothing changes; the caller cannot tell the cases
    apart. Signing up again before confirming replaces the earlier attempt and voids its link, so that nobody waits in an
    account that someone else prepared. With `rest_later` the organisation's kind and country are asked before its first
    application, by `describe_organisation`. Raises `invalid_input` with `fields`.
    """
    form = check_sign_up(
        name=name,
        email=email,
        organisation_name=organisation_name,
        organisation_kind=organisation_kind,
        country=country,
        rest_later=rest_later,
    )
    if isinstance(form, Refusal):
        raise Refused(form)
    account = _settle(unit, form, password_hash)
    platform = platform_name(unit.session, base_url)
    if account.confirmed_at is not None:
        known = {"name": account.name, "platform": platform, "link": f"{base_url}/sign-in"}
        mail(unit, to=form.email, template="already-registered", facts=known)
        return
    token, _ = links.make(unit, LinkKind.CONFIRM, form.email, account_id=account.id, next_path=safe_path(next_path))
    fresh = {"name": form.name, "platform": platform, "link": f"{base_url}/confirm/{token}"}
    mail(unit, to=form.email, template="confirm", facts=fresh)
    home = home_of(unit, account.id)
    record(unit, Entry(event="account.created", subject=account.id, organisation=home, personal={"account": account.id}))


def confirm(unit: Unit, token: str) -> tuple[Account, str]:
    """Confirm the address by its link; the account and the path where its owner wanted to go. Raises `link_unusable`.

    Stewards hear of it where the organisation resembles a barred one.
    """
    link = links.find(unit.session, token, unit.now, LinkKind.CONFIRM)
    account = unit.lock(Account, link.account_id)
    links.use(unit, token, LinkKind.CONFIRM)
    if account.disabled_at is not None:
        raise links.unusable()
    account.confirmed_at = account.confirmed_at or unit.now
    home = home_of(unit, account.id)
    record(unit, Entry(event="account.confirmed", subject=account.id, organisation=home, personal={"account": account.id}))
    if home:
        warn_alike(unit, home)
    return account, safe_path(link.next_path)


def describe_organisation(unit: Unit, actor: Actor, *, kind: str, country: str) -> None:
    """Keep what the actor's organisation is and where it is based, once. Raises `role_required`, `command_not_possible`, `invalid_input`."""
    home = unit.lock(Organisation, actor.organisation_id)
    country = country.strip().upper()
    if refusal := check_description(actor, (home.kind, home.country), kind, country):
        raise Refused(refusal)
    if home.kind:
        return
    home.kind, home.country = kind, country
    record(unit, Entry(event="organisation.described", subject=home.id, organisation=home.id, personal=actor.personal()))


def locked_account(unit: Unit, email: str) -> Account | None:
    """The account with this kept address, locked until the end of the unit."""
    query = select(Account).where(Account.email == email).with_for_update().execution_options(populate_existing=True)
    return unit.session.exec(query).first()


def insert_account(unit: Unit, account: Account) -> bool:
    """Add an account; false where another unit took the address a moment before."""
    try:
        with unit.session.begin_nested():
            unit.session.add(account)
    except IntegrityError:
        return False
    return True


def give_role(unit: Unit, account_id: str, organisation_id: str, role: Role, given_by: str | None) -> None:
    """Add a role; the caller holds the account's row."""
    member = Membership(id=new_id("mem"), account_id=account_id, organisation_id=organisation_id, role=role.value, created_at=unit.now)
    member.given_by = given_by
    unit.session.add(member)
    unit.session.flush()


def home_of(unit: Unit, account_id: str) -> str:
    """The organisation of the person's roles held now; empty where there is none."""
    query = select(Membership.organisation_id).where(Membership.account_id == account_id, col(Membership.ended_at).is_(None))
    return unit.session.exec(query.order_by(col(Membership.created_at))).first() or ""


def _settle(unit: Unit, form: SignUp, password_hash: str) -> Account:
    """The account of a sign-up: a confirmed one untouched, an unconfirmed one overwritten, else a new one."""
    account = locked_account(unit, form.email)
    if account is None:
        made = Account(id=new_id("acc"), email=form.email, name=form.name, password_hash=password_hash, created_at=unit.now)
        if insert_account(unit, made):
            _found(unit, made, form)
            return made
        account = locked_account(unit, form.email)
    if account is None:
        raise StoreUnavailable("an account vanished while it was being made")
    if account.confirmed_at is None:
        links.void(unit, LinkKind.CONFIRM, form.email)
        account.name, account.password_hash = form.name, password_hash
        _describe(unit.session.get_one(Organisation, home_of(unit, account.id)), form)
    return account


def _found(unit: Unit, account: Account, form: SignUp) -> None:
    home = Organisation(id=new_id("org"), name="", side=Side.PARTNER.value, created_at=unit.now)
    _describe(home, form)
    unit.session.add(home)
    unit.session.flush()
    for role in FIRST_ROLES:
        give_role(unit, account.id, home.id, role, None)


def _describe(home: Organisation, form: SignUp) -> None:
    home.name, home.kind, home.country = form.organisation_name, form.organisation_kind, form.country

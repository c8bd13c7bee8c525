"""Invitations: how a person comes to a role that someone else gives."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from contracts.addresses import address
from contracts.bars.standing import bar_on, bar_on_address, refusal_of
from contracts.errors import Refused, refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.notices import send
from contracts.people import assurance, links, proposals
from contracts.people.accounts import give_role, home_of, insert_account, locked_account
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.decide import check_invitation, name_problem, tidy
from contracts.people.links import LinkKind
from contracts.people.queries import holds, members, platform_name, platform_organisation
from contracts.people.roles import ROLES, Role, Side
from contracts.people.tables import Account, Membership, OneTimeLink, Organisation
from contracts.settings import Settings
from contracts.store.unit import Unit

JOINING = (LinkKind.INVITATION, LinkKind.FIRST_ADMINISTRATOR, LinkKind.CLAIM, LinkKind.AUDITOR)


def invite(unit: Unit, actor: Actor, *, email: str, role: Role, base_url: str) -> str:
    """Invite a person to a role in the actor's own organisation, by mail; an earlier open invitation to it ends.

    Returns the link. A page shows it only where no mail leaves (transport none): whoever has it can take the role. It is empty for a
    role of staff to which a colleague has to agree first, because there is one who is independent of the actor.
    Raises `role_required`, `second_person_required`, `barred`, `invalid_input` (also where the person holds the role already).
    """
    email = address(email)
    refusal = check_invitation(actor, email, role)
    if refusal is not None:
        raise Refused(refusal)
    assurance.insist(actor, Act.MEMBER, unit.now)
    if any(row.email == email and role in row.roles for row in members(unit.session, actor.organisation_id)):
        wrong = {"email": "This person has the role already."}
        raise refuse("invalid_input", "This person has the role already.", fields=wrong)
    _refuse_barred(unit.session, actor.organisation_id, email)
    if ROLES[role].side is Side.PLATFORM and (colleagues := proposals.independent_of(unit.session, actor)):
        proposals.propose(unit, actor, email, role, colleagues)
        return ""
    return _send(unit, actor, (actor.account_id, actor.name), email, role, base_url)


def agree(unit: Unit, actor: Actor, proposal_id: str, base_url: str) -> str:
    """Agree to a proposed role of staff as the second person; the person is invited in the proposer's name. Returns the link, as `invite`."""
    row = proposals.agreed(unit, actor, proposal_id)
    proposer = unit.session.get_one(Account, row.proposed_by)
    if not holds(unit.session, proposer.id, row.organisation_id, [Role.ADMINISTRATOR]):
        raise refuse("command_not_possible", "Who proposed this may no longer invite anybody. Ask another administrator to propose it.")
    _refuse_barred(unit.session, row.organisation_id, row.email)
    return _send(unit, actor, (proposer.id, proposer.name), row.email, Role(row.role), base_url)


def _send(unit: Unit, actor: Actor, inviter: tuple[str, str], email: str, role: Role, base_url: str) -> str:
    home, kind = actor.organisation_id, LinkKind.INVITATION
    links.void(unit, kind, email, organisation_id=home, role=role.value)
    token, link = links.make(unit, kind, email, organisation_id=home, role=role.value, given_by=inviter[0])
    url = f"{base_url}/join/{token}"
    facts = {"name": inviter[1], "role": role.value, "link": url, "platform": platform_name(unit.session, base_url)}
    send(unit, to=email, template="invitation", facts=facts)
    personal = actor.personal(email=email)
    record(unit, Entry(event="person.invited", subject=link.id, organisation=home, facts={"role": role.value}, personal=personal))
    return url


def first_administrator_link(unit: Unit, settings: Settings, email: str = "") -> str:
    """The link by which an installation gets its first administrator; earlier ones end. Makes the platform's organisation.

    The account will have `email`, else the address of the link before, else the platform's contact address. Raises `command_not_possible` once there is an administrator.
    """
    platform = _platform(unit, settings)
    if _has_administrator(unit, platform.id):
        raise refuse("command_not_possible", "There is an administrator already, who can invite you.")
    kind, role = LinkKind.FIRST_ADMINISTRATOR, Role.ADMINISTRATOR
    to = address(email or _address_before(unit) or settings.platform.contact)
    unit.connection.execute(
        update(OneTimeLink).where(col(OneTimeLink.kind) == kind.value, col(OneTimeLink.used_at).is_(None)).values(expires_at=unit.now)
    )
    token, link = links.make(unit, kind, to, organisation_id=platform.id, role=role.value)
    url = f"{settings.base_url}/join/{token}"
    if settings.mail.transport != "none":
        send(unit, to=to, template="first-administrator", facts={"name": to, "link": url, "platform": platform.name})
    entry = Entry(event="person.invited", subject=link.id, organisation=platform.id, facts={"role": role.value}, personal={"email": to})
    record(unit, entry)
    return url


def claim(unit: Unit, actor: Actor, *, organisation_id: str, email: str, name: str, title: str, base_url: str) -> str:
    """Send the contact of an agreement signed before Licet a link that makes them lead their organisation; earlier ones end.

    It works until somebody leads it. The caller has made sure that staff may do this; returns the link.
    """
    email, kind, role = address(email), LinkKind.CLAIM, Role.LEAD
    links.void(unit, kind, email, organisation_id=organisation_id)
    token, link = links.make(unit, kind, email, organisation_id=organisation_id, role=role.value, given_by=actor.account_id)
    url = f"{base_url}/join/{token}"
    facts = {"name": name, "title": title, "link": url, "platform": platform_name(unit.session, base_url)}
    send(unit, to=email, template="claim", facts=facts)
    personal = actor.personal(email=email)
    entry = Entry(event="person.invited", subject=link.id, organisation=organisation_id, facts={"role": role.value}, personal=personal)
    record(unit, entry)
    return url


def invitation(session: Session, token: str, now: datetime) -> OneTimeLink:
    """The invitation behind a link while it can be used; raises `link_unusable`. Changes nothing."""
    return links.find(session, token, now, *JOINING)


def accept_invitation(unit: Unit, token: str, *, name: str, password_hash: str, kinds: tuple[LinkKind, ...] = JOINING) -> Account:
    """Take up the role that the link gives. Of several who try at once one succeeds.

    Someone new, or whose address was never confirmed, gets an account with this name and password. A confirmed account keeps
    both: an invitation must not take an account over. One person works for one organisation. Raises `link_unusable`, also where
    who invited may no longer invite, and `invalid_input`.
    """
    link = links.find(unit.session, token, unit.now, *kinds)
    if link.organisation_id is None:
        raise links.unusable()
    role = Role(link.role)
    _refuse_stale_inviter(unit, link, role)
    _refuse_barred(unit.session, link.organisation_id, link.email)
    account = _account(unit, link.email, tidy(name), password_hash)
    links.use(unit, token, *kinds)
    links.void(unit, LinkKind.CONFIRM, link.email)
    if home_of(unit, account.id) not in ("", link.organisation_id):
        raise links.unusable("This address already works for another organisation here. Ask for an invitation to another address.")
    if not holds(unit.session, account.id, link.organisation_id, [role]):
        give_role(unit, account.id, link.organisation_id, role, link.given_by)
    personal = {"account": account.id} | ({"given_by": link.given_by} if link.given_by else {})
    record(
        unit,
        Entry(event="role.given", subject=account.id, organisation=link.organisation_id, facts={"role": role.value}, personal=personal),
    )
    return account


def _platform(unit: Unit, settings: Settings) -> Organisation:
    known = platform_organisation(unit.session)
    if known is not None:
        return known
    name = settings.platform.legal_name
    made = Organisation(id=new_id("org"), name=name, side=Side.PLATFORM.value, created_at=unit.now)
    unit.session.add(made)
    unit.session.flush()
    return made


def _address_before(unit: Unit) -> str:
    query = select(OneTimeLink.email).where(OneTimeLink.kind == LinkKind.FIRST_ADMINISTRATOR.value)
    return unit.session.exec(query.order_by(col(OneTimeLink.created_at).desc())).first() or ""


def _has_administrator(unit: Unit, platform_id: str) -> bool:
    unit.lock(Organisation, platform_id)  # two first administrators who arrive together take turns here
    return any(Role.ADMINISTRATOR in row.roles for row in members(unit.session, platform_id))


def _refuse_stale_inviter(unit: Unit, link: OneTimeLink, role: Role) -> None:
    home = link.organisation_id or ""
    if link.kind == LinkKind.FIRST_ADMINISTRATOR:
        if _has_administrator(unit, home):
            raise links.unusable("There is an administrator already, who can invite you.")
        return
    if link.kind == LinkKind.CLAIM:
        unit.lock(Organisation, home)  # two who claim it together take turns here
        if any(Role.LEAD in row.roles for row in members(unit.session, home)):
            raise links.unusable("Somebody leads the organisation already and can invite you.")
        return
    if link.kind == LinkKind.AUDITOR:
        return  # the link ends with the visit that it was made for
    inviter = Role.ADMINISTRATOR if ROLES[role].side is Side.PLATFORM else Role.LEAD
    if link.given_by is None or not holds(unit.session, link.given_by, home, [inviter]):
        raise links.unusable("Who invited you may no longer do so. Ask for a new invitation.")


def _refuse_barred(session: Session, organisation_id: str, email: str) -> None:
    bar = bar_on(session, organisation_id) or bar_on_address(session, email)
    if bar is not None:
        raise Refused(refusal_of(bar))


def _account(unit: Unit, email: str, name: str, password_hash: str) -> Account:
    account = locked_account(unit, email)
    if account is None:
        _check_name(name)
        made = Account(id=new_id("acc"), email=email, name=name, password_hash=password_hash, created_at=unit.now, confirmed_at=unit.now)
        if insert_account(unit, made):
            return made
        account = locked_account(unit, email)
    if account is None or account.disabled_at is not None:
        raise links.unusable()
    if account.confirmed_at is None:
        _check_name(name)
        account.name, account.password_hash, account.confirmed_at = name, password_hash, unit.now
        begun = update(Membership).where(col(Membership.account_id) == account.id, col(Membership.ended_at).is_(None))
        unit.connection.execute(begun.values(ended_at=unit.now))
    return account


def _check_name(name: str) -> None:
    if problem := name_problem(name, "Tell us your name."):
        raise refuse("invalid_input", "Some fields need your attention.", fields={"name": problem})

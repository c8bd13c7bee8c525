"""The people of a partner: giving and taking roles, removing people, leaving.

Whoever goes loses the sessions and the tokens that programs hold for them at once; clients and keys of the organisation stay. Every
change holds the organisation's row, so that two leads who remove each other take turns and one stays.
"""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import Session, col, select

from contracts.credentials.authorizations import MAY_CONSENT
from contracts.credentials.families import revoke_families_of
from contracts.errors import Refusal, Refused
from contracts.ledger.stage import Entry, record
from contracts.members.service import end_places
from contracts.notices import audience, send
from contracts.people.accounts import give_role
from contracts.people.actor import Actor
from contracts.people.decide_team import PARTNER_ROLES, Team, decide_leaving, decide_removal, decide_roles
from contracts.people.roles import Role
from contracts.people.sessions import close_sessions_of
from contracts.people.tables import Account, Membership, Organisation
from contracts.store.unit import Unit


def set_roles(unit: Unit, actor: Actor, account_id: str, wanted: frozenset[Role]) -> None:
    """Give a member exactly these roles; an entry for each one given or taken, and a mail to the member."""
    team = locked_team(unit, actor.organisation_id)
    _insist(decide_roles(team, actor, account_id, wanted, unit.now))
    held = team.roles[account_id]
    for role in sorted(wanted - held):
        give(unit, actor, account_id, actor.organisation_id, role)
    for role in sorted(held - wanted):
        take(unit, actor, account_id, actor.organisation_id, role)
    if wanted != held:
        account = unit.session.get_one(Account, account_id)
        facts = {"name": account.name, "organisation": _name(unit, actor.organisation_id), "by": actor.name}
        told = ", ".join(role.value for role in Role if role in wanted)
        send(unit, to=account.email, template="roles-changed", facts={**facts, "roles": told}, path="/account")


def remove(unit: Unit, actor: Actor, account_id: str) -> None:
    """Take a person out of the actor's organisation; the person and every lead get a mail."""
    team = locked_team(unit, actor.organisation_id)
    _insist(decide_removal(team, actor, account_id, unit.now))
    account = unit.session.get_one(Account, account_id)
    facts = {"person": account.name, "organisation": _name(unit, actor.organisation_id), "by": actor.name}
    send(unit, to=account.email, template="person-removed", facts=facts)
    _go(unit, actor, account, "person.removed", "person-removed", facts)


def leave(unit: Unit, actor: Actor) -> None:
    """Leave the organisation; every lead gets a mail. Raises `last_lead`."""
    team = locked_team(unit, actor.organisation_id)
    _insist(decide_leaving(team, actor))
    account = unit.session.get_one(Account, actor.account_id)
    facts = {"person": account.name, "organisation": _name(unit, actor.organisation_id)}
    _go(unit, actor, account, "person.left", "person-left", facts)


def locked_team(unit: Unit, organisation_id: str) -> Team:
    """The organisation's people, whose roles stay as they are until the end of the unit."""
    unit.lock(Organisation, organisation_id)
    return team_of(unit.session, organisation_id)


def team_of(session: Session, organisation_id: str) -> Team:
    """The organisation's people as they stand."""
    query = select(Membership, Account.disabled_at).join(Account, col(Account.id) == col(Membership.account_id))
    rows = session.exec(query.where(Membership.organisation_id == organisation_id, col(Membership.ended_at).is_(None))).all()
    roles: dict[str, frozenset[Role]] = {}
    for row, _ in rows:
        roles[row.account_id] = roles.get(row.account_id, frozenset()) | {Role(row.role)}
    leads = frozenset(row.account_id for row, disabled_at in rows if row.role == Role.LEAD and disabled_at is None)
    return Team(roles, leads)


def give(unit: Unit, actor: Actor, account_id: str, organisation_id: str, role: Role) -> None:
    """Give a role, as an entry."""
    give_role(unit, account_id, organisation_id, role, actor.account_id)
    _record(unit, actor, "role.given", account_id, organisation_id, role=role.value)


def take(unit: Unit, actor: Actor, account_id: str, organisation_id: str, role: Role) -> None:
    """End a role, as an entry; who may let no program in any more loses the tokens of those that were let in."""
    mine = update(Membership).where(col(Membership.account_id) == account_id, col(Membership.organisation_id) == organisation_id)
    unit.connection.execute(mine.where(col(Membership.role) == role.value, col(Membership.ended_at).is_(None)).values(ended_at=unit.now))
    if not team_of(unit.session, organisation_id).roles.get(account_id, frozenset()) & set(MAY_CONSENT):
        revoke_families_of(unit, account_id, organisation_id)
    _record(unit, actor, "role.taken", account_id, organisation_id, role=role.value)


def end_presence(unit: Unit, account_id: str, organisation_id: str) -> None:
    """End a person's sessions, and the tokens that programs hold for them in the organisation."""
    close_sessions_of(unit, account_id)
    revoke_families_of(unit, account_id, organisation_id)


def tell_everyone(unit: Unit, organisation_id: str, template: str, path: str = "/partner/team", **facts: str) -> None:
    """A mail to each of the organisation's people; `name` and `organisation` are filled in."""
    known = {"organisation": _name(unit, organisation_id), **facts}
    for reader in audience.partners(unit.session, organisation_id, *PARTNER_ROLES):
        send(unit, to=reader.email, template=template, facts={"name": reader.name, **known}, path=path)


def _go(unit: Unit, actor: Actor, account: Account, event: str, template: str, facts: dict[str, str]) -> None:
    gone = update(Membership).where(col(Membership.account_id) == account.id, col(Membership.organisation_id) == actor.organisation_id)
    unit.connection.execute(gone.where(col(Membership.ended_at).is_(None)).values(ended_at=unit.now))
    end_presence(unit, account.id, actor.organisation_id)
    end_places(unit, actor, account.id, actor.organisation_id)
    for reader in audience.partners(unit.session, actor.organisation_id, Role.LEAD):
        send(unit, to=reader.email, template=template, facts=facts, path="/partner/team")
    _record(unit, actor, event, account.id, actor.organisation_id)


def _record(unit: Unit, actor: Actor, event: str, account_id: str, organisation_id: str, **facts: str) -> None:
    personal = actor.personal(member=account_id)
    record(unit, Entry(event=event, subject=account_id, organisation=organisation_id, facts=facts, personal=personal))


def _name(unit: Unit, organisation_id: str) -> str:
    return unit.session.get_one(Organisation, organisation_id).name


def _insist(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Refused(refusal)

"""Whether somebody may deal with the platform: what other subjects ask before an act that a bar forbids.

The organisation's row is locked first, as it is when a bar is imposed: of a bar and an act at once one sees what the other did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from contracts.applications.tables import Application
from contracts.bars.resemble import domains_of, is_within, name_key
from contracts.bars.states import Scope, State
from contracts.bars.tables import Bar
from contracts.errors import Refusal, Refused
from contracts.people.tables import Account, Membership, Organisation
from contracts.store.unit import Unit


def insist(unit: Unit, organisation_id: str, *accounts: str, application: Application | None = None) -> None:
    """Raise `barred` where the organisation, one of the people or the application's project is barred. Locks the organisation."""
    unit.lock(Organisation, organisation_id)
    people = (*accounts, *([application.created_by] if application else []))
    found = bar_on(unit.session, organisation_id, people)
    if found is None and application is not None:
        found = _project(unit.session, application)
    if found is not None:
        raise Refused(refusal_of(found))


def bar_on(session: Session, organisation_id: str, accounts: Sequence[str] = ()) -> Bar | None:
    """The bar in force on the organisation or on one of the people."""
    whole = (col(Bar.scope) == Scope.ORGANISATION.value) & (col(Bar.organisation_id) == organisation_id)
    person = (col(Bar.scope) == Scope.PERSON.value) & col(Bar.account_id).in_(list(accounts))
    return session.exec(in_force().where(or_(whole, person)).order_by(col(Bar.id))).first()


def bar_on_address(session: Session, email: str) -> Bar | None:
    """The bar in force on the person with this address in its kept form."""
    query = in_force().join(Account, col(Account.id) == col(Bar.account_id)).where(Account.email == email)
    return session.exec(query.where(Bar.scope == Scope.PERSON.value)).first()


def refusal_of(bar: Bar) -> Refusal:
    """What whoever is barred reads."""
    reason = f"{_WHOM[Scope(bar.scope)]} The reason: {bar.reason} If you think that it is wrong, write to the platform."
    return Refusal("barred", reason, {"bar": bar.id, "scope": bar.scope})


def resembling(session: Session, organisation: Organisation) -> list[Bar]:
    """Bars in force on others that this organisation resembles: by its name, the domains of its people's addresses, or their names."""
    members = select(Account.email, Account.name).join(Membership, col(Membership.account_id) == col(Account.id))
    people = session.exec(members.where(Membership.organisation_id == organisation.id)).all()
    known = _Known(name_key(organisation.name), domains_of(email for email, _ in people), frozenset(name_key(name) for _, name in people))
    others = session.exec(in_force().where(Bar.organisation_id != organisation.id, Bar.scope != Scope.PROJECT.value)).all()
    return [each for each in others if _resembles(each, known)]


def alike_projects(session: Session, application: Application) -> list[Bar]:
    """Bars in force on projects of other organisations that bear this application's name."""
    query = in_force().where(Bar.scope == Scope.PROJECT.value, Bar.organisation_id != application.organisation_id)
    return list(session.exec(query.where(Bar.name_key == name_key(application.project))).all())


def in_force() -> SelectOfScalar[Bar]:
    """Bars that hold: those whose lifting was asked for do as well."""
    return select(Bar).where(Bar.state != State.LIFTED.value)


@dataclass(frozen=True, slots=True)
class _Known:
    name: str
    domains: Sequence[str]
    people: frozenset[str]


def _resembles(bar: Bar, known: _Known) -> bool:
    if bar.scope == Scope.PERSON:
        return bar.name_key in known.people - {""}
    return any(is_within(each, bar.domains) for each in known.domains) or (bool(known.name) and bar.name_key == known.name)


def _project(session: Session, application: Application) -> Bar | None:
    query = in_force().where(Bar.scope == Scope.PROJECT.value, Bar.organisation_id == application.organisation_id)
    same = or_(col(Bar.application_id) == application.id, col(Bar.name_key) == (name_key(application.project) or "-"))
    return session.exec(query.where(same)).first()


_WHOM: dict[Scope, str] = {
    Scope.ORGANISATION: "The platform barred your organisation, so this cannot be done.",
    Scope.PERSON: "The platform barred the person that this is about or that does it, so this cannot be done.",
    Scope.PROJECT: "The platform barred this project, so this cannot be done.",
}

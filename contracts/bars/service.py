"""Bars: load, decide, store, tell. Every function works in the caller's unit of work and commits nothing itself.

One person imposes a bar, because waiting does harm; two lift it, neither of whom gave the other a role.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from contracts.applications.decide import reason_refusal
from contracts.applications.tables import Application
from contracts.bars import standing
from contracts.bars.decide import Wanted, decide, step_before
from contracts.bars.resemble import domains_of, name_key
from contracts.bars.states import ROLES, Command, Scope, State
from contracts.bars.strike import Found, strike
from contracts.bars.tables import Bar
from contracts.credentials.families import revoke_families_of
from contracts.errors import Refusal, Refused, refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.notices import audience, send
from contracts.people.accounts import home_of
from contracts.people.actor import Actor
from contracts.people.independence import entangled_with
from contracts.people.queries import members
from contracts.people.roles import Role, Side
from contracts.people.tables import Account, Organisation
from contracts.store.unit import Unit


def impose(unit: Unit, actor: Actor, scope: Scope, subject: str, reason: str) -> tuple[Bar, Found]:
    """Bar an organisation, a person or an application's project, named by its id; what it concerns is stopped and suspended at once.

    Raises `not_found`, `reason_required`, and `command_not_possible` for staff and for what is barred already.
    """
    actor.require(*ROLES)
    if refusal := reason_refusal(reason):
        raise Refused(refusal)
    bar = _of(unit, actor, scope, subject)
    unit.lock(Organisation, bar.organisation_id)
    _refuse_twice(unit.session, bar)
    bar.reason = reason.strip()
    unit.session.add(bar)
    unit.session.flush()
    if bar.account_id:
        revoke_families_of(unit, bar.account_id, bar.organisation_id)
    found = strike(unit, actor, bar)
    _tell_partner(unit, bar, "bar-imposed", reason=bar.reason)
    facts = {"applications": len(found.applications), "contracts": len(found.contracts)}
    _record(unit, actor, bar, "bar.imposed", bar.reason, **facts)
    return bar, found


def ask_lift(unit: Unit, actor: Actor, bar_id: str, revision: int, reason: str) -> Bar:
    """Ask that the bar be lifted; it holds until another member of staff agrees."""
    bar = _take(unit, actor, bar_id, Wanted(Command.ASK_LIFT, revision, reason))
    bar.lift_asked_by, bar.lift_reason = actor.account_id, reason.strip()
    for reader in audience.staff(unit.session, *ROLES):
        send(unit, to=reader.email, template="bar-lift-asked", facts={"barred": bar.name, "asker": actor.name}, path=f"/desk/bars/{bar.id}")
    _record(unit, actor, bar, "bar.lift_asked", bar.lift_reason)
    return bar


def keep(unit: Unit, actor: Actor, bar_id: str, revision: int) -> Bar:
    """Leave the bar as it is, though its lifting was asked for; whoever asked may take that back in the same way."""
    bar = _take(unit, actor, bar_id, Wanted(Command.KEEP, revision))
    bar.lift_asked_by, bar.lift_reason = None, ""
    _record(unit, actor, bar, "bar.kept", "")
    return bar


def lift(unit: Unit, actor: Actor, bar_id: str, revision: int) -> Bar:
    """Lift the bar as another person than the one who asked. Contracts stay suspended, applications stopped."""
    bar = _take(unit, actor, bar_id, Wanted(Command.LIFT, revision))
    bar.lifted_by, bar.lifted_at = actor.account_id, unit.now
    _tell_partner(unit, bar, "bar-lifted")
    _record(unit, actor, bar, "bar.lifted", "")
    return bar


def get_for(session: Session, actor: Actor, bar_id: str) -> Bar:
    """The bar, for staff; else `not_found`."""
    bar = session.get(Bar, bar_id)
    if bar is None or not actor.is_staff:
        raise refuse("not_found", "There is no such bar.")
    return bar


def all_bars(session: Session) -> list[Bar]:
    """Every bar: those whose lifting waits for a second person, then those in force, then the lifted ones, each newest first."""
    order = [State.LIFT_ASKED, State.IN_FORCE, State.LIFTED]
    return sorted(session.exec(select(Bar).order_by(col(Bar.id).desc())).all(), key=lambda bar: order.index(State(bar.state)))


def bars_of(session: Session, organisation_id: str) -> list[Bar]:
    """Bars in force on an organisation, its people and its projects."""
    return list(session.exec(standing.in_force().where(Bar.organisation_id == organisation_id).order_by(col(Bar.id))).all())


def _of(unit: Unit, actor: Actor, scope: Scope, subject: str) -> Bar:
    organisation_id, name, domains = _subject(unit, scope, subject)
    if unit.session.get_one(Organisation, organisation_id).side != Side.PARTNER:
        raise refuse("command_not_possible", "Only partners are barred. Staff lose their roles instead.")
    return Bar(
        id=new_id("bar"),
        state=State.IN_FORCE.value,
        scope=scope.value,
        organisation_id=organisation_id,
        account_id=subject if scope is Scope.PERSON else None,
        application_id=subject if scope is Scope.PROJECT else None,
        name=name,
        name_key=name_key(name),
        domains=domains,
        reason="",
        made_by=actor.account_id,
        made_at=unit.now,
    )


def _subject(unit: Unit, scope: Scope, subject: str) -> tuple[str, str, list[str]]:
    """The organisation, the name and the domains of what is to be barred."""
    session = unit.session
    if scope is Scope.ORGANISATION and (organisation := session.get(Organisation, subject)) is not None:
        return organisation.id, organisation.name, domains_of(row.email for row in members(session, organisation.id))
    if scope is Scope.PERSON and (account := session.get(Account, subject)) is not None:
        return _home(unit, account), account.name, []
    if scope is Scope.PROJECT and (application := session.get(Application, subject)) is not None and application.submitted_at is not None:
        return application.organisation_id, application.project, []
    raise refuse("not_found", "There is no such thing to bar.")


def _home(unit: Unit, account: Account) -> str:
    home = home_of(unit, account.id)
    if not home:
        raise refuse("command_not_possible", "This person belongs to no organisation now.")
    return home


def _refuse_twice(session: Session, bar: Bar) -> None:
    same = standing.in_force().where(Bar.scope == bar.scope, Bar.organisation_id == bar.organisation_id)
    if session.exec(same.where(Bar.account_id == bar.account_id, Bar.application_id == bar.application_id)).first() is not None:
        raise refuse("command_not_possible", "This is barred already.")


def _take(unit: Unit, actor: Actor, bar_id: str, wanted: Wanted) -> Bar:
    actor.require(*ROLES)
    bar = unit.lock(Bar, bar_id)
    after = decide(bar, actor, wanted, entangled_with(unit.session, actor, step_before(bar, wanted.command)))
    if isinstance(after, Refusal):
        raise Refused(after)
    bar.state, bar.revision = after.value, bar.revision + 1
    unit.session.add(bar)
    return bar


def _tell_partner(unit: Unit, bar: Bar, template: str, **facts: str) -> None:
    readers = {*audience.partners(unit.session, bar.organisation_id, Role.LEAD)}
    if bar.account_id:
        readers |= {*audience.account(unit.session, bar.account_id)}
    for reader in sorted(readers):
        send(unit, to=reader.email, template=template, facts={"name": reader.name, "barred": bar.name, **facts}, path="/partner")


def _record(unit: Unit, actor: Actor, bar: Bar, event: str, reason: str, **facts: int) -> None:
    personal = actor.personal(reason=reason, member=bar.account_id or "")
    told = {"scope": bar.scope, **facts}
    record(unit, Entry(event=event, subject=bar.id, organisation=bar.organisation_id, facts=told, personal=personal))

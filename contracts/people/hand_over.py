"""Handing over leadership: the lead names a member who accepts, or two staff appoint one where the lead is gone.

Leads who go lose their sessions and the tokens that programs hold for them; clients, contracts and keys stay as they are.
"""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, col, select

from contracts.errors import Refusal, Refused, refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.notices import audience, send
from contracts.people.actor import Actor
from contracts.people.decide_hand_over import Known, decide, decide_naming
from contracts.people.hand_over_states import OPEN, Command, State
from contracts.people.independence import entangled_with
from contracts.people.roles import Role
from contracts.people.tables import Account, HandOver
from contracts.people.team import end_presence, give, locked_team, take, team_of, tell_everyone
from contracts.store.unit import Unit

LIFETIME = timedelta(days=7)


def offer_lead(unit: Unit, actor: Actor, named: str) -> HandOver:
    """The lead names a member, who gets a mail and has seven days to accept."""
    row = _begin(unit, actor, actor.organisation_id, named, None)
    _tell(unit, named, "lead-offered", by=actor.name)
    return row


def propose_lead(unit: Unit, actor: Actor, organisation_id: str, named: str, reason: str) -> HandOver:
    """One of staff names a member of an organisation whose lead is gone; all its people hear of it, and a lead may object."""
    row = _begin(unit, actor, organisation_id, named, reason)
    named_name = unit.session.get_one(Account, named).name
    tell_everyone(unit, organisation_id, "lead-proposed", person=named_name, reason=row.reason)
    return row


def accept_lead(unit: Unit, actor: Actor, hand_over_id: str) -> HandOver:
    """The named member takes the leadership over from the lead who offered it."""
    row = _take(unit, actor, hand_over_id, Command.ACCEPT)
    _move(unit, actor, row, [row.asked_by])
    return row


def confirm_lead(unit: Unit, actor: Actor, hand_over_id: str) -> HandOver:
    """A second member of staff agrees, neither of the two given a role by the other: the named member leads in place of all who led."""
    row = _take(unit, actor, hand_over_id, Command.CONFIRM)
    _move(unit, actor, row, sorted(each for each, roles in team_of(unit.session, row.organisation_id).roles.items() if Role.LEAD in roles))
    return row


def decline_lead(unit: Unit, actor: Actor, hand_over_id: str) -> HandOver:
    """The named member does not want to; who named them gets a mail."""
    row = _take(unit, actor, hand_over_id, Command.DECLINE)
    _tell(unit, row.asked_by, "lead-declined", by=actor.name)
    return row


def withdraw_lead(unit: Unit, actor: Actor, hand_over_id: str) -> HandOver:
    """Take it back; a lead who is there after all stops what staff proposed in the same way."""
    return _take(unit, actor, hand_over_id, Command.WITHDRAW)


def open_hand_over(session: Session, organisation_id: str) -> HandOver | None:
    """The newest hand-over of an organisation that was not decided; it may have waited too long."""
    query = select(HandOver).where(HandOver.organisation_id == organisation_id, col(HandOver.state).in_([each.value for each in OPEN]))
    return session.exec(query.order_by(col(HandOver.id).desc())).first()


def proposed(session: Session) -> list[HandOver]:
    """What waits for a second member of staff, oldest first."""
    return list(session.exec(select(HandOver).where(HandOver.state == State.PROPOSED.value).order_by(col(HandOver.id))).all())


def _begin(unit: Unit, actor: Actor, organisation_id: str, named: str, reason: str | None) -> HandOver:
    known = Known(locked_team(unit, organisation_id), unit.now)
    refusal = decide_naming(actor, named, open_hand_over(unit.session, organisation_id), known, reason)
    if refusal is not None:
        raise Refused(refusal)
    state = State.OFFERED if reason is None else State.PROPOSED
    row = HandOver(
        id=new_id("hnd"),
        organisation_id=organisation_id,
        state=state.value,
        asked_by=actor.account_id,
        named=named,
        reason=(reason or "").strip(),
        created_at=unit.now,
        expires_at=unit.now + LIFETIME,
    )
    unit.session.add(row)
    unit.session.flush()
    _record(unit, actor, row, f"leadership.{state.value}")
    return row


def _take(unit: Unit, actor: Actor, hand_over_id: str, command: Command) -> HandOver:
    found = unit.session.get(HandOver, hand_over_id)
    if found is None:
        raise refuse("not_found", "There is no such hand-over here.")
    team = locked_team(unit, found.organisation_id)
    row = unit.lock(HandOver, hand_over_id)
    entangled = entangled_with(unit.session, actor, frozenset({row.asked_by}))
    after = decide(row, actor, command, Known(team, unit.now, entangled))
    if isinstance(after, Refusal):
        raise Refused(after)
    row.state, row.decided_by, row.decided_at = after.value, actor.account_id, unit.now
    unit.session.add(row)
    _record(unit, actor, row, f"leadership.{after.value}")
    return row


def _move(unit: Unit, actor: Actor, row: HandOver, before: list[str]) -> None:
    give(unit, actor, row.named, row.organisation_id, Role.LEAD)
    for account_id in before:
        if team_of(unit.session, row.organisation_id).roles[account_id] == {Role.LEAD}:
            give(unit, actor, account_id, row.organisation_id, Role.READER)
        take(unit, actor, account_id, row.organisation_id, Role.LEAD)
        end_presence(unit, account_id, row.organisation_id)
    tell_everyone(unit, row.organisation_id, "lead-changed", person=unit.session.get_one(Account, row.named).name)


def _tell(unit: Unit, account_id: str, template: str, **facts: str) -> None:
    for reader in audience.account(unit.session, account_id):
        send(unit, to=reader.email, template=template, facts={"name": reader.name, **facts}, path="/partner/team")


def _record(unit: Unit, actor: Actor, row: HandOver, event: str) -> None:
    personal = actor.personal(member=row.named, reason=row.reason)
    record(unit, Entry(event=event, subject=row.id, organisation=row.organisation_id, personal=personal))

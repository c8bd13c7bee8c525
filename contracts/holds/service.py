"""Holds: load, decide, store, tell. Every function but `end_due` works in the caller's unit of work and commits nothing itself.

One of compliance proposes a hold and another person, independent of the first, confirms it; two lift it before its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from contracts.errors import Refusal, Refused, refuse
from contracts.holds.decide import Given, Wanted, check, decide, step_before
from contracts.holds.standing import fence
from contracts.holds.states import ROLES, Command, Scope, State, next_state
from contracts.holds.tables import Hold, WaitingErasure
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.ledger.values import NOBODY, keys_of
from contracts.lifecycle.tables import Contract
from contracts.notices import audience, send
from contracts.people.actor import SYSTEM, Actor
from contracts.people.independence import entangled_with
from contracts.people.queries import StaffRow, members
from contracts.people.roles import Role, Side
from contracts.people.tables import Organisation
from contracts.retention.tables import RetentionPlace
from contracts.store.unit import Store, Unit

PATH = "/compliance/holds"
NOTHING_KEPT = "Nothing is kept under exactly this. Write the account’s id, the mail address or the network whole."


def handles_of(session: Session, person: str) -> list[int]:
    """The keys of a person by the exact text; none where nothing is kept. Ask before the unit of work: it reads files."""
    return [] if person in ("", NOBODY) else keys_of(session.connection()).find(person)


def propose(unit: Unit, actor: Actor, wanted: Wanted, handles: Sequence[int]) -> Hold:
    """Propose a hold, and tell those who may confirm it; `handles` are the person's, where it names one.

    Only for compliance. Raises Refused: `role_required`, or `invalid_input` with a sentence for each field.
    """
    actor.require(Role.COMPLIANCE)
    refusal = check(wanted, unit.now.date()) or _unknown(unit.session, actor, wanted, handles)
    if refusal is not None or wanted.last_day is None:
        raise Refused(refusal) if refusal else refuse("invalid_input", "Write the last day on which it holds.")
    scope, hold_id = Scope(wanted.scope), new_id("hld")
    person = wanted.person if scope is Scope.PERSON else ""
    hold = Hold(
        id=hold_id,
        state=State.PROPOSED.value,
        scope=scope.value,
        handles=list(handles) if person else [],
        partner_id=wanted.partner if scope is Scope.PARTNER else "",
        contract_id=wanted.contract if scope is Scope.CONTRACT else "",
        since=_begin(wanted.since) if scope is Scope.PERIOD else None,
        until=_begin(wanted.until, days=1) if scope is Scope.PERIOD else None,
        ground=wanted.ground.strip(),
        owner_id=wanted.owner,
        ends_at=datetime.combine(wanted.last_day, time(), UTC) + timedelta(days=1),
        entry_id="",
        proposed_by=actor.account_id,
        proposed_at=unit.now,
    )
    hold.entry_id = _record(unit, actor, hold, "hold.proposed", person=person, member=hold.owner_id)
    unit.session.add(hold)
    _tell(unit, actor, "hold-proposed")
    return hold


def confirm(unit: Unit, actor: Actor, hold_id: str, revision: int) -> Hold:
    """Confirm a proposed hold as another person; it holds from the commit on. `command_not_possible` where its last day has passed."""
    fence(unit)
    hold = _take(unit, actor, hold_id, Given(Command.CONFIRM, revision))
    if hold.ends_at <= unit.now:
        raise refuse("command_not_possible", "Its last day has passed. It can be proposed again.")
    hold.confirmed_by, hold.confirmed_at = actor.account_id, unit.now
    _record(unit, actor, hold, "hold.confirmed")
    return hold


def decline(unit: Unit, actor: Actor, hold_id: str, revision: int) -> Hold:
    """Decline a proposed hold, or take it back."""
    hold = _take(unit, actor, hold_id, Given(Command.DECLINE, revision))
    hold.ended_at = unit.now
    _record(unit, actor, hold, "hold.declined")
    return hold


def ask_lift(unit: Unit, actor: Actor, hold_id: str, revision: int, reason: str) -> Hold:
    """Ask that a hold be lifted before its end; it holds until another person agrees."""
    hold = _take(unit, actor, hold_id, Given(Command.ASK_LIFT, revision, reason))
    hold.lift_asked_by, hold.lift_reason = actor.account_id, reason.strip()
    _tell(unit, actor, "hold-lift-asked")
    _record(unit, actor, hold, "hold.lift_asked", reason=hold.lift_reason)
    return hold


def keep(unit: Unit, actor: Actor, hold_id: str, revision: int) -> Hold:
    """Leave a hold as it is, though its lifting was asked for."""
    hold = _take(unit, actor, hold_id, Given(Command.KEEP, revision))
    hold.lift_asked_by, hold.lift_reason = None, ""
    _record(unit, actor, hold, "hold.kept")
    return hold


def lift(unit: Unit, actor: Actor, hold_id: str, revision: int) -> Hold:
    """Lift a hold as another person than the one who asked; what waited for it is done by the next job."""
    hold = _take(unit, actor, hold_id, Given(Command.LIFT, revision))
    hold.lifted_by, hold.ended_at = actor.account_id, unit.now
    _release(unit, hold)
    _record(unit, actor, hold, "hold.lifted")
    return hold


def end_due(store: Store) -> int:
    """End the holds whose last day has passed, proposals too; returns how many. They held nothing since that moment."""
    open_states = [state.value for state in (State.PROPOSED, State.IN_FORCE, State.LIFT_ASKED)]
    with store.read() as session:
        query = select(Hold.id).where(col(Hold.state).in_(open_states), Hold.ends_at <= store.clock.now())
        due = session.exec(query.order_by(col(Hold.id)).limit(100)).all()
    for hold_id in due:
        with store.write("hold") as unit:
            hold = unit.lock(Hold, hold_id)
            after = next_state(State(hold.state), Command.END)
            if isinstance(after, State):
                _move(hold, after)
                hold.ended_at = unit.now
                unit.session.add(hold)
                _release(unit, hold)
                _record(unit, SYSTEM, hold, "hold.ended")
    return len(due)


def all_holds(session: Session) -> list[Hold]:
    """Every hold: what waits for a second person, then those in force, then those that ended, each newest first."""
    order = [State.PROPOSED, State.LIFT_ASKED, State.IN_FORCE]
    rows = session.exec(select(Hold).order_by(col(Hold.id).desc())).all()
    return sorted(rows, key=lambda each: order.index(State(each.state)) if each.state in order else len(order))


def waiting_erasures(session: Session) -> list[WaitingErasure]:
    """Erasures that wait for holds to end, oldest first."""
    return list(session.exec(select(WaitingErasure).where(col(WaitingErasure.done_at).is_(None)).order_by(col(WaitingErasure.id))).all())


def _unknown(session: Session, actor: Actor, wanted: Wanted, handles: Sequence[int]) -> Refusal | None:
    """`invalid_input` where it names what is not there."""
    wrong = dict[str, str]()
    if wanted.scope == Scope.PERSON and not handles:
        wrong["person"] = NOTHING_KEPT
    if wanted.scope == Scope.PARTNER:
        partner = session.get(Organisation, wanted.partner)
        wrong |= {} if partner is not None and partner.side == Side.PARTNER else {"partner": "Choose the partner."}
    if wanted.scope == Scope.CONTRACT and session.get(Contract, wanted.contract) is None:
        wrong["contract"] = "Choose the contract."
    if wanted.owner not in {each.account_id for each in owners(session, actor)}:
        wrong["owner"] = "Choose a colleague who answers for it."
    return Refusal("invalid_input", "Mend the fields that are named and send the form again.", {"fields": wrong}) if wrong else None


def owners(session: Session, actor: Actor) -> list[StaffRow]:
    """Colleagues who may answer for a hold."""
    return [row for row in members(session, actor.organisation_id) if set(row.roles) & set(ROLES)]


def _move(hold: Hold, after: State) -> None:
    hold.state, hold.revision = after.value, hold.revision + 1


def _take(unit: Unit, actor: Actor, hold_id: str, given: Given) -> Hold:
    actor.require(*ROLES)
    hold = unit.lock(Hold, hold_id)
    after = decide(hold, actor, given, entangled_with(unit.session, actor, step_before(hold, given.command)))
    if isinstance(after, Refusal):
        raise Refused(after)
    _move(hold, after)
    unit.session.add(hold)
    return hold


def _release(unit: Unit, hold: Hold) -> None:
    """Let retention look again from the first entry on that it left as it is because of this hold."""
    if hold.passed is not None:
        later = col(RetentionPlace.next) > hold.passed
        unit.connection.execute(update(RetentionPlace).where(later).values(next=hold.passed))


def _tell(unit: Unit, actor: Actor, template: str) -> None:
    for reader in audience.staff(unit.session, *ROLES):
        if reader.email != actor.email:
            send(unit, to=reader.email, template=template, facts={"asker": actor.name}, path=PATH)


def _record(unit: Unit, actor: Actor, hold: Hold, event: str, **personal: str) -> str:
    facts = {"scope": hold.scope, "until": hold.ends_at.date().isoformat()}
    entry = Entry(
        event=event,
        subject=hold.id,
        organisation=hold.partner_id,
        contract=hold.contract_id,
        facts=facts,
        personal=actor.personal(**personal),
    )
    return record(unit, entry)


def _begin(day: date | None, days: int = 0) -> datetime | None:
    return datetime.combine(day, time(), UTC) + timedelta(days=days) if day else None

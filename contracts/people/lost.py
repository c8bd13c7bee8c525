"""A lost second factor: two members of staff agree, a day passes in which the person or a lead can stop it, then the factors go.

Every step is an entry. The case's row is locked first, so that of two steps at once one sees what the other did.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from contracts.errors import Refusal, Refused, refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.notices import audience, send
from contracts.notices.audience import Reader
from contracts.people import assurance, links
from contracts.people.accounts import home_of
from contracts.people.actor import SYSTEM, Actor
from contracts.people.assurance import Act
from contracts.people.factor_tables import LostFactor, Passkey, RecoveryCode, TotpFactor
from contracts.people.links import LinkKind
from contracts.people.lost_states import OPEN, Command, State, next_state
from contracts.people.queries import platform_name
from contracts.people.roles import Role, Side
from contracts.people.sessions import close_sessions_of
from contracts.people.tables import Account, Organisation
from contracts.store.unit import Store, Unit

WAIT = timedelta(hours=24)
HELPERS = (Role.STEWARD, Role.ADMINISTRATOR)
LONGEST = 500


def ask(unit: Unit, account_id: str, network: str) -> LostFactor:
    """Begin a case for a person who has just given the password; one that is open already stays the only one."""
    unit.lock(Account, account_id)
    known = open_case(unit.session, account_id)
    if known is not None:
        return known
    home = home_of(unit, account_id)
    case = LostFactor(id=new_id("los"), account_id=account_id, organisation_id=home, state=State.ASKED.value, asked_at=unit.now)
    unit.session.add(case)
    unit.session.flush()
    person = unit.session.get_one(Account, account_id)
    for reader in audience.staff(unit.session, *HELPERS):
        send(unit, to=reader.email, template="lost-factor-asked", facts={"person": person.name}, path="/desk/lost")
    _record(unit, case, "asked", {"account": account_id, "network": network})
    return case


def agree(unit: Unit, actor: Actor, case_id: str, how_known: str, base_url: str) -> LostFactor:
    """A member of staff made sure who asks. The second one starts the day of waiting, of which the person and all leads hear.

    Raises `role_required`, `second_person_required` for the person and for whoever agreed first, `reason_required`,
    `reauthentication_required`, and `command_not_possible`.
    """
    actor.require(*HELPERS)
    case = unit.lock(LostFactor, case_id)
    after = _after(case, Command.AGREE)
    if refusal := check_helper(case, actor, how_known, unit.now):
        raise Refused(refusal)
    if after is State.ONE_AGREED:
        case.first_by, case.first_at, case.how_known = actor.account_id, unit.now, how_known.strip()
    else:
        case.second_by, case.second_at, case.due_at = actor.account_id, unit.now, unit.now + WAIT
        _tell_start(unit, case, base_url)
    _move(case, after)
    _record(unit, case, "agreed" if after is State.ONE_AGREED else "waiting", actor.personal(person=case.account_id, how=how_known.strip()))
    return case


def check_helper(case: LostFactor, actor: Actor, how_known: str, now: datetime) -> Refusal | None:
    """Why this member of staff may not agree; pure."""
    if actor.account_id == case.account_id:
        return Refusal("second_person_required", "Nobody decides about their own factors. Ask two colleagues.")
    if actor.account_id == case.first_by:
        return Refusal("second_person_required", "You agreed already. A second member of staff makes sure as well.")
    if not how_known.strip() or len(how_known) > LONGEST:
        wrong = {"how_known": f"Say in at most {LONGEST} characters how you made sure who asks, such as a call to a known number."}
        return Refusal("reason_required", wrong["how_known"], {"fields": wrong})
    return assurance.refusal(actor, Act.LOST_FACTOR, now)


def stop(unit: Unit, actor: Actor, case_id: str) -> LostFactor:
    """Stop a case, as staff or as a lead of the person's organisation. Raises `not_found`, `role_required`, `command_not_possible`."""
    case = unit.lock(LostFactor, case_id)
    if not actor.is_staff and case.organisation_id != actor.organisation_id:
        raise refuse("not_found", "There is no such thing here.")
    actor.require(*HELPERS, Role.LEAD)
    _move(case, _after(case, Command.STOP))
    case.ended_by, case.ended_at = actor.account_id, unit.now
    _record(unit, case, "stopped", actor.personal(person=case.account_id))
    return case


def stop_by_link(unit: Unit, token: str) -> None:
    """Stop a case by the link of its mail, as the person or a lead. Raises `link_unusable`."""
    link = links.find(unit.session, token, unit.now, LinkKind.STOP_LOST_FACTOR)
    known = open_case(unit.session, link.account_id or "")
    links.use(unit, token, LinkKind.STOP_LOST_FACTOR)
    if known is None:
        raise links.unusable("This was stopped or finished before.")
    case = unit.lock(LostFactor, known.id)
    _move(case, _after(case, Command.STOP))
    case.ended_at = unit.now
    _record(unit, case, "stopped", {"person": case.account_id, "email": link.email})


def finish_due(store: Store) -> int:
    """Remove the factors of every case whose day has passed; returns how many. Each in a unit of its own, for the worker."""
    with store.read() as session:
        due = select(LostFactor.id).where(LostFactor.state == State.WAITING.value, col(LostFactor.due_at) <= store.clock.now())
        found = session.exec(due).all()
    return sum(_finish(store, each) for each in found)


def open_case(session: Session, account_id: str) -> LostFactor | None:
    """The person's case that is not settled."""
    mine = select(LostFactor).where(LostFactor.account_id == account_id, col(LostFactor.state).in_(OPEN))
    return session.exec(mine.order_by(col(LostFactor.id).desc())).first()


def open_cases(session: Session, organisation_id: str = "") -> list[tuple[LostFactor, Account]]:
    """Every case that is not settled with its person, of one organisation or of all, oldest first."""
    query = select(LostFactor, Account).join(Account, col(Account.id) == col(LostFactor.account_id))
    if organisation_id:
        query = query.where(LostFactor.organisation_id == organisation_id)
    return list(session.exec(query.where(col(LostFactor.state).in_(OPEN)).order_by(col(LostFactor.id))).all())


def _finish(store: Store, case_id: str) -> int:
    with store.write("lost factor") as unit:
        case = unit.lock(LostFactor, case_id)
        if case.state != State.WAITING or case.due_at is None or case.due_at > unit.now:
            return 0
        _move(case, _after(case, Command.FINISH))
        case.ended_at = unit.now
        for table in (TotpFactor, Passkey, RecoveryCode):
            unit.connection.execute(delete(table).where(col(table.account_id) == case.account_id))
        close_sessions_of(unit, case.account_id)
        for reader in _concerned(unit.session, case):
            send(
                unit,
                to=reader.email,
                template="lost-factor-done",
                facts={"name": reader.name, "person": _name(unit, case)},
                path="/sign-in",
            )
        _record(unit, case, "done", {"account": SYSTEM.account_id, "person": case.account_id})
    return 1


def _tell_start(unit: Unit, case: LostFactor, base_url: str) -> None:
    for reader in _concerned(unit.session, case):
        token, _ = links.make(unit, LinkKind.STOP_LOST_FACTOR, reader.email, account_id=case.account_id)
        link, platform = f"{base_url}/stop-replacement/{token}", platform_name(unit.session, base_url)
        facts = {"name": reader.name, "person": _name(unit, case), "platform": platform, "link": link}
        send(unit, to=reader.email, template="lost-factor-waiting", facts=facts)


def _concerned(session: Session, case: LostFactor) -> list[Reader]:
    """The person, and all leads of the organisation; administrators where it is the platform."""
    side = session.get_one(Organisation, case.organisation_id).side
    over = Role.ADMINISTRATOR if side == Side.PLATFORM.value else Role.LEAD
    return sorted({*audience.account(session, case.account_id), *audience.partners(session, case.organisation_id, over)})


def _name(unit: Unit, case: LostFactor) -> str:
    return unit.session.get_one(Account, case.account_id).name


def _after(case: LostFactor, command: Command) -> State:
    after = next_state(State(case.state), command)
    if isinstance(after, Refusal):
        raise Refused(after)
    return after


def _move(case: LostFactor, after: State) -> None:
    case.state, case.revision = after.value, case.revision + 1


def _record(unit: Unit, case: LostFactor, step: str, personal: dict[str, str]) -> None:
    entry = Entry(event=f"lost_factor.{step}", subject=case.id, organisation=case.organisation_id, personal=personal)
    record(unit, entry)

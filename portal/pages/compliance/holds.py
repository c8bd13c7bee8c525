"""Holds and retention on one page: what must not go and why, what goes next, and what waits. Two people set a hold, two lift it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused
from contracts.holds import service
from contracts.holds.decide import Wanted
from contracts.holds.states import HOLDING, ROLES, Scope, State
from contracts.holds.tables import Hold
from contracts.ledger.values import NOTHING, values_of
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role, Side
from contracts.people.tables import Account, Organisation
from contracts.retention.policy import policy_of
from contracts.retention.told import told
from portal.deps import go, house_of, page, requires, signed_in
from portal.forms import Form, mendable, submitted
from portal.sent import SentForm

routes = APIRouter(prefix=service.PATH)
Officer = Annotated[Actor, Depends(requires(Role.COMPLIANCE))]
Guard = Annotated[Actor, Depends(requires(*ROLES))]
LONGEST = 500
SHOWN = 20
CHOICES = (
    (Scope.PERSON.value, "A person or network", "Every entry that has values of theirs."),
    (Scope.PARTNER.value, "One partner", "Every entry that concerns the partner, also those to come."),
    (Scope.CONTRACT.value, "One contract", "Every entry under the contract, also those to come."),
    (Scope.PERIOD.value, "A period", "Every entry of some days, whomever it concerns."),
)
WORDS = {
    State.PROPOSED: ("Waits for a second person", "wait"),
    State.IN_FORCE: ("In force", "good"),
    State.LIFT_ASKED: ("In force, lift asked for", "wait"),
    State.DECLINED: ("Declined", "plain"),
    State.LIFTED: ("Lifted", "plain"),
    State.ENDED: ("Ended", "plain"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A hold with what it names, as a person knows that; `erased` where the person was erased since. Days are the last ones."""

    hold: Hold
    name: str
    erased: bool
    word: tuple[str, str]
    last: date
    until: date | None


def _sent(request: Request, form: Annotated[Form, Depends(submitted)]) -> SentForm:
    actor = signed_in(request)
    return SentForm(request, form, service.PATH, lambda mended, status: _show(request, actor, mended, status))


Sent = Annotated[SentForm, Depends(_sent)]


@routes.get("")
def every(request: Request, actor: Guard) -> Response:
    """Every hold, what retention does next, and the form to propose a hold."""
    return _show(request, actor, Form())


@routes.post("")
def propose(request: Request, actor: Officer, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Propose a hold, which a second person confirms."""
    house, wanted = house_of(request), _wanted(form)
    if form.errors:
        return _show(request, actor, form, 422)
    with house.store.read() as session:
        handles = service.handles_of(session, wanted.person) if wanted.scope == Scope.PERSON else []
    try:
        with house.store.write("hold") as unit:
            service.propose(unit, actor, wanted, handles)
    except Refused as error:
        form.take(mendable(error))
        return _show(request, actor, form, 422)
    return go(service.PATH, "hold-proposed")


@routes.post("/{hold_id}/confirm")
def confirm(actor: Guard, hold_id: str, sent: Sent) -> Response:
    """Confirm a hold that another person proposed."""
    return sent.act("hold-confirmed", lambda unit: service.confirm(unit, actor, hold_id, sent.form.number("revision")))


@routes.post("/{hold_id}/decline")
def decline(actor: Guard, hold_id: str, sent: Sent) -> Response:
    """Decline a proposed hold, or take it back."""
    return sent.act("hold-declined", lambda unit: service.decline(unit, actor, hold_id, sent.form.number("revision")))


@routes.post("/{hold_id}/ask-lift")
def ask_lift(actor: Guard, hold_id: str, sent: Sent) -> Response:
    """Ask to lift a hold, with a reason; another person decides."""
    given = sent.form.number("revision"), sent.form.text("lift_reason")
    return sent.act("hold-lift-asked", lambda unit: service.ask_lift(unit, actor, hold_id, *given), reason="lift_reason")


@routes.post("/{hold_id}/keep")
def keep(actor: Guard, hold_id: str, sent: Sent) -> Response:
    """Leave a hold in force, though its lifting was asked for."""
    return sent.act("hold-kept", lambda unit: service.keep(unit, actor, hold_id, sent.form.number("revision")))


@routes.post("/{hold_id}/lift")
def lift(actor: Guard, hold_id: str, sent: Sent) -> Response:
    """Lift a hold that another person asked to lift."""
    return sent.act("hold-lifted", lambda unit: service.lift(unit, actor, hold_id, sent.form.number("revision")))


def _wanted(form: Form) -> Wanted:
    return Wanted(
        scope=form.text("scope"),
        person=form.text("person")[:LONGEST],
        partner=form.text("partner"),
        contract=form.text("contract"),
        since=form.day("since"),
        until=form.day("until"),
        ground=form.text("ground")[:2000],
        owner=form.text("owner"),
        last_day=form.day("last_day"),
    )


def _show(request: Request, actor: Actor, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        rows = _rows(session, service.all_holds(session))
        retention = told(session, policy_of(house.settings.retention))
        owners = [(each.account_id, each.name) for each in service.owners(session, actor)]
        context = {"people": _people(session, rows), "partners": _partners(session), "contracts": _contracts(session)}
        waiting = service.waiting_erasures(session)
    open_states = (State.PROPOSED, *HOLDING)
    return page(
        request,
        "compliance/holds.html",
        status,
        form=form,
        running=[each for each in rows if each.hold.state in open_states],
        past=[each for each in rows if each.hold.state not in open_states][:SHOWN],
        retention=retention,
        waiting=waiting,
        choices=CHOICES,
        owners=[("", "Choose"), *owners],
        may_propose=Role.COMPLIANCE in actor.roles,
        me=actor.account_id,
        **context,
    )


def _rows(session: Session, holds: Sequence[Hold]) -> list[Row]:
    known = values_of(session, [each.entry_id for each in holds if each.scope == Scope.PERSON])
    names = {key: name for key, name in [*_partners(session), *_contracts(session)] if key}
    rows = []
    for each in holds:
        kept = known.get(each.entry_id, NOTHING).values.get("person")
        name = kept.value if kept is not None else names.get(each.partner_id or each.contract_id, "")
        last, until = _last(each.ends_at), _last(each.until) if each.until else None
        rows.append(Row(each, name, each.scope == Scope.PERSON and kept is None, WORDS[State(each.state)], last, until))
    return rows


def _last(behind: datetime) -> date:
    """The last day before a moment."""
    return (behind - timedelta(days=1)).date()


def _people(session: Session, rows: Sequence[Row]) -> dict[str, str]:
    columns = ("owner_id", "proposed_by", "confirmed_by", "lift_asked_by", "lifted_by")
    ids = {getattr(each.hold, name) for each in rows for name in columns} - {None}
    return dict(session.exec(select(Account.id, Account.name).where(col(Account.id).in_(ids))).all())


def _partners(session: Session) -> list[tuple[str, str]]:
    query = select(Organisation.id, Organisation.name).where(Organisation.side == Side.PARTNER).order_by(col(Organisation.name))
    return [("", "Choose"), *[(key, name) for key, name in session.exec(query).all()]]


def _contracts(session: Session) -> list[tuple[str, str]]:
    query = select(Contract.id, Contract.title).order_by(col(Contract.title), col(Contract.id))
    return [("", "Choose"), *[(key, title) for key, title in session.exec(query).all()]]

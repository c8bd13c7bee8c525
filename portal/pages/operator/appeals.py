"""Objections to decisions of the gate: those that wait, one with the decision's facts beside it, and its answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.appeals import queries, service
from contracts.appeals.decide import LONGEST, Given
from contracts.appeals.states import Command
from contracts.appeals.tables import Appeal
from contracts.errors import Refused, refuse
from contracts.gate.banning import of_visitor
from contracts.gate.naming import Named
from contracts.gate.queries import stop_of
from contracts.gate.reasons import REASONS
from contracts.ledger.queries import about
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Account
from portal.deps import go, house_of, page, requires
from portal.forms import Form, mendable, submitted

routes = APIRouter(prefix=service.PATH)
Operator = Annotated[Actor, Depends(requires(Role.OPERATOR))]


@routes.get("")
def every(request: Request, _actor: Operator) -> Response:
    """Those that wait, the oldest first, then those that were answered."""
    house = house_of(request)
    with house.store.read() as session:
        waiting, answered = queries.waiting(session), queries.answered(session)
    return page(request, "operator/appeals.html", waiting=waiting, answered=answered, reasons=REASONS)


@routes.get("/{appeal_id}")
def show(request: Request, appeal_id: str, _actor: Operator) -> Response:
    """What the person wrote, what was decided, and how often the same visitor was stopped that day."""
    return _page(request, appeal_id, Form())


@routes.post("/{appeal_id}")
def answer(request: Request, appeal_id: str, actor: Operator, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Answer in words; they leave by mail."""
    command = next((each for each in Command if each == form.text("act")), None)
    if command is None:
        raise refuse("bad_request", "The form lacks the answer. Open the objection again.")
    try:
        with house_of(request).store.write("appeal") as unit:
            service.answer(unit, actor, appeal_id, Given(command, form.number("revision"), form.text("words")))
    except Refused as error:
        form.take(mendable(error))
        return _page(request, appeal_id, form, 422)
    return go(f"{service.PATH}/{appeal_id}", "objection-answered")


def _page(request: Request, appeal_id: str, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        appeal = queries.one(session, appeal_id)
        stop = stop_of(session, Named(appeal.decision, appeal.decided_at, appeal.reason, appeal.effect, appeal.mark))
        told: dict[str, Any] = {
            "appeal": appeal,
            "stop": stop,
            "bans": of_visitor(session, house.clock.now(), stop.identity, stop.network) if stop is not None else [],
            "by": session.get(Account, appeal.answered_by) if appeal.answered_by else None,
            "history": about(session, appeal.id, limit=10),
        }
    again = _again(house.clock.now(), appeal)
    return page(request, "operator/appeal.html", status, why=REASONS[appeal.reason], form=form, longest=LONGEST, again=again, **told)


def _again(now: datetime, appeal: Appeal) -> bool:
    """Whether an hour has passed since the stop, so that budgets of an hour let the person in by themselves."""
    return (now - appeal.decided_at).total_seconds() > 3660 and "budget" in appeal.reason

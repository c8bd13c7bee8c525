"""New texts for many contracts: opening a round, and who has accepted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.amendments import rounds
from contracts.amendments.tables import TextRound
from contracts.clock import day_in
from contracts.errors import Refused, refuse
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.signing.templates import KINDS
from portal.deps import go, house_of, page, requires
from portal.forms import Form, mendable, of, submitted
from portal.pages.desk import reads

routes = APIRouter(prefix="/desk/texts")
Reader = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]
Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]
Sent = Annotated[Form, Depends(submitted)]


@routes.get("")
def every(request: Request, actor: Reader) -> Response:
    """Every round with how many have accepted, and the form that opens one."""
    return _list(request, actor, of({}))


@routes.post("")
def begin(request: Request, actor: Steward, form: Sent) -> Response:
    """Offer the present template of a kind to all its contracts in force."""
    house = house_of(request)
    try:
        accept_by = form.day("accept_by")
        form.check()
        with house.store.write("round") as unit:
            made = rounds.open_round(unit, actor, house.settings, kind=form.text("kind"), reason=form.text("reason"), accept_by=accept_by)
    except Refused as error:
        form.take(mendable(error))
        return _list(request, actor, form, 422)
    return go(f"/desk/texts/{made.id}", "text-opened")


@routes.get("/{round_id}")
def one(request: Request, actor: Reader, round_id: str) -> Response:
    """One round: who has not accepted, first."""
    house = house_of(request)
    with house.store.read() as session:
        found = session.get(TextRound, round_id)
        if found is None:
            raise refuse("not_found", "There is no such new text.")
        rows = rounds.standings(session, found)
        names = reads.organisations(session, {row.contract.organisation_id for row in rows})
        people = reads.people(session, (found.opened_by,))
    return page(
        request,
        "desk/text.html",
        found=found,
        rows=rows,
        names=names,
        people=people,
        stale=found.id in rounds.stale(house.settings, [found]),
        today=day_in(house.clock.now(), house.settings.platform.time_zone),
        may_stop=Role.STEWARD in actor.roles and found.stopped_at is None,
    )


@routes.post("/{round_id}/stop")
def stop(request: Request, actor: Steward, round_id: str) -> Response:
    """Offer it to nobody else and suspend nobody for it."""
    with house_of(request).store.write("round") as unit:
        rounds.stop_round(unit, actor, round_id)
    return go(f"/desk/texts/{round_id}", "text-stopped")


def _list(request: Request, actor: Actor, form: Form, status: int = 200) -> Response:
    with house_of(request).store.read() as session:
        found = rounds.every(session)
        accepted = {each.id: [row.accepted for row in rounds.standings(session, each)] for each in found}
    may_open = Role.STEWARD in actor.roles
    return page(request, "desk/texts.html", status, form=form, found=found, accepted=accepted, kinds=KINDS, may_open=may_open)

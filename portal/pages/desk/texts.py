"""New texts for many contracts: opening a round, and who has accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.amendments import rounds
from contracts.amendments.states import State
from contracts.amendments.tables import Amendment, TextRound
from contracts.amendments.together import countersign_chosen
from contracts.clock import day_in
from contracts.errors import Refusal, Refused, refuse
from contracts.forms.kinds import KINDS
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from contracts.signing.templates import TEMPLATE_OF
from portal.again import asked_for, assured
from portal.deps import go, house_of, page, requires
from portal.forms import Form, mendable, of, submitted
from portal.limits import SIGN_IN, limited
from portal.pages.desk import reads
from portal.pages.desk.amendments import hindrance

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
    return _page(request, actor, round_id, of({"name": actor.name}))


@routes.post("/{round_id}/countersign")
@limited(SIGN_IN)
def countersign(request: Request, actor: Steward, round_id: str, form: Sent) -> Response:
    """Countersign those that are ticked, with one proof for all; what is refused is named, and the others are in force."""
    house = house_of(request)
    try:
        name = form.require("name", "Write your name as it stands under the contract.")
        capacity = form.require("capacity", "Say in what capacity you sign, such as Director of Data Governance.")
        chosen = _chosen(form)
        form.check()
        signer = assured(request, actor, Act.COUNTERSIGN, form)
        refused = countersign_chosen(house.store, signer, house.keys, house.settings, round_id, chosen, name=name, capacity=capacity)
    except Refused as error:
        form.take(mendable(error))
        return _page(request, actor, round_id, form, 422)
    if refused:
        return _page(request, actor, round_id, form, 422, refused)
    return go(f"/desk/texts/{round_id}", "texts-countersigned")


@routes.post("/{round_id}/stop")
def stop(request: Request, actor: Steward, round_id: str) -> Response:
    """Offer it to nobody else and suspend nobody for it."""
    with house_of(request).store.write("round") as unit:
        rounds.stop_round(unit, actor, round_id)
    return go(f"/desk/texts/{round_id}", "text-stopped")


def _chosen(form: Form) -> dict[str, int]:
    """The ticked new versions, each by its id with the revision that the page showed."""
    pairs = [each.partition(":") for each in form.all("chosen")]
    if not pairs or any(not revision.isdecimal() or len(revision) > 9 for _, _, revision in pairs):
        form.errors["chosen"] = "Tick the new versions that you have read and countersign."
        return {}
    return {amendment_id: int(revision) for amendment_id, _, revision in pairs}


def _page(
    request: Request, actor: Actor, round_id: str, form: Form, status: int = 200, refused: Mapping[str, Refusal] | None = None
) -> Response:
    house, steward = house_of(request), Role.STEWARD in actor.roles
    with house.store.read() as session:
        found = session.get(TextRound, round_id)
        if found is None:
            raise refuse("not_found", "There is no such new text.")
        rows = rounds.standings(session, found)
        names = reads.organisations(session, {row.contract.organisation_id for row in rows})
        people = reads.people(session, (found.opened_by,))
    signed = [row for row in rows if row.amendment is not None and row.amendment.state == State.SIGNED]
    return page(
        request,
        "desk/text.html",
        status,
        form=form,
        found=found,
        rows=rows,
        names=names,
        people=people,
        stale=found.id in rounds.stale(house.settings, [found]),
        today=day_in(house.clock.now(), house.settings.platform.time_zone),
        may_stop=steward and found.stopped_at is None,
        to_countersign=[_option(row, row.amendment, names, actor) for row in signed if row.amendment] if steward else [],
        asked=asked_for(request, actor, Act.COUNTERSIGN),
        refused=[(row.contract.title, refused[row.amendment.id].reason) for row in rows if row.amendment and row.amendment.id in refused]
        if refused
        else [],
    )


def _option(row: rounds.Standing, amendment: Amendment, names: Mapping[str, str], actor: Actor) -> tuple[str, str, str, bool]:
    """One line of the list: its value, whose contract it is, why it is not this person's to countersign, and whether it is."""
    title, wrong = f"{names[row.contract.organisation_id]}: {row.contract.title}", hindrance(amendment, actor)
    return f"{amendment.id}:{amendment.revision}", title, wrong or f"Version {amendment.number}, signed by the partner.", not wrong


def _list(request: Request, actor: Actor, form: Form, status: int = 200) -> Response:
    with house_of(request).store.read() as session:
        found = rounds.every(session)
        accepted = {each.id: [row.accepted for row in rounds.standings(session, each)] for each in found}
    may_open = Role.STEWARD in actor.roles
    titles = {kind: KINDS[kind].title for kind in TEMPLATE_OF}
    return page(request, "desk/texts.html", status, form=form, found=found, accepted=accepted, kinds=titles, may_open=may_open)

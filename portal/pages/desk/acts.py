"""Acts on a contract: each a form on its page, one unit of work, and a line that says what was done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.credentials.service import client_for, revoke_client
from contracts.errors import Refused, refuse
from contracts.lifecycle import queries, service
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from contracts.store.unit import Unit
from portal.again import assured
from portal.deps import go, house_of, requires
from portal.forms import Form, mendable, submitted
from portal.limits import SIGN_IN, limited
from portal.pages.desk.contracts import BASE, show

routes = APIRouter(prefix="/desk/contracts")
Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]
Guard = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]
Sent = Annotated[Form, Depends(submitted)]


@routes.post("/{contract_id}/offer")
def offer(request: Request, actor: Steward, contract_id: str, form: Sent) -> Response:
    """Offer the draft to the partner, who may then read and sign it."""
    return _act(request, actor, contract_id, form, "offered", lambda unit: service.offer(unit, actor, contract_id, form.number("revision")))


@routes.post("/{contract_id}/countersign")
@limited(SIGN_IN)
def countersign(request: Request, actor: Steward, contract_id: str, form: Sent) -> Response:
    """Countersign as a second person; the contract is sealed and in force."""
    keys = house_of(request).keys
    try:
        name = form.require("name", "Write your name as it stands under the contract.")
        capacity = form.require("capacity", "Say in what capacity you sign, such as Director of Data Governance.")
        form.check()
        actor = assured(request, actor, Act.COUNTERSIGN, form)
    except Refused as error:
        form.take(mendable(error))
        return show(request, actor, contract_id, form, 422)
    signer = actor
    return _act(
        request,
        actor,
        contract_id,
        form,
        "countersigned",
        lambda unit: service.countersign(unit, signer, keys, contract_id, form.number("revision"), name=name, capacity=capacity),
    )


@routes.post("/{contract_id}/suspend")
def suspend(request: Request, actor: Guard, contract_id: str, form: Sent) -> Response:
    """Stop every credential of the contract, with a reason; also refuses a lift that was asked for."""
    return _act(
        request,
        actor,
        contract_id,
        form,
        "suspended",
        lambda unit: service.suspend(unit, actor, contract_id, form.number("revision"), form.text("reason")),
    )


@routes.post("/{contract_id}/ask-lift")
def ask_lift(request: Request, actor: Guard, contract_id: str, form: Sent) -> Response:
    """Ask to lift the suspension, with a reason; another person decides."""
    return _act(
        request,
        actor,
        contract_id,
        form,
        "lift-asked",
        lambda unit: service.ask_lift(unit, actor, contract_id, form.number("revision"), form.text("lift_reason")),
        reason="lift_reason",
    )


@routes.post("/{contract_id}/lift")
def lift(request: Request, actor: Guard, contract_id: str, form: Sent) -> Response:
    """Lift the suspension that another person asked to lift."""
    return _act(request, actor, contract_id, form, "lifted", lambda unit: service.lift(unit, actor, contract_id, form.number("revision")))


@routes.post("/{contract_id}/terminate")
def terminate(request: Request, actor: Steward, contract_id: str, form: Sent) -> Response:
    """End the contract for good. The title is typed once more, because nothing brings it back."""
    try:
        with house_of(request).store.read() as session:
            title = queries.get_for(session, actor, contract_id).title
        if form.text("title") != title:
            form.errors["title"] = "Type the contract’s title exactly as it stands above."
        form.check()
    except Refused as error:
        form.take(mendable(error))
        return show(request, actor, contract_id, form, 422)
    return _act(
        request,
        actor,
        contract_id,
        form,
        "terminated",
        lambda unit: service.terminate(unit, actor, contract_id, form.number("revision"), form.text("end_reason")),
        reason="end_reason",
    )


@routes.post("/{contract_id}/clients/{client_id}/revoke")
def revoke(request: Request, actor: Guard, contract_id: str, client_id: str) -> Response:
    """End one credential of a partner; the contract stays."""
    with house_of(request).store.write("contract") as unit:
        if client_for(unit.session, actor, client_id).contract_id != contract_id:
            raise refuse("not_found", "There is no such client under this contract.")
        revoke_client(unit, actor, client_id)
    return go(f"{BASE}/{contract_id}#clients", "revoked")


def _act(
    request: Request, actor: Actor, contract_id: str, form: Form, done: str, act: Callable[[Unit], object], reason: str = "reason"
) -> Response:
    try:
        with house_of(request).store.write("contract") as unit:
            act(unit)
    except Refused as error:
        form.take_reason(mendable(error), reason)
        return show(request, actor, contract_id, form, 422)
    return go(f"{BASE}/{contract_id}", done)

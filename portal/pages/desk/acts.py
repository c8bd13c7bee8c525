"""Acts on a contract: each a form on its page, one unit of work, and a line that says what was done."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.credentials.service import client_for, revoke_client
from contracts.errors import refuse
from contracts.lifecycle import queries, service
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from portal.deps import go, house_of, requires
from portal.limits import SIGN_IN, limited
from portal.pages.desk.contracts import BASE, sent_for
from portal.sent import SentForm

routes = APIRouter(prefix=BASE)
Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]
Guard = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]
Sent = Annotated[SentForm, Depends(sent_for)]


@routes.post("/{contract_id}/offer")
def offer(actor: Steward, contract_id: str, sent: Sent) -> Response:
    """Offer the draft to the partner, who may then read and sign it."""
    return sent.act("offered", lambda unit: service.offer(unit, actor, contract_id, sent.form.number("revision")))


@routes.post("/{contract_id}/countersign")
@limited(SIGN_IN)
def countersign(request: Request, actor: Steward, contract_id: str, sent: Sent) -> Response:
    """Countersign as a second person; the contract is sealed and in force."""
    keys, number = house_of(request).keys, sent.form.number("revision")
    name = sent.form.require("name", "Write your name as it stands under the contract.")
    capacity = sent.form.require("capacity", "Say in what capacity you sign, such as Director of Data Governance.")
    return sent.proved(
        actor,
        Act.COUNTERSIGN,
        "countersigned",
        lambda unit, signer: service.countersign(unit, signer, keys, contract_id, number, name=name, capacity=capacity),
    )


@routes.post("/{contract_id}/suspend")
def suspend(actor: Guard, contract_id: str, sent: Sent) -> Response:
    """Stop every credential of the contract, with a reason; also refuses a lift that was asked for."""
    given = sent.form.number("revision"), sent.form.text("reason")
    return sent.act("suspended", lambda unit: service.suspend(unit, actor, contract_id, *given))


@routes.post("/{contract_id}/ask-lift")
def ask_lift(actor: Guard, contract_id: str, sent: Sent) -> Response:
    """Ask to lift the suspension, with a reason; another person decides."""
    given = sent.form.number("revision"), sent.form.text("lift_reason")
    return sent.act("lift-asked", lambda unit: service.ask_lift(unit, actor, contract_id, *given), reason="lift_reason")


@routes.post("/{contract_id}/lift")
def lift(actor: Guard, contract_id: str, sent: Sent) -> Response:
    """Lift the suspension that another person asked to lift."""
    return sent.act("lifted", lambda unit: service.lift(unit, actor, contract_id, sent.form.number("revision")))


@routes.post("/{contract_id}/terminate")
def terminate(request: Request, actor: Steward, contract_id: str, sent: Sent) -> Response:
    """End the contract for good. The title is typed once more, because nothing brings it back."""
    with house_of(request).store.read() as session:
        title = queries.get_for(session, actor, contract_id).title
    if sent.form.text("title") != title:
        sent.form.errors["title"] = "Type the contract’s title exactly as it stands above."
    given = sent.form.number("revision"), sent.form.text("end_reason")
    return sent.act("terminated", lambda unit: service.terminate(unit, actor, contract_id, *given), reason="end_reason")


@routes.post("/{contract_id}/clients/{client_id}/revoke")
def revoke(request: Request, actor: Guard, contract_id: str, client_id: str) -> Response:
    """End one credential of a partner; the contract stays."""
    with house_of(request).store.write("contract") as unit:
        if client_for(unit.session, actor, client_id).contract_id != contract_id:
            raise refuse("not_found", "There is no such client under this contract.")
        revoke_client(unit, actor, client_id)
    return go(f"{BASE}/{contract_id}#clients", "revoked")

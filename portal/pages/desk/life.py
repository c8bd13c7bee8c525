"""What staff do about a contract beside signing and suspending: take or send back its certificate, and say what the register names."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused
from contracts.lifecycle import closing, register
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.deps import go, house_of, requires
from portal.forms import Form, mendable, submitted
from portal.pages.desk.contracts import BASE, show

routes = APIRouter(prefix=BASE)
Guard = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]
Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]
Sent = Annotated[Form, Depends(submitted)]


@routes.post("/{contract_id}/send-back")
def send_back(request: Request, actor: Guard, contract_id: str, form: Sent) -> Response:
    """Do not take the certificate, with a reason that the partner reads."""
    try:
        with house_of(request).store.write("contract") as unit:
            closing.send_back(unit, actor, contract_id, form.number("revision"), form.text("back_reason"))
    except Refused as error:
        form.take_reason(mendable(error), "back_reason")
        return show(request, actor, contract_id, form, 422)
    return go(f"{BASE}/{contract_id}", "sent-back")


@routes.post("/{contract_id}/register")
def withhold(request: Request, actor: Steward, contract_id: str, form: Sent) -> Response:
    """Say which parts of the contract the public register only counts."""
    try:
        with house_of(request).store.write("contract") as unit:
            register.withhold(unit, actor, contract_id, form.number("revision"), form.all("withheld"), form.text("register_reason"))
    except Refused as error:
        form.take_reason(mendable(error), "register_reason")
        return show(request, actor, contract_id, form, 422)
    return go(f"{BASE}/{contract_id}", "register-changed")

"""What staff do about a contract beside signing and suspending: take or send back its certificate, and say what the register names."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from contracts.lifecycle import closing, register
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.deps import requires
from portal.pages.desk.contracts import BASE, sent_for
from portal.sent import SentForm

routes = APIRouter(prefix=BASE)
Guard = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]
Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]
Sent = Annotated[SentForm, Depends(sent_for)]


@routes.post("/{contract_id}/send-back")
def send_back(actor: Guard, contract_id: str, sent: Sent) -> Response:
    """Do not take the certificate, with a reason that the partner reads."""
    given = sent.form.number("revision"), sent.form.text("back_reason")
    return sent.act("sent-back", lambda unit: closing.send_back(unit, actor, contract_id, *given), reason="back_reason")


@routes.post("/{contract_id}/register")
def withhold(actor: Steward, contract_id: str, sent: Sent) -> Response:
    """Say which parts of the contract the public register only counts."""
    given = sent.form.number("revision"), sent.form.all("withheld"), sent.form.text("register_reason")
    return sent.act("register-changed", lambda unit: register.withhold(unit, actor, contract_id, *given), reason="register_reason")

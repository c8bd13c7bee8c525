"""The desk's view of how a contract was signed, and what it is worth."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.lifecycle import queries
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.signatories.queries import open_request
from contracts.signing.document import grouped
from portal.deps import house_of, page, requires
from portal.evidence import evidence_response, shown
from portal.forms import Form

routes = APIRouter(prefix="/desk/contracts")

Reader = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]


@routes.get("/{contract_id}/signing")
def show(request: Request, actor: Reader, contract_id: str) -> Response:
    """Who is asked to sign, and the evidence."""
    return signing_page(request, actor, contract_id, Form())


@routes.get("/{contract_id}/evidence.json")
def evidence(request: Request, actor: Reader, contract_id: str) -> Response:
    """The evidence for machines."""
    return evidence_response(request, actor, contract_id)


def signing_page(request: Request, actor: Actor, contract_id: str, form: Form, status: int = 200) -> Response:
    """The page; `form` is the one that came back with errors."""
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        version = queries.version_of(session, contract)
        context = {
            "contract": contract,
            "version": version,
            "organisation": session.get(Organisation, contract.organisation_id),
            "named": open_request(session, contract.id),
            "short_hash": grouped(version.text_sha256),
            "evidence": shown(house, session, contract, version),
        }
    return page(request, "desk/signing.html", status, form=form, **context)

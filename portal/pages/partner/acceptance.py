"""A contract's terms, accepted by each person of its project for themselves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications.tables import Application
from contracts.errors import Refused
from contracts.lifecycle import queries as contracts
from contracts.members import access, queries, service
from contracts.people.actor import Actor
from contracts.terms.model import readable
from contracts.terms.words import plain
from portal.deps import go, house_of, page, partner, safe_path
from portal.forms import Form, mendable, submitted
from portal.hints import hinted

router = APIRouter(prefix="/partner/contracts/{contract_id}/membership")

Partner = Annotated[Actor, Depends(partner)]


@router.get("")
def show(request: Request, actor: Partner, contract_id: str) -> Response:
    """The terms in force in plain words, and the form to accept them for those on the project."""
    return _page(request, actor, contract_id, hinted(request, "name", name=actor.name))


@router.post("")
def accept(request: Request, actor: Partner, contract_id: str, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Accept the terms with one's own name, and go back to the program's question where one led here."""
    try:
        with house_of(request).store.write("members") as unit:
            service.accept(unit, actor, contract_id, name=form.text("name"), read=form.checked("read"))
    except Refused as error:
        form.take(mendable(error))
        return _page(request, actor, contract_id, form, 422)
    back = safe_path(form.text("next"))
    return go(back) if back else go(f"/partner/contracts/{contract_id}/membership", "terms-accepted")


def _page(request: Request, actor: Actor, contract_id: str, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        contract = contracts.get_for(session, actor, contract_id)
        version = contracts.version_of(session, contract)
        terms = readable(version.terms_json)
        member = access.row_of(session, contract.application_id, actor.account_id)
        refusal = access.refusal(session, contract_id, actor.account_id)
        live = queries.contract_in_force(session, contract.application_id)
        application = session.get(Application, contract.application_id)
        applicant = member is None and application is not None and application.created_by == actor.account_id
    return page(
        request,
        "partner/acceptance.html",
        status,
        form=form,
        contract=contract,
        version=version,
        lines=plain(terms, house.settings) if terms else [],
        member=member,
        refusal=refusal,
        back=safe_path(form.text("next") or request.query_params.get("next", "")),
        live=live is not None and live.id == contract.id,
        may_accept=applicant or (member is not None and member.state in ("confirmed", "accepted")),
        done_already=member is not None and live is not None and refusal is None and member.accepted_sha256 == version.text_sha256,
    )

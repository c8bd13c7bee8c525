"""A decision of the gate, for whoever was stopped: what was decided and why, and a form to object to it. Also as JSON.

The address is in the page and the headers that a stopped visitor gets. An id names nobody; nothing of the visitor is shown here.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlmodel import Session, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contracts.appeals import queries, service
from contracts.appeals.decide import LONGEST, Asked, explained, may_appeal
from contracts.appeals.tables import Appeal
from contracts.clock import rfc3339
from contracts.errors import Refusal, Refused
from contracts.gate.naming import KEEP, Named
from contracts.gate.reasons import REASONS
from contracts.house import House
from portal.deps import go, house_of, page
from portal.forms import Form, mendable, submitted
from portal.limits import MAILS, PAGES, limited, network_of
from portal.problems import wants_json

router = APIRouter()


@router.get("/decision/{decision_id}")
@limited(PAGES)
def show(request: Request, decision_id: str) -> Response:
    """What was decided and why; `not_found` for anything but a decision that stopped somebody in the last 30 days."""
    house = house_of(request)
    named = _explained(house, decision_id)
    if wants_json(request):
        with house.store.read() as session:
            state = _state_of(session, named)
        response: Response = JSONResponse(as_json(house, named, state))
    else:
        response = _page(request, named, Form())
    response.headers["vary"] = "accept, cookie"
    return response


@router.post("/decision/{decision_id}")
@limited(MAILS)
def object_to(request: Request, decision_id: str, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Take the objection and lead on to the page that shows how it stands."""
    house = house_of(request)
    named = _explained(house, decision_id)
    try:
        with house.store.write("appeal") as unit:
            token = service.make(unit, named, Asked(form.text("email"), form.text("text")), network_of(request))
    except Refused as error:
        form.take(mendable(error))
        return _page(request, named, form, 422)
    return go(f"/appeal/{token}", "objected")


@router.get("/appeal/{token}")
@limited(PAGES)
def follow(request: Request, token: str) -> Response:
    """How an objection stands, for whoever has its link."""
    house = house_of(request)
    with house.store.read() as session:
        appeal = queries.by_link(session, token, house.clock.now())
    return page(request, "public/appeal.html", appeal=appeal, why=REASONS[appeal.reason])


def as_json(house: House, decision: Named, state: str) -> dict[str, Any]:
    """A decision for machines; `appeal` is none, waiting, upheld or let_through."""
    reason, base = REASONS[decision.reason], house.settings.base_url
    return {
        "decision": decision.id,
        "at": rfc3339(decision.at),
        "effect": decision.effect,
        "reason": decision.reason,
        "status": reason.status,
        "meaning": reason.meaning,
        "what_to_do": reason.mend,
        "explained_until": rfc3339(decision.at + KEEP),
        "appeal": state,
        "apply": f"{base}/apply",
        "contact": house.settings.platform.contact,
    }


def _explained(house: House, decision_id: str) -> Named:
    found = explained(house.gate.names.read(decision_id), house.clock.now())
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


def _state_of(session: Session, decision: Named) -> str:
    return session.exec(select(Appeal.state).where(Appeal.decision == decision.id)).first() or "none"


def _page(request: Request, decision: Named, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        refusal = may_appeal(decision, queries.known_of(session, decision))
    reason = REASONS[decision.reason]
    told = {"decision": decision, "reason": reason, "form": form, "refusal": refusal, "longest": LONGEST}
    return page(request, "public/decision.html", status, until=decision.at + KEEP, base_url=house.settings.base_url, **told)

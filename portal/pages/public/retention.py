"""For how long the ledger keeps what, for everyone: the periods, what was pruned, and what the next run takes. Also as JSON."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contracts.retention.policy import KINDS, policy_of
from contracts.retention.told import told
from portal.deps import house_of, page
from portal.limits import PAGES, limited
from portal.problems import wants_json

router = APIRouter()


@router.get("/retention")
@limited(PAGES)
def show(request: Request) -> Response:
    """The policy in force, as the settings hold it."""
    house = house_of(request)
    with house.store.read() as session:
        found = told(session, policy_of(house.settings.retention))
    if wants_json(request):
        response: Response = JSONResponse(found.json())
    else:
        response = page(
            request, "public/retention.html", found=found, kinds=KINDS, years=found.policy.years, base_url=house.settings.base_url
        )
    response.headers["vary"] = "accept, cookie"
    return response

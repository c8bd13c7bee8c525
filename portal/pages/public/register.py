"""The public register of licences: who may read what, for which purpose, until when. Also as JSON."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from portal.deps import house_of, page
from portal.limits import PAGES, limited
from portal.problems import wants_json

router = APIRouter()


@router.get("/licences")
@limited(PAGES)
def show(request: Request) -> Response:
    """Every licence in force, suspended or ended; drafts and offers are nobody's business yet."""
    from contracts.lifecycle.queries import public_register

    house = house_of(request)
    with house.store.read() as session:
        rows = public_register(session)
    if wants_json(request):
        response: Response = JSONResponse({"licences": rows})
    else:
        response = page(request, "public/licences.html", rows=rows)
    response.headers["vary"] = "accept, cookie"
    return response

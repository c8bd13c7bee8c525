"""The public register of licences: who may read what, for which purpose, until when. Also as JSON."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contracts.lifecycle.register import RegisterRow, public_register
from contracts.terms.purposes import PURPOSES
from portal.deps import house_of, page
from portal.limits import PAGES, limited
from portal.problems import wants_json

router = APIRouter()


@router.get("/licences")
@limited(PAGES)
def show(request: Request) -> Response:
    """Every licence in force, suspended or ended; drafts and offers are nobody's business yet."""
    house = house_of(request)
    with house.store.read() as session:
        rows = public_register(session)
    titles = {name: told.title for name, told in house.settings.datasets.items()}
    if wants_json(request):
        response: Response = JSONResponse({"licences": [as_json(each) for each in rows]})
    else:
        response = page(request, "public/licences.html", rows=rows, titles=titles, purposes=PURPOSES)
    response.headers["vary"] = "accept, cookie"
    return response


def as_json(row: RegisterRow) -> dict[str, object]:
    """One line of the register for machines; dates as ISO 8601."""
    return asdict(row) | {"starts": row.starts.isoformat(), "ends": row.ends.isoformat()}

"""Incidents: cases that the house opened by itself or that staff opened."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.incidents.service import KINDS, listed
from contracts.people.actor import Actor
from contracts.people.roles import STAFF
from portal.deps import house_of, page, requires
from portal.pages.desk import reads

routes = APIRouter(prefix="/desk/incidents")


@routes.get("")
def every(request: Request, actor: Annotated[Actor, Depends(requires(*STAFF))], show: str = "") -> Response:
    """Cases, open ones first; `show` is "open" or empty for all."""
    with house_of(request).store.read() as session:
        found = listed(session)
        titles = reads.contract_titles(session, [each.contract_id for each in found])
    still_open = [each for each in found if each.closed_at is None]
    facets = [
        ("All", "/desk/incidents", len(found), show != "open"),
        ("Open", "/desk/incidents?show=open", len(still_open), show == "open"),
    ]
    return page(
        request, "desk/incidents.html", incidents=still_open if show == "open" else found, facets=facets, titles=titles, kinds=KINDS
    )

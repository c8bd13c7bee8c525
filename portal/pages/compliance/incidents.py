"""Incidents as compliance sees them: open ones first, oldest first among them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.incidents.service import KINDS, listed
from contracts.ledger.queries import about
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.deps import house_of, page, requires

routes = APIRouter(prefix="/compliance/incidents")


@routes.get("")
def every(request: Request, actor: Annotated[Actor, Depends(requires(Role.COMPLIANCE))], show: str = "") -> Response:
    """Cases with their ledger entry; `show` is "open" or empty for all."""
    with house_of(request).store.read() as session:
        found = listed(session)
        entries = {each.id: about(session, each.id, limit=5) for each in found}
    still_open = sorted((each for each in found if each.closed_at is None), key=lambda each: each.opened_at)
    closed = [each for each in found if each.closed_at is not None]
    facets = [
        ("All", "/compliance/incidents", len(found), show != "open"),
        ("Open", "/compliance/incidents?show=open", len(still_open), show == "open"),
    ]
    incidents = still_open if show == "open" else [*still_open, *closed]
    return page(request, "compliance/incidents.html", incidents=incidents, facets=facets, kinds=KINDS, entries=entries, show=show)

"""Documents that were handed in with applications, for those who read applications."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.uploads import files, service
from portal.deps import house_of, requires
from portal.documents import attachment

routes = APIRouter(prefix="/desk/evidence")


@routes.get("/{evidence_id}")
def get(request: Request, actor: Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))], evidence_id: str) -> Response:
    """A document, byte for byte as it was handed in. Who took a copy is in the ledger before a byte of it leaves."""
    house = house_of(request)
    with house.store.read() as session:
        row = service.get_for(session, actor, evidence_id)
    content = files.read(house.settings.home, row)
    with house.store.write("evidence") as unit:
        service.note_downloaded(unit, actor, row)
    return attachment(row.name, row.media_type, content)

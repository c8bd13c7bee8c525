"""Whether anything is missing: what each day's reconciliation found, and what it cannot show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.completeness.service import EVENT, lost
from contracts.ledger.queries import Search, entry, search
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.deps import house_of, page, requires

routes = APIRouter(prefix="/compliance/completeness")
DAYS = 60


@dataclass(frozen=True, slots=True)
class Day:
    """One day as its entry says it, and what is missing in a sentence; empty where nothing is."""

    entry_id: str
    facts: Mapping[str, Any]
    missing: str


@routes.get("")
def days(request: Request, actor: Annotated[Actor, Depends(requires(Role.COMPLIANCE))]) -> Response:
    """The last 60 days, newest first."""
    house = house_of(request)
    with house.store.read() as session:
        rows = search(session, Search(event=EVENT, limit=DAYS)).rows
        told = [(row.entry_id, entry(session, row.entry_id).facts.get("facts", {})) for row in rows]
    shown = [Day(entry_id, facts, lost(facts)) for entry_id, facts in told if facts]
    return page(request, "compliance/completeness.html", days=shown, folder=house.settings.home / "counts")

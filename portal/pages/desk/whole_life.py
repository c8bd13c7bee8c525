"""One page of a contract's whole life, from its application to the last access, out of the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.amendments.queries import of_contract
from contracts.ledger.service import note_life
from contracts.lifecycle import queries
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.search.behind import lag
from contracts.search.life import life_of
from portal.deps import house_of, page, requires
from portal.pages.desk.contracts import BASE

routes = APIRouter(prefix=BASE)
Reader = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]
DAYS_DRAWN = 62
"""Up to so many days each has a bar of its own; beyond, each month has."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars over time, and of what each is."""

    unit: str
    first: str
    bars: list[tuple[str, int]]


@routes.get("/{contract_id}/life")
def life(request: Request, actor: Reader, contract_id: str) -> Response:
    """Every act in order, and what was read between them. That it was looked at is an entry before it is shown."""
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        organisation = session.get_one(Organisation, contract.organisation_id)
        applications = dict.fromkeys([contract.application_id, *(each.application_id for each in of_contract(session, contract_id))])
        found = life_of(session, contract_id, applications)
        behind = lag(session)
    with house.store.write("ledger search") as unit:
        note_life(unit, actor, contract_id, found.entries)
    return page(
        request,
        "desk/whole-life.html",
        contract=contract,
        organisation=organisation,
        life=found,
        chart=drawn(found.delivered),
        behind=behind,
        searches=Role.COMPLIANCE in actor.roles,
    )


def drawn(delivered: Mapping[date, int]) -> Chart:
    """Records delivered by day, or by month where they are many days, none left out between; no bars where there would be one."""
    if len(delivered) < 2:
        return Chart("records a day", "Day", [])
    first, last = min(delivered), max(delivered)
    days = [first + timedelta(days=each) for each in range((last - first).days + 1)]
    if len(days) <= DAYS_DRAWN:
        return Chart("records a day", "Day", [(f"{each:%-d %b}", delivered.get(each, 0)) for each in days])
    months = Counter[str]()
    for each in days:
        months[f"{each:%b %Y}"] += delivered.get(each, 0)
    return Chart("records a month", "Month", list(months.items()))

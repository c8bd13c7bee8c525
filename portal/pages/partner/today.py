"""A partner's first page: what waits, what others do next, contracts in force with today's use, and what happened."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.clock import day_in
from contracts.people.actor import Actor
from contracts.people.tables import Organisation
from portal.deps import house_of, page, partner
from portal.pages.partner import duties, project, reads
from portal.pages.partner.leadership import duty_of
from portal.pages.partner.sections import duties_of
from portal.timelines import story

router = APIRouter()

IN_USE = ("active", "suspended", "lift_asked")


@router.get("/partner")
def show(request: Request, actor: Annotated[Actor, Depends(partner)]) -> Response:
    """Oldest duty first."""
    house = house_of(request)
    today = day_in(house.clock.now(), house.settings.platform.time_zone)
    with house.store.read() as session:
        now = reads.situation(session, actor.organisation_id)
        running = [each for each in now.contracts if each.state in IN_USE]
        used = reads.used_on(session, [each.id for each in running], today)
        rows = story(session, actor.organisation_id, most=12)
        named = [*duty_of(session, house, actor), *duties_of(session, actor), *project.duties(session, house, actor)]
        organisation = session.get(Organisation, actor.organisation_id)
    return page(
        request,
        "partner/today.html",
        organisation=organisation,
        duties=[*named, *duties.duties(actor, now, today)],
        elsewhere=duties.elsewhere(now),
        running=running,
        terms=now.terms,
        clients=now.clients,
        used=used,
        rows=rows,
    )

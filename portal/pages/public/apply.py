"""The way in: choose a dataset, then sign up, sign in, or begin. The gate points stopped scrapers here."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications import service as applications
from contracts.errors import refuse
from contracts.people.actor import Actor
from contracts.people.tables import Organisation
from portal.deps import go, house_of, page, partner
from portal.forms import Form, submitted
from portal.limits import PAGES, limited
from portal.pages.public.datasets import decision_day, listed

router = APIRouter()


@router.get("/apply")
@limited(PAGES)
def show(request: Request) -> Response:
    """The datasets, the one that was asked for first; each with the next step for this visitor."""
    house = house_of(request)
    wanted = request.query_params.get("dataset", "")
    chosen = wanted if house.catalogue.get(wanted) else ""
    back = quote(f"/apply?dataset={chosen}" if chosen else "/apply", safe="")
    datasets = sorted(listed(house), key=lambda each: each.id != chosen)
    return page(request, "public/apply.html", datasets=datasets, chosen=chosen, back=back, decided_by=decision_day(house))


@router.post("/apply")
@limited(PAGES)
def begin(request: Request, actor: Actor = Depends(partner), form: Form = Depends(submitted)) -> Response:
    """Begin an application and open it."""
    house = house_of(request)
    dataset = house.catalogue.get(form.text("dataset"))
    if dataset is None:
        raise refuse("not_found", "There is no such dataset here. See the list of datasets.")
    with house.store.read() as session:
        described = bool(session.get_one(Organisation, actor.organisation_id).kind)
    if not described:
        back = f"/apply?dataset={dataset.id}"
        return go(f"/partner/organisation?next={quote(back, safe='')}")
    with house.store.write("begin") as unit:
        application = applications.begin(unit, actor, dataset.id)
    return go(f"/partner/applications/{application.id}")

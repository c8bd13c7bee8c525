"""The way in: choose a dataset, see every question, then sign up, sign in, or begin. The gate points stopped scrapers here."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contracts.applications import service as applications
from contracts.datasets.catalogue import Dataset
from contracts.errors import refuse
from contracts.forms import kinds
from contracts.forms.files import current
from contracts.forms.outline import as_json, as_markdown, outline
from contracts.people.actor import Actor
from contracts.people.tables import Organisation
from portal.deps import go, house_of, page, partner
from portal.forms import Form, submitted
from portal.limits import PAGES, limited
from portal.pages.public.datasets import decision_day, listed
from portal.problems import wants_json

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
    dataset = _dataset(request, form.text("dataset"))
    kind = _kind(dataset, form.text("kind"))
    with house.store.read() as session:
        described = bool(session.get_one(Organisation, actor.organisation_id).kind)
    if not described:
        back = f"/apply?dataset={dataset.id}"
        return go(f"/partner/organisation?next={quote(back, safe='')}")
    asked = current(house.settings, kind, dataset.id)
    with house.store.write("begin") as unit:
        application = applications.begin(unit, actor, dataset.id, asked)
    return go(f"/partner/applications/{application.id}")


@router.get("/apply/{dataset_id}")
@limited(PAGES)
def questions(request: Request, dataset_id: str, kind: str = "", format: str = "") -> Response:
    """Every question and document of an application for the dataset, by kind; `format` md or json gives it as a file."""
    house, dataset = house_of(request), _dataset(request, dataset_id)
    chosen = _kind(dataset, kind)
    found = outline(current(house.settings, chosen, dataset.id), {name: told.field_class for name, told in dataset.fields.items()})
    if format == "json" or (not format and wants_json(request)):
        return JSONResponse(as_json(found), headers={"vary": "accept"})
    if format == "md":
        headers = {"content-disposition": f'attachment; filename="{dataset.id}-{chosen}.md"'}
        return Response(as_markdown(found, dataset.settings.title), media_type="text/markdown; charset=utf-8", headers=headers)
    if format:
        raise refuse("not_found", "The questions are given as md or json.")
    offered = [(each, kinds.KINDS[each]) for each in kinds.offered(dataset.settings.purposes)]
    answer = page(request, "public/questions.html", dataset=dataset, found=found, chosen=chosen, offered=offered)
    answer.headers["vary"] = "accept, cookie"
    return answer


def _dataset(request: Request, dataset_id: str) -> Dataset:
    dataset = house_of(request).catalogue.get(dataset_id)
    if dataset is None:
        raise refuse("not_found", "There is no such dataset here. See the list of datasets.")
    return dataset


def _kind(dataset: Dataset, wanted: str) -> str:
    offered = kinds.offered(dataset.settings.purposes)
    if not offered or (wanted and wanted not in offered):
        raise refuse("not_found", "This dataset cannot be applied for so. See its page for what it may be used for.")
    return wanted or offered[0]

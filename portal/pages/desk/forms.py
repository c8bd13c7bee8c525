"""The forms that applicants are asked by, on the desk: which files they come from, and what each asks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications.queries import asked_by
from contracts.errors import refuse
from contracts.forms import files
from contracts.forms.kinds import KINDS
from contracts.forms.outline import outline
from contracts.forms.service import number_of
from contracts.forms.survey import survey
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.deps import house_of, page, requires

routes = APIRouter(prefix="/desk/forms")

Reader = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE, Role.ADMINISTRATOR))]


@routes.get("")
def every(request: Request, actor: Reader) -> Response:
    """Every dataset's form of every kind: whose words it has, its version, how many applications began with it, what is wrong."""
    house = house_of(request)
    found = list(survey(house.settings))
    with house.store.read() as session:
        versions = {each.form.sha256: number_of(session, each.form.sha256) for each in found if each.form}
        used = {each.form.sha256: asked_by(session, each.form.sha256) for each in found if each.form}
    return page(
        request,
        "desk/forms.html",
        found=found,
        versions=versions,
        used=used,
        kinds=KINDS,
        titles={name: told.title for name, told in house.settings.datasets.items()},
        folder=files.folder(house.settings),
        stray=list(files.stray(house.settings)),
    )


@routes.get("/{dataset_id}/{kind}")
def one(request: Request, actor: Reader, dataset_id: str, kind: str) -> Response:
    """One form as its files are now, before or after anybody was asked by it."""
    house = house_of(request)
    chosen = next((each for each in survey(house.settings) if (each.dataset, each.kind) == (dataset_id, kind)), None)
    if chosen is None:
        raise refuse("not_found", "There is no such form.")
    dataset, home = house.settings.datasets[dataset_id], files.folder(house.settings)
    classes = {name: told.field_class for name, told in dataset.fields.items()}
    return page(
        request,
        "desk/form.html",
        chosen=chosen,
        found=outline(chosen.form, classes) if chosen.form else None,
        files=[(each.name, each if home in each.parents else None) for each in files.source(house.settings, kind, dataset_id).files],
        title=dataset.title,
        kind=KINDS[kind],
    )

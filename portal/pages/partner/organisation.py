"""What kind of organisation it is, and where: asked of those who began in the sandbox, before they first apply."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from portal.countries import COUNTRIES
from portal.deps import go, house_of, page, partner, safe_path
from portal.forms import Form, mendable, of, submitted
from portal.pages.account.sign_up import KINDS

router = APIRouter(prefix="/partner/organisation")

Partner = Annotated[Actor, Depends(partner)]


@router.get("")
def show(request: Request, actor: Partner) -> Response:
    """The two questions, or what was answered before."""
    actor.require(Role.LEAD)
    next_path = safe_path(request.query_params.get("next", "")) or "/apply"
    with house_of(request).store.read() as session:
        home = session.get_one(Organisation, actor.organisation_id)
    return _page(request, home, of({}), next_path)


@router.post("")
def describe(request: Request, actor: Partner, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Keep the answers and go on to what one came for."""
    house, next_path = house_of(request), safe_path(form.text("next")) or "/apply"
    try:
        with house.store.write("organisation") as unit:
            people.describe_organisation(unit, actor, kind=form.text("organisation_kind"), country=form.text("country"))
    except Refused as error:
        form.take(mendable(error))
        with house.store.read() as session:
            home = session.get_one(Organisation, actor.organisation_id)
        return _page(request, home, form, next_path, 422)
    return go(next_path)


def _page(request: Request, home: Organisation, form: Form, next_path: str, status: int = 200) -> Response:
    countries = (("", "Choose a country"), *COUNTRIES)
    return page(
        request,
        "partner/organisation.html",
        status,
        form=form,
        organisation=home,
        next_path=next_path,
        kinds=KINDS,
        countries=countries,
    )

"""A partner's applications: the list, the form that is saved as a draft, handing in, taking back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications import queries, service
from contracts.applications.form import read_form
from contracts.applications.tables import Application
from contracts.errors import Refused, refuse
from contracts.ledger.queries import about
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.terms.purposes import PURPOSES
from portal.chain import chain
from portal.deps import go, house_of, page, partner
from portal.forms import Form, mendable, submitted
from portal.pages.partner import asking
from portal.pages.public.datasets import decision_day

router = APIRouter(prefix="/partner/applications")

Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]


@router.get("")
def every(request: Request, actor: Partner) -> Response:
    """The organisation's applications, newest first."""
    house = house_of(request)
    with house.store.read() as session:
        found = queries.of_organisation(session, actor.organisation_id)
    titles = {name: told.title for name, told in house.settings.datasets.items()}
    return page(request, "partner/applications.html", found=found, titles=titles)


@router.get("/{application_id}")
def one(request: Request, actor: Partner, application_id: str) -> Response:
    """The form while it is a draft that this person may write; the application as it stands otherwise."""
    return _page(request, actor, application_id)


@router.post("/{application_id}")
def save(request: Request, actor: Partner, application_id: str, form: Sent) -> Response:
    """Save the draft, and hand it in where that button was pressed. What was saved stays saved if handing in is refused."""
    house = house_of(request)
    with house.store.read() as session:
        application = queries.get_for(session, actor, application_id)
    dataset = house.catalogue.get(application.dataset)
    if dataset is None:
        raise refuse("not_found", "The platform offers this dataset no longer.")
    try:
        content = read_form(asking.typed(form, dataset))
        with house.store.write("save") as unit:
            saved = service.save(unit, actor, application_id, form.number("revision"), content)
        if form.text("act") != "submit":
            return go(f"/partner/applications/{application_id}", "saved")
        with house.store.write("submit") as unit:
            service.submit(unit, actor, application_id, saved.revision, house.settings)
    except Refused as error:
        return _page(request, actor, application_id, _told(form, error), 422)
    return go(f"/partner/applications/{application_id}", "submitted")


@router.post("/{application_id}/withdraw")
def withdraw(request: Request, actor: Partner, application_id: str, form: Sent) -> Response:
    """Take the application back, for good."""
    with house_of(request).store.write("withdraw") as unit:
        service.withdraw(unit, actor, application_id, form.number("revision"))
    return go(f"/partner/applications/{application_id}", "withdrawn")


def _told(form: Form, error: Refused) -> Form:
    """The form with its errors; what a colleague changed meanwhile does not throw away what was typed here."""
    if error.refusal.code == "changed_meanwhile":
        form.errors[""] = "A colleague saved this application while you were writing. Below is your text; saving again replaces theirs."
        return form
    form.take(mendable(error))
    return form


def _page(request: Request, actor: Actor, application_id: str, form: Form | None = None, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        application = queries.get_for(session, actor, application_id)
        links = chain(session, application=application, staff=False)
        rows = about(session, application_id)
    dataset, today = house.catalogue.get(application.dataset), house.clock.now().date()
    if dataset is not None and _writes(actor, application):
        return page(
            request,
            "partner/application-form.html",
            status,
            application=application,
            dataset=dataset,
            form=form or asking.filled(application, dataset, today),
            links=links,
            kinds=asking.KINDS,
            purposes=asking.purpose_choices(dataset),
            fields=asking.field_choices(dataset),
            row_fields=asking.row_choices(dataset),
            decided_by=decision_day(house),
            today=today,
        )
    return page(
        request,
        "partner/application.html",
        status,
        application=application,
        dataset=dataset,
        links=links,
        rows=rows,
        purpose=PURPOSES.get(application.purpose),
        may_withdraw=application.state in ("draft", "submitted") and Role.LEAD in actor.roles,
    )


def _writes(actor: Actor, application: Application) -> bool:
    return application.state == "draft" and Role.LEAD in actor.roles

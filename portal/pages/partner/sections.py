"""One section of a draft, for the colleague to whom the lead sent it: that section and nothing else can be written here."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications import queries, sections
from contracts.applications.form import read_form
from contracts.errors import Refused, refuse
from contracts.forms.asked import possible
from contracts.people.actor import Actor
from contracts.people.tables import Account
from portal.deps import go, house_of, page, partner
from portal.forms import Form, mendable, of, submitted
from portal.pages.partner import asking
from portal.pages.partner.applications import asked_of
from portal.pages.partner.duties import Duty

router = APIRouter(prefix="/partner/applications/{application_id}/sections/{section_id}")

Partner = Annotated[Actor, Depends(partner)]


@router.get("")
def one(request: Request, actor: Partner, application_id: str, section_id: str) -> Response:
    """The section: as a form for whoever was asked to fill it in, as it stands for everyone else of the organisation."""
    return _page(request, actor, application_id, section_id)


@router.post("")
def write(request: Request, actor: Partner, application_id: str, section_id: str, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Save the section; the button `done` gives it back complete."""
    house, done = house_of(request), form.text("act") == "done"
    with house.store.read() as session:
        application = queries.get_for(session, actor, application_id)
        asked = asked_of(house, session, application)
    dataset = house.catalogue.get(application.dataset)
    if dataset is None:
        raise refuse("not_found", "The platform offers this dataset no longer.")
    prompts = [each for each in possible(asked, asking.classes_of(dataset)) if each.section == section_id]
    try:
        answers = read_form({"answers": asking.typed_answers(form, prompts)}).answers
        with house.store.write("section") as unit:
            sections.answer(unit, actor, application_id, section_id, answers, dataset.settings, done=False)
        if done:
            with house.store.write("section") as unit:
                sections.answer(unit, actor, application_id, section_id, answers, dataset.settings, done=True)
    except Refused as error:
        form.take(mendable(error))
        return _page(request, actor, application_id, section_id, form, 422)
    if done:
        return go(f"/partner/applications/{application_id}", "section-answered")
    return go(f"/partner/applications/{application_id}/sections/{section_id}", "saved")


def duties_of(session: Session, actor: Actor) -> list[Duty]:
    """The sections that wait for this person."""
    return [
        Duty(
            row.asked_at,
            "asked of you",
            "wait",
            f"Fill in a section of “{application.project}”" if application.project else "Fill in a section of an application",
            "A colleague sent it to you. The application is handed in when you have given it back.",
            sections.path_of(row),
            "Fill in",
        )
        for row, application in sections.asked_of(session, actor.account_id)
    ]


def _page(request: Request, actor: Actor, application_id: str, section_id: str, form: Form | None = None, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        application = queries.get_for(session, actor, application_id)
        asked = asked_of(house, session, application)
        row = sections.open_in(session, application_id).get(section_id)
        asker = session.get(Account, row.asked_by) if row else None
    dataset = house.catalogue.get(application.dataset)
    section = asked.section(section_id)
    if dataset is None or section is None or not section.sendable:
        raise refuse("not_found", "This application has no such section.")
    found = next(each for each in asking.shown(asked, dataset, application) if each.section.id == section_id)
    prompts = [each for each in possible(asked, asking.classes_of(dataset)) if each.section == section_id]
    return page(
        request,
        "partner/section.html",
        status,
        application=application,
        dataset=dataset,
        shown=found,
        form=form or of(asking.answers_filled(application, prompts)),
        mine=row is not None and row.colleague == actor.account_id,
        asker=asker.name if asker else "",
    )

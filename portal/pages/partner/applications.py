"""A partner's applications: the list, the form that is saved as a draft, handing in, taking back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications import queries, rules, sections, service
from contracts.applications.answers import answered, documents_asked
from contracts.applications.content import content_of
from contracts.applications.difference import Change
from contracts.applications.form import read_form
from contracts.applications.reasons import WORDS
from contracts.applications.states import WRITABLE, Command, State, possible
from contracts.applications.tables import Application
from contracts.clock import day_in
from contracts.datasets.catalogue import Dataset
from contracts.errors import Refused, refuse
from contracts.forms.files import current
from contracts.forms.kinds import KINDS
from contracts.forms.model import Form as Asked
from contracts.forms.service import frozen
from contracts.house import House
from contracts.ledger.queries import about
from contracts.people.actor import Actor
from contracts.people.queries import members
from contracts.people.roles import Role
from contracts.terms.purposes import PURPOSES
from portal.chain import chain
from portal.deps import go, house_of, page, partner
from portal.forms import Form, mendable, submitted
from portal.pages.partner import asking
from portal.pages.public.datasets import decision_day
from portal.sent import SentForm

router = APIRouter(prefix="/partner/applications")

# What stands over shared words.
HEADINGS = {
    "remark": "A remark",
    "return": "Returned for changes",
    "extend": "The day of the decision moved",
    "approve": "Approved",
    "decline": "Declined",
    "appeal": "You asked for an independent review",
    "stop": "Stopped",
}

Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]


@router.get("")
def every(request: Request, actor: Partner) -> Response:
    """The organisation's applications, newest first."""
    house = house_of(request)
    with house.store.read() as session:
        found = queries.of_organisation(session, actor.organisation_id)
    titles = {name: told.title for name, told in house.settings.datasets.items()}
    return page(request, "partner/applications.html", found=found, titles=titles, kinds=KINDS)


@router.get("/{application_id}")
def one(request: Request, actor: Partner, application_id: str) -> Response:
    """The form while it is a draft that this person may write; the application as it stands otherwise."""
    return _page(request, actor, application_id)


@router.post("/{application_id}")
def save(request: Request, actor: Partner, application_id: str, form: Sent) -> Response:
    """Save the draft, and do what the button says: hand it in, send a section to a colleague, or take one back.

    What was saved stays saved if the rest is refused.
    """
    house = house_of(request)
    with house.store.read() as session:
        application = queries.get_for(session, actor, application_id)
        asked = asked_of(house, session, application)
    dataset = house.catalogue.get(application.dataset)
    if dataset is None:
        raise refuse("not_found", "The platform offers this dataset no longer.")
    act, _, section = form.text("act").partition(":")
    try:
        content = read_form(asking.typed(form, dataset, asked))
        then = asked if content.kind == asked.kind else current(house.settings, content.kind, dataset.id)
        with house.store.write("save") as unit:
            saved = service.save(unit, actor, application_id, form.number("revision"), content, then)
        if act == "submit":
            with house.store.write("submit") as unit:
                service.submit(unit, actor, application_id, saved.revision, house.settings)
        elif act == "ask":
            with house.store.write("ask") as unit:
                sections.ask(unit, actor, application_id, section, form.text(f"colleague.{section}"))
        elif act == "take-back":
            with house.store.write("take back") as unit:
                sections.take_back(unit, actor, application_id, section)
    except Refused as error:
        return _page(request, actor, application_id, _told(form, error), 422)
    return go(f"/partner/applications/{application_id}", _DONE.get(act, "saved"))


_DONE = {"submit": "submitted", "ask": "section-asked", "take-back": "section-taken-back"}


@router.post("/{application_id}/withdraw")
def withdraw(request: Request, actor: Partner, application_id: str, form: Sent) -> Response:
    """Take the application back, for good."""
    with house_of(request).store.write("withdraw") as unit:
        service.withdraw(unit, actor, application_id, form.number("revision"))
    return go(f"/partner/applications/{application_id}", "withdrawn")


@router.post("/{application_id}/appeal")
def appeal(request: Request, actor: Partner, application_id: str, form: Sent) -> Response:
    """Ask that somebody else looks at a declined application again."""
    given = form.number("revision"), form.text("appeal_reason"), house_of(request).settings
    there = f"/partner/applications/{application_id}"
    sent = SentForm(request, form, there, lambda mended, status: _page(request, actor, application_id, mended, status))
    return sent.act("appealed", lambda unit: service.appeal(unit, actor, application_id, *given), reason="appeal_reason")


def asked_of(house: House, session: Session, application: Application) -> Asked:
    """The form that the draft is asked by: its own, or the present one of its kind where it has none yet."""
    return frozen(session, application.form) or current(house.settings, application.kind, application.dataset)


def _told(form: Form, error: Refused) -> Form:
    """The form with its errors; what a colleague changed meanwhile does not throw away what was typed here."""
    if error.refusal.code == "changed_meanwhile":
        form.errors[""] = "A colleague saved this application while you were writing. Below is your text; saving again replaces theirs."
        return form
    form.take(mendable(error))
    return form


def _page(request: Request, actor: Actor, application_id: str, form: Form | None = None, status: int = 200) -> Response:
    house = house_of(request)
    today = day_in(house.clock.now(), house.settings.platform.time_zone)
    with house.store.read() as session:
        application = queries.get_for(session, actor, application_id)
        dataset = house.catalogue.get(application.dataset)
        if dataset is not None and _writes(actor, application):
            return _form_page(request, actor, session, application, dataset, form, status)
        asked = frozen(session, application.form)
        return page(
            request,
            "partner/application.html",
            status,
            application=application,
            dataset=dataset,
            links=chain(session, application=application, staff=False),
            # What staff do among themselves names no organisation, and is not the applicant's to read.
            rows=[each for each in about(session, application_id) if each.organisation_id],
            kind=KINDS[application.kind],
            answers=answered(application, asked) if asked else [],
            asked=asked,
            purpose=PURPOSES.get(application.purpose),
            may_withdraw=Role.LEAD in actor.roles and Command.WITHDRAW in possible(State(application.state)),
            may_appeal=Role.LEAD in actor.roles and application.state == State.DECLINED and rules.appeal(application, today) is None,
            appeal_until=rules.appeal_until(application),
            form=form or Form(),
            notes=queries.notes(session, application_id, shared_only=True),
            why=WORDS.get(application.decision_code, ""),
            headings=HEADINGS,
            words=WORDS,
            granted=_granted(session, application),
        )


def _form_page(
    request: Request, actor: Actor, session: Session, application: Application, dataset: Dataset, form: Form | None, status: int
) -> Response:
    house = house_of(request)
    asked, today = asked_of(house, session, application), house.clock.now().date()
    people = {each.account_id: each.name for each in members(session, actor.organisation_id)}
    return page(
        request,
        "partner/application-form.html",
        status,
        application=application,
        dataset=dataset,
        form=asking.completed(form, application, asked, dataset) if form else asking.filled(application, dataset, today, asked),
        links=chain(session, application=application, staff=False),
        kinds=asking.kind_choices(dataset),
        documents_asked=documents_asked(application, dataset.settings, asked),
        sections=asking.shown(asked, dataset, application),
        elsewhere=sections.open_in(session, application.id),
        people=people,
        colleagues=[(key, name) for key, name in people.items() if key != actor.account_id],
        purposes=asking.purpose_choices(dataset, asked.kind),
        fields=asking.field_choices(dataset),
        row_fields=asking.row_choices(dataset),
        decided_by=decision_day(house),
        today=today,
        notes=queries.notes(session, application.id, shared_only=True),
        words=WORDS,
    )


def _granted(session: Session, application: Application) -> list[Change]:
    """What an approval left out of what was handed in."""
    handed_in = queries.submissions(session, application.id)
    return (
        queries.changes(session, handed_in[-1].content, content_of(application))
        if handed_in and application.state == State.APPROVED
        else []
    )


def _writes(actor: Actor, application: Application) -> bool:
    return application.state in WRITABLE and Role.LEAD in actor.roles

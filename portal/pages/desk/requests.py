"""Coordinators' reasoned requests on the desk: the list, entering one as received, taking it over, asking for an amendment."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications.tables import Application
from contracts.clock import day_in
from contracts.coordinator import service
from contracts.coordinator.decide import AMENDMENT_DAYS, Received, Wanted
from contracts.coordinator.states import GROUNDS, MEANING, TABLE, Command, State
from contracts.coordinator.tables import ReasonedRequest
from contracts.coordinator.terms import proposed
from contracts.datasets.catalogue import Dataset
from contracts.errors import Refused, refuse
from contracts.house import House
from contracts.ledger.queries import about
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.unit import Unit
from contracts.terms.words import plain
from portal.deps import go, house_of, page, requires, signed_in
from portal.forms import Form, mendable, of, submitted
from portal.pages.desk import reads
from portal.pages.desk.duties import Duty, Waiting, clock_words
from portal.sent import SentForm

routes = APIRouter(prefix="/desk/requests")
BASE = "/desk/requests"


def _sent(request: Request, request_id: str, form: Annotated[Form, Depends(submitted)]) -> SentForm:
    actor = signed_in(request)
    return SentForm(request, form, f"{BASE}/{request_id}", lambda mended, status: _page(request, actor, request_id, mended, status))


Reader = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]
Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]
Sent = Annotated[Form, Depends(submitted)]
OnPage = Annotated[SentForm, Depends(_sent)]
WORDS = {
    State.ENTERED: ("To be taken over", "wait"),
    State.AMENDMENT_ASKED: ("Amendment asked for", "wait"),
    State.ANSWERED: ("Answered, to be taken over", "wait"),
    State.ADOPTED: ("Taken over", "good"),
    State.WITHDRAWN: ("Withdrawn", "plain"),
}


@routes.get("")
def every(request: Request, actor: Reader) -> Response:
    """Every request: the one whose 15 days end first at the top. The form to enter one asks for the dataset first."""
    return _list(request)


@routes.post("")
def enter(request: Request, actor: Steward, form: Sent) -> Response:
    """Enter a request as received."""
    house, dataset = house_of(request), _dataset(request, form.text("dataset"))
    try:
        received = _received(form, dataset)
        with house.store.write("coordinator") as unit:
            entered = service.enter(unit, actor, form.text("organisation"), dataset.id, received, house.settings)
    except Refused as error:
        form.take(mendable(error))
        return _form(request, form, dataset, 422)
    return go(f"{BASE}/{entered.id}", "request-entered")


@routes.get("/new")
def new(request: Request, actor: Steward, dataset: str = "") -> Response:
    """The form for a request that names this dataset; the list where none is named."""
    return _form(request, Form(), _dataset(request, dataset)) if dataset else _list(request)


@routes.get("/{request_id}")
def one(request: Request, actor: Reader, request_id: str) -> Response:
    """The request as received, what it becomes as terms, and what can be done until when."""
    return _page(request, actor, request_id, Form())


@routes.post("/{request_id}/adopt")
def adopt(actor: Steward, request_id: str, sent: OnPage) -> Response:
    """Take it over as it stands."""
    given = sent.form.number("revision"), house_of(sent.request).settings
    return sent.act("request-adopted", lambda unit: service.adopt(unit, actor, request_id, *given))


@routes.post("/{request_id}/ask-amendment")
def ask_amendment(actor: Steward, request_id: str, sent: OnPage) -> Response:
    """Note that an amendment is asked for, on one of the two grounds."""
    form, settings = sent.form, house_of(sent.request).settings
    wanted = Wanted(Command.ASK_AMENDMENT, form.number("revision"), form.text("ground"), form.text("amendment"))
    return sent.act("request-asked", lambda unit: service.ask_amendment(unit, actor, request_id, wanted, settings))


@routes.post("/{request_id}/answer")
def answer(request: Request, actor: Steward, request_id: str, sent: OnPage) -> Response:
    """Enter the Coordinator's answer, and the request as it stands after it."""
    house, form = house_of(request), sent.form
    with house.store.read() as session:
        row = service.get_for(session, actor, request_id)
        dataset = _dataset(request, session.get_one(Application, row.application_id).dataset)
    form.values |= {"coordinator": [row.coordinator], "reference": [row.reference], "received_on": [row.received_on.isoformat()]}

    def act(unit: Unit) -> object:
        wanted = Wanted(Command.ANSWER, form.number("revision"), words=form.text("answer"))
        return service.answer(unit, actor, request_id, wanted, _received(form, dataset), house.settings)

    return sent.act("request-answered", act)


@routes.post("/{request_id}/withdraw")
def withdraw(actor: Steward, request_id: str, sent: OnPage) -> Response:
    """Note that the Coordinator withdrew it."""
    given = sent.form.number("revision"), house_of(sent.request).settings
    return sent.act("request-withdrawn", lambda unit: service.withdraw(unit, actor, request_id, *given))


def waiting_requests(session: Session, actor: Actor) -> tuple[list[Duty], list[Waiting]]:
    """Requests that wait for this person, and those that wait for somebody else."""
    duties, others = [], []
    for row in service.all_requests(session):
        href, title = f"{BASE}/{row.id}", f"Reasoned request of {row.coordinator}"
        if row.state == State.AMENDMENT_ASKED:
            others.append(Waiting(title, "The Coordinator’s answer", href, row.entered_at))
        elif row.state in (State.ENTERED, State.ANSWERED) and Role.STEWARD in actor.roles:
            duties.append(Duty(title, MEANING[State(row.state)], href, "Look", row.entered_at, row.amend_by))
        elif row.state in (State.ENTERED, State.ANSWERED):
            others.append(Waiting(title, "A steward", href, row.entered_at))
    return duties, others


def _dataset(request: Request, dataset_id: str) -> Dataset:
    found = house_of(request).catalogue.get(dataset_id)
    if found is None:
        raise refuse("not_found", "The platform offers no such dataset.")
    return found


def _received(form: Form, dataset: Dataset) -> Received:
    rows = {name: [each.strip() for each in form.text(f"rows.{name}").split(",") if each.strip()] for name in dataset.row_fields()}
    received = Received(
        coordinator=form.text("coordinator"),
        reference=form.text("reference"),
        received_on=form.day("received_on"),
        project=form.text("project")[:120],
        text=form.text("text"),
        fields=tuple(name for name in dataset.fields if name in form.all("fields")),
        rows={name: values for name, values in rows.items() if values},
        starts=form.day("starts"),
        ends=form.day("ends"),
        modalities=form.text("modalities")[:4000],
        retention_days=form.number("retention_days") or None,
        erasure_hours=form.number("erasure_hours") or None,
    )
    form.check()
    return received


def _list(request: Request) -> Response:
    house = house_of(request)
    platform = house.settings.platform
    today, holidays = day_in(house.clock.now(), platform.time_zone), platform.holidays
    with house.store.read() as session:
        rows = service.all_requests(session)
        names = reads.organisations(session, {row.organisation_id for row in rows})
    clocks = {row.id: clock_words(row.amend_by, today, holidays) for row in rows if row.state == State.ENTERED and row.amend_by >= today}
    datasets = [(each.id, each.settings.title) for each in house.catalogue.all()]
    return page(request, "desk/requests.html", rows=rows, names=names, words=WORDS, clocks=clocks, datasets=datasets, form=Form())


def _form(request: Request, form: Form, dataset: Dataset, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        known = [("", "Choose the organisation"), *((each.id, each.name) for each in service.researchers(session))]
    return page(
        request, "desk/request-form.html", status, form=form, dataset=dataset, known=known, days=AMENDMENT_DAYS, **_choices(dataset)
    )


def _page(request: Request, actor: Actor, request_id: str, form: Form, status: int = 200) -> Response:
    house = house_of(request)
    today = day_in(house.clock.now(), house.settings.platform.time_zone)
    with house.store.read() as session:
        row = service.get_for(session, actor, request_id)
        application = session.get_one(Application, row.application_id)
        timeline, organisation = about(session, application.id), reads.organisations(session, [row.organisation_id])[row.organisation_id]
        contract = reads.contract_of(session, application.id)
        lines = _lines(session, house, application)
    dataset = house.catalogue.get(application.dataset)
    possible = [command.value for command, after in TABLE[State(row.state)].items() if after is not None]
    return page(
        request,
        "desk/request.html",
        status,
        row=row,
        application=application,
        organisation=organisation,
        contract=contract,
        lines=lines,
        dataset=dataset,
        word=WORDS[State(row.state)],
        meaning=MEANING[State(row.state)],
        may=possible if Role.STEWARD in actor.roles else [],
        in_time=today <= row.amend_by,
        clock=clock_words(row.amend_by, today, house.settings.platform.holidays),
        last_start=row.amend_by - timedelta(days=AMENDMENT_DAYS),
        grounds=[(ground.value, text, "") for ground, text in GROUNDS.items()],
        ground_words={ground.value: text for ground, text in GROUNDS.items()},
        timeline=timeline,
        form=form if form.values else _filled(row, application),
        **(_choices(dataset) if dataset else {"fields": [], "row_fields": []}),
    )


def _lines(session: Session, house: House, application: Application) -> list[Any]:
    dataset = house.settings.datasets.get(application.dataset)
    if dataset is None:
        return []
    return plain(proposed(session, application, dataset, house.settings.platform.site), house.settings)


def _choices(dataset: Dataset) -> dict[str, Any]:
    fields = [(name, name, told.description) for name, told in dataset.fields.items()]
    rows = [(name, ", ".join(dict.fromkeys(dataset.fields[name].examples))) for name in dataset.row_fields()]
    return {"fields": fields, "row_fields": rows}


def _filled(row: ReasonedRequest, application: Application) -> Form:
    rows = {f"rows.{name}": ", ".join(values) for name, values in application.rows.items()}
    return of(
        {
            "project": application.project,
            "text": row.text,
            "fields": list(application.fields),
            "starts": application.starts.isoformat() if application.starts else "",
            "ends": application.ends.isoformat() if application.ends else "",
            "modalities": row.modalities,
            "retention_days": str(row.retention_days or ""),
            "erasure_hours": str(row.erasure_hours or ""),
            **rows,
        }
    )

"""Coordinators' reasoned requests: load, decide, store, tell. Works in the caller's unit of work and commits nothing itself.

Access under Art. 40(4) starts from the request as received, entered by staff; nobody of the platform grants or declines it.
"""

from __future__ import annotations

import hashlib
from datetime import date

from sqlmodel import Session, col, select

from contracts.applications import service as applications
from contracts.applications.states import REASONED_REQUEST
from contracts.applications.states import State as ApplicationState
from contracts.applications.tables import Application
from contracts.bars import standing
from contracts.clock import day_in, long_day
from contracts.coordinator.decide import PURPOSE, Received, Wanted, amend_by, complaints, decide
from contracts.coordinator.states import Command, State
from contracts.coordinator.tables import ReasonedRequest
from contracts.errors import Refusal, Refused, refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.notices import audience, send
from contracts.people.actor import Actor
from contracts.people.queries import members
from contracts.people.roles import Role, Side
from contracts.people.tables import Organisation
from contracts.settings import Settings
from contracts.store.unit import Unit


def enter(unit: Unit, actor: Actor, organisation_id: str, dataset_id: str, received: Received, settings: Settings) -> ReasonedRequest:
    """Enter a request as received, for an organisation of the researchers that is registered and has a lead.

    The lead gets a mail, and the desk has 15 days from receipt to ask for an amendment. Raises `invalid_input` with `fields`.
    """
    actor.require(Role.STEWARD)
    lead = _lead(unit.session, organisation_id)
    standing.insist(unit, organisation_id, lead)
    today = _today(unit, settings)
    _check(received, dataset_id, settings, today)
    application = _application(unit, organisation_id, lead, dataset_id, received)
    request = ReasonedRequest(
        id=new_id("dsc"),
        application_id=application.id,
        organisation_id=organisation_id,
        state=State.ENTERED.value,
        coordinator=received.coordinator,
        reference=received.reference,
        received_on=received.received_on or today,
        amend_by=amend_by(received.received_on or today),
        text="",
        text_sha256="",
        entered_by=actor.account_id,
        entered_at=unit.now,
    )
    _write(request, received)
    unit.session.add(application)
    unit.session.flush()
    unit.session.add(request)
    unit.session.flush()
    _tell(unit, request, application)
    _record(unit, actor, request, "coordinator.entered", amend_by=request.amend_by.isoformat())
    return request


def adopt(unit: Unit, actor: Actor, request_id: str, revision: int, settings: Settings) -> ReasonedRequest:
    """Take the request over: it becomes the terms, and its contract can be drafted."""
    request = _take(unit, actor, request_id, Wanted(Command.ADOPT, revision), settings)
    reason = f"Reasoned request {request.reference} of {request.coordinator}, under Art. 40(4) of Regulation (EU) 2022/2065."
    applications.adopt(unit, actor, request.application_id, reason)
    _record(unit, actor, request, "coordinator.adopted")
    return request


def ask_amendment(unit: Unit, actor: Actor, request_id: str, wanted: Wanted, settings: Settings) -> ReasonedRequest:
    """Note that an amendment is asked for, on one of the two grounds and within 15 days; the letter itself goes to the Coordinator."""
    request = _take(unit, actor, request_id, wanted, settings)
    request.ground, request.amendment = wanted.ground, wanted.words.strip()
    request.asked_by, request.asked_on = actor.account_id, _today(unit, settings)
    _record(unit, actor, request, "coordinator.amendment_asked", ground=request.ground)
    return request


def answer(unit: Unit, actor: Actor, request_id: str, wanted: Wanted, received: Received, settings: Settings) -> ReasonedRequest:
    """Enter the Coordinator's answer, and the request as it stands after it: upheld as it was, or amended."""
    request = _take(unit, actor, request_id, wanted, settings)
    application = unit.lock(Application, request.application_id)
    _check(received, application.dataset, settings, _today(unit, settings))
    _write(request, received)
    _fill(application, received)
    application.revision += 1
    unit.session.add(application)
    request.answer, request.answered_at = wanted.words.strip(), unit.now
    _record(unit, actor, request, "coordinator.answered")
    return request


def withdraw(unit: Unit, actor: Actor, request_id: str, revision: int, settings: Settings) -> ReasonedRequest:
    """Note that the Coordinator withdrew the request; its application ends."""
    request = _take(unit, actor, request_id, Wanted(Command.WITHDRAW, revision), settings)
    applications.stop(unit, actor, request.application_id, "The Coordinator withdrew the reasoned request.")
    _record(unit, actor, request, "coordinator.withdrawn")
    return request


def get_for(session: Session, actor: Actor, request_id: str) -> ReasonedRequest:
    """The request, for staff; else `not_found`."""
    request = session.get(ReasonedRequest, request_id)
    if request is None or not actor.is_staff:
        raise refuse("not_found", "There is no such request.")
    return request


def all_requests(session: Session) -> list[ReasonedRequest]:
    """Every request, the one whose 15 days end first at the top, then those that are settled, newest first."""
    rows = session.exec(select(ReasonedRequest).order_by(col(ReasonedRequest.amend_by), col(ReasonedRequest.id))).all()
    settled = (State.ADOPTED, State.WITHDRAWN)
    return [each for each in rows if each.state not in settled] + [each for each in reversed(rows) if each.state in settled]


def researchers(session: Session) -> list[Organisation]:
    """Partners that a request can be entered for, by name."""
    return list(session.exec(select(Organisation).where(Organisation.side == Side.PARTNER.value).order_by(Organisation.name)).all())


def _lead(session: Session, organisation_id: str) -> str:
    leads = [row.account_id for row in members(session, organisation_id) if Role.LEAD in row.roles]
    known = session.get(Organisation, organisation_id)
    if known is None or known.side != Side.PARTNER or not leads:
        problem = "Choose the researchers’ organisation. Where it is not here yet, ask its principal researcher to sign up first."
        raise refuse("invalid_input", problem, fields={"organisation": problem})
    return leads[0]


def _check(received: Received, dataset_id: str, settings: Settings, today: date) -> None:
    found = complaints(received, settings.datasets.get(dataset_id), today)
    if found:
        raise refuse("invalid_input", "Some fields need your attention.", fields=found)


def _application(unit: Unit, organisation_id: str, lead: str, dataset_id: str, received: Received) -> Application:
    made = Application(
        id=new_id("app"),
        organisation_id=organisation_id,
        created_by=lead,
        state=ApplicationState.SUBMITTED.value,
        dataset=dataset_id,
        kind=REASONED_REQUEST,
        purpose=PURPOSE,
        created_at=unit.now,
        submitted_at=unit.now,
    )
    _fill(made, received)
    made.decide_by = amend_by(received.received_on) if received.received_on else None
    return made


def _fill(application: Application, received: Received) -> None:
    application.project, application.purpose_text = received.project, received.text
    application.fields, application.rows = list(received.fields), received.rows
    application.starts, application.ends = received.starts, received.ends


def _write(request: ReasonedRequest, received: Received) -> None:
    request.text, request.text_sha256 = received.text, hashlib.sha256(received.text.encode()).hexdigest()
    request.modalities = received.modalities
    request.retention_days, request.erasure_hours = received.retention_days, received.erasure_hours


def _take(unit: Unit, actor: Actor, request_id: str, wanted: Wanted, settings: Settings) -> ReasonedRequest:
    actor.require(Role.STEWARD)
    request = unit.lock(ReasonedRequest, request_id)
    after = decide(request, wanted, _today(unit, settings))
    if isinstance(after, Refusal):
        raise Refused(after)
    request.state, request.revision = after.value, request.revision + 1
    unit.session.add(request)
    return request


def _tell(unit: Unit, request: ReasonedRequest, application: Application) -> None:
    facts = {"project": application.project, "coordinator": request.coordinator, "until": long_day(request.amend_by)}
    for reader in audience.account(unit.session, application.created_by):
        path = f"/partner/applications/{application.id}"
        send(unit, to=reader.email, template="coordinator-entered", facts={**facts, "name": reader.name}, path=path)
    for reader in audience.stewards(unit.session):
        send(unit, to=reader.email, template="coordinator-waiting", facts=facts, path=f"/desk/requests/{request.id}")


def _today(unit: Unit, settings: Settings) -> date:
    return day_in(unit.now, settings.platform.time_zone)


def _record(unit: Unit, actor: Actor, request: ReasonedRequest, event: str, **facts: str) -> None:
    told = {"request": request.id, "text_sha256": request.text_sha256, **facts}
    entry = Entry(event=event, subject=request.application_id, organisation=request.organisation_id, facts=told, personal=actor.personal())
    record(unit, entry)

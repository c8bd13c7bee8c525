"""Applications on the desk: the list, one application with the request beside the policy, and the decision."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications import queries, service
from contracts.applications.answers import answered, documents_asked
from contracts.applications.content import as_handed_in
from contracts.applications.reasons import BASES, OPINIONS, RETURN, WORDS, approvals, declines
from contracts.applications.states import MEANING, WAITING, State
from contracts.applications.tables import Application
from contracts.clock import day_in
from contracts.errors import Refused, refuse
from contracts.forms.kinds import KINDS
from contracts.forms.service import frozen, number_of
from contracts.ledger.queries import about
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Account, Organisation
from contracts.terms.purposes import PURPOSES
from contracts.uploads.kinds import title_of
from contracts.uploads.service import of_application
from portal.chain import chain
from portal.deps import go, house_of, page, requires, signed_in
from portal.forms import Form, mendable, submitted
from portal.hints import hinted
from portal.members import context as context_of_people
from portal.pages.desk import lists, reads, review
from portal.pages.desk.bars import standing_of
from portal.pages.desk.course import HEADINGS, course_of
from portal.pages.desk.duties import clock_words
from portal.pages.desk.granting import fill_grant, grantable, narrowed_in
from portal.sent import SentForm

routes = APIRouter(prefix="/desk/applications")
BASE = "/desk/applications"
TITLES = {
    "waiting": "Waiting",
    "returned": "Returned",
    "approved": "Approved",
    "declined": "Declined",
    "ended": "Withdrawn or stopped",
}
CSV_HEADER = ("id", "project", "organisation", "dataset", "kind", "purpose", "state", "submitted_at", "decide_by", "decided_at")

Reader = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]
Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]
Sent = Annotated[Form, Depends(submitted)]


@routes.get("")
def every(request: Request, actor: Reader, state: str = "", q: str = "", after: str = "", format: str = "") -> Response:
    """The list, with facets by state; `format=csv` gives the same rows as a file."""
    if state and state not in TITLES:
        raise refuse("not_found", "There is no such state of an application.")
    wanted = lists.Wanted(state, q[:200], after[:40], lists.CSV_AT_MOST if format == "csv" else lists.PAGE)
    with house_of(request).store.read() as session:
        found = lists.applications(session, wanted)
        handlers = reads.people(session, [row.handler for row, _ in found.rows])
    if format == "csv":
        return lists.as_csv("applications", CSV_HEADER, [_csv(row, name) for row, name in found.rows])
    facets = [("All", wanted.path(BASE, state=""), sum(found.counts.values()), not state)]
    facets += [
        (title, wanted.path(BASE, state=code), sum(found.counts.get(each, 0) for each in lists.GROUPS[code]), state == code)
        for code, title in TITLES.items()
    ]
    today = day_in(house_of(request).clock.now(), house_of(request).settings.platform.time_zone)
    return page(
        request,
        "desk/applications.html",
        found=found,
        wanted=wanted,
        facets=facets,
        csv_path=wanted.path(BASE, format="csv"),
        next_path=wanted.path(BASE, after=found.next) if found.next else "",
        handlers=handlers,
        clocks={
            row.id: clock_words(row.decide_by, today, house_of(request).settings.platform.holidays)
            for row, _ in found.rows
            if row.state in WAITING
        },
    )


@routes.get("/{application_id}")
def one(request: Request, actor: Reader, application_id: str) -> Response:
    """One application: what is asked beside what the dataset allows, what stands out, and what to do."""
    return show(request, actor, application_id, hinted(request, "reason", "basis_reason", "basis"))


@routes.post("/{application_id}/approve")
def approve(request: Request, actor: Steward, application_id: str, form: Sent) -> Response:
    """Approve with a reason, all of what was asked for or less; a contract can then be drafted."""
    house = house_of(request)
    try:
        with house.store.read() as session:
            application = queries.get_for(session, actor, application_id)
        narrowed = narrowed_in(form, application, house.settings.datasets.get(application.dataset))
        with house.store.write("application") as unit:
            service.approve(unit, actor, application_id, form.number("revision"), form.text("reason"), form.text("code"), narrowed)
    except Refused as error:
        form.take_reason(mendable(error))
        return show(request, actor, application_id, form, 422)
    return go(f"{BASE}/{application_id}", "approved")


@routes.post("/{application_id}/decline")
def decline(request: Request, actor: Steward, application_id: str, form: Sent) -> Response:
    """Decline with a reason that the applicant reads; on independent review for good."""
    given = form.number("revision"), form.text("decline_reason"), form.text("decline_code")
    return sent_for(request, application_id, form).act(
        lambda application: application.state,
        lambda unit: service.decline(unit, actor, application_id, *given),
        reason="decline_reason",
        code="decline_code",
    )


def sent_for(request: Request, application_id: str, form: Sent) -> SentForm:
    """Dependency: a form on the application's page, which comes back there where it is to be mended."""
    actor = signed_in(request)
    return SentForm(request, form, f"{BASE}/{application_id}", lambda mended, status: show(request, actor, application_id, mended, status))


def show(request: Request, actor: Actor, application_id: str, form: Form, status: int = 200) -> Response:
    """The application's page, with the form of an act where that came back to be mended."""
    house = house_of(request)
    today = day_in(house.clock.now(), house.settings.platform.time_zone)
    with house.store.read() as session:
        application = _as_staff_see_it(session, queries.get_for(session, actor, application_id))
        dataset = house.settings.datasets.get(application.dataset)
        earlier = queries.earlier(session, application)
        organisation = session.get_one(Organisation, application.organisation_id)
        contract = reads.contract_of(session, application_id)
        asked = frozen(session, application.form)
        context: dict[str, Any] = {
            "application": application,
            "organisation": organisation,
            "standing": standing_of(session, organisation, application),
            "applicant": session.get(Account, application.created_by),
            "names": reads.people(session, [application.decided_by]),
            "course": course_of(session, actor, application, today),
            "contract": contract,
            "earlier": earlier,
            "dataset": dataset,
            "lines": review.field_lines(application, dataset) if dataset else [],
            "observations": review.observations(application, dataset, earlier, reads.contracts_held(session, application.organisation_id))
            if dataset
            else [],
            "links": chain(session, application=application, staff=True),
            "rows": about(session, application_id),
            **context_of_people(session, actor, application),
            "documents": of_application(session, application_id),
            "document_title": title_of,
            "asked": asked,
            "version": number_of(session, application.form),
            "answers": answered(application, asked) if asked else [],
            "documents_asked": documents_asked(application, dataset, asked) if asked and dataset else [],
            "kind": KINDS[application.kind],
        }
    fill_grant(form, application, dataset)
    return page(
        request,
        "desk/application.html",
        status,
        form=form,
        meaning=MEANING[State(application.state)],
        purpose=PURPOSES.get(application.purpose),
        days=review.days(application),
        clock=clock_words(application.decide_by, today, house.settings.platform.holidays),
        may_draft=Role.STEWARD in actor.roles
        and application.state == State.APPROVED
        and context["course"].is_lawful
        and not reads.stands(contract),
        headings=HEADINGS,
        words=WORDS,
        approval=list(approvals(application.kind).items()),
        declining=[("", "Choose"), *declines(application.kind).items()],
        returning=[("", "Choose"), *RETURN.items()],
        bases=[("", "Choose"), *BASES.items()],
        advice=[("", "No advice, only a remark"), *OPINIONS.items()],
        people_options=lambda people: [("", "Choose"), *((each.account_id, each.name) for each in people)],
        granted_fields=[(line.name, line.name, line.description) for line in context["lines"] if line.asked],
        grantable=grantable(application, dataset),
        **context,
    )


def _as_staff_see_it(session: Session, application: Application) -> Application:
    """One that was returned is shown as it was handed in: what its applicant changes meanwhile is not for staff to read."""
    handed_in = queries.submissions(session, application.id)
    if application.state != State.RETURNED or not handed_in:
        return application
    return as_handed_in(application, handed_in[-1].content)


def _csv(row: Any, organisation: str) -> tuple[object, ...]:
    return (
        row.id, row.project, organisation, row.dataset, row.kind, row.purpose, row.state, row.submitted_at, row.decide_by, row.decided_at
    )  # fmt: skip

"""Applications on the desk: the list, one application with the request beside the policy, and the decision."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications import queries, service
from contracts.applications.answers import answered, facts_of
from contracts.applications.states import MEANING, State
from contracts.errors import Refused, refuse
from contracts.forms.asked import documents
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
from portal.deps import go, house_of, page, requires
from portal.forms import Form, mendable, submitted
from portal.hints import hinted
from portal.members import context as context_of_people
from portal.pages.desk import lists, reads, review
from portal.pages.desk.duties import clock_words

routes = APIRouter(prefix="/desk/applications")
BASE = "/desk/applications"
SHOWN = (State.SUBMITTED, State.APPROVED, State.DECLINED, State.WITHDRAWN)
TITLES = {"submitted": "Waiting", "approved": "Approved", "declined": "Declined", "withdrawn": "Withdrawn"}
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
    if format == "csv":
        return lists.as_csv("applications", CSV_HEADER, [_csv(row, name) for row, name in found.rows])
    facets = [("All", wanted.path(BASE, state=""), sum(found.counts.values()), not state)]
    facets += [(title, wanted.path(BASE, state=code), found.counts.get(code, 0), state == code) for code, title in TITLES.items()]
    today = house_of(request).clock.now().date()
    return page(
        request,
        "desk/applications.html",
        found=found,
        wanted=wanted,
        facets=facets,
        csv_path=wanted.path(BASE, format="csv"),
        next_path=wanted.path(BASE, after=found.next) if found.next else "",
        clocks={row.id: clock_words(row.decide_by, today) for row, _ in found.rows if row.state == State.SUBMITTED},
    )


@routes.get("/{application_id}")
def one(request: Request, actor: Reader, application_id: str) -> Response:
    """One application: what is asked beside what the dataset allows, what stands out, and what to do."""
    return show(request, actor, application_id, hinted(request, "reason"))


@routes.post("/{application_id}/approve")
def approve(request: Request, actor: Steward, application_id: str, form: Sent) -> Response:
    """Approve with a reason; a contract can then be drafted."""
    try:
        with house_of(request).store.write() as unit:
            service.approve(unit, actor, application_id, form.number("revision"), form.text("reason"))
    except Refused as error:
        form.take_reason(mendable(error))
        return show(request, actor, application_id, form, 422)
    return go(f"{BASE}/{application_id}", "approved")


@routes.post("/{application_id}/decline")
def decline(request: Request, actor: Steward, application_id: str, form: Sent) -> Response:
    """Decline with a reason that the applicant reads."""
    try:
        with house_of(request).store.write() as unit:
            service.decline(unit, actor, application_id, form.number("revision"), form.text("reason"))
    except Refused as error:
        form.take_reason(mendable(error))
        return show(request, actor, application_id, form, 422)
    return go(f"{BASE}/{application_id}", "declined")


def show(request: Request, actor: Actor, application_id: str, form: Form, status: int = 200) -> Response:
    """The application's page; `form` is that of the act that was tried, with its errors."""
    house = house_of(request)
    with house.store.read() as session:
        application = queries.get_for(session, actor, application_id)
        dataset = house.settings.datasets.get(application.dataset)
        earlier = queries.earlier(session, application)
        contract = reads.contract_of(session, application_id)
        asked = frozen(session, application.form)
        context: dict[str, Any] = {
            "application": application,
            "organisation": session.get(Organisation, application.organisation_id),
            "applicant": session.get(Account, application.created_by),
            "names": reads.people(session, [application.decided_by]),
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
            "documents_asked": documents(asked, facts_of(application, dataset)) if asked and dataset else [],
            "kind": KINDS[application.kind],
        }
    mine = application.created_by == actor.account_id
    return page(
        request,
        "desk/application.html",
        status,
        form=form,
        meaning=MEANING[State(application.state)],
        purpose=PURPOSES.get(application.purpose),
        days=review.days(application),
        clock=clock_words(application.decide_by, house.clock.now().date()),
        may_decide=Role.STEWARD in actor.roles and application.state == State.SUBMITTED and not mine,
        may_draft=Role.STEWARD in actor.roles and application.state == State.APPROVED and not reads.stands(contract),
        **context,
    )


def _csv(row: Any, organisation: str) -> tuple[object, ...]:
    return (
        row.id, row.project, organisation, row.dataset, row.kind, row.purpose, row.state, row.submitted_at, row.decide_by, row.decided_at
    )  # fmt: skip

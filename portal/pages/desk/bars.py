"""Bars on the desk: the list, one bar with what it found, barring, and lifting as one of two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications.tables import Application
from contracts.bars import service
from contracts.bars.standing import alike_projects, resembling
from contracts.bars.states import MEANING, ROLES, Scope, State
from contracts.bars.strike import concerns, found_by
from contracts.bars.tables import Bar
from contracts.errors import refuse
from contracts.ledger.queries import about
from contracts.people.actor import Actor
from contracts.people.tables import Organisation
from portal.deps import go, house_of, page, requires, signed_in
from portal.forms import Form, submitted
from portal.pages.desk import reads
from portal.pages.desk.duties import Duty, Waiting
from portal.sent import SentForm

routes = APIRouter(prefix="/desk/bars")


def _sent(request: Request, bar_id: str, form: Annotated[Form, Depends(submitted)]) -> SentForm:
    actor = signed_in(request)
    return SentForm(request, form, f"/desk/bars/{bar_id}", lambda mended, status: _page(request, actor, bar_id, mended, status))


Guard = Annotated[Actor, Depends(requires(*ROLES))]
Sent = Annotated[SentForm, Depends(_sent)]
SCOPES = {Scope.ORGANISATION: "Organisation", Scope.PERSON: "Person", Scope.PROJECT: "Project"}
# What is barred is named by its id, whose prefix tells what it is.
_BY_PREFIX = {"org": Scope.ORGANISATION, "acc": Scope.PERSON, "app": Scope.PROJECT}
WORDS = {
    State.IN_FORCE: ("In force", "stop"),
    State.LIFT_ASKED: ("In force, lift asked for", "wait"),
    State.LIFTED: ("Lifted", "plain"),
}


@routes.get("")
def every(request: Request, actor: Guard) -> Response:
    """Every bar: what waits for a second person first."""
    with house_of(request).store.read() as session:
        rows = service.all_bars(session)
        names = reads.organisations(session, {row.organisation_id for row in rows})
    return page(request, "desk/bars.html", rows=rows, names=names, scopes=SCOPES, words=WORDS)


@routes.post("")
def impose(request: Request, actor: Guard, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Bar what the page of a partner or an application names; it is stopped and suspended at once."""
    scope = _BY_PREFIX.get(form.text("barred").partition("_")[0])
    if scope is None:
        raise refuse("invalid_input", "Choose what is barred: the organisation, a person or a project.")
    with house_of(request).store.write("bar") as unit:
        bar, _ = service.impose(unit, actor, scope, form.text("barred"), form.text("bar_reason"))
    return go(f"/desk/bars/{bar.id}", "barred")


@routes.get("/{bar_id}")
def one(request: Request, actor: Guard, bar_id: str) -> Response:
    """One bar: whom it names and why, what it stopped, and how it is lifted."""
    return _page(request, actor, bar_id, Form())


@routes.post("/{bar_id}/ask-lift")
def ask_lift(actor: Guard, bar_id: str, sent: Sent) -> Response:
    """Ask to lift the bar, with a reason; another person decides."""
    given = sent.form.number("revision"), sent.form.text("lift_reason")
    return sent.act("bar-lift-asked", lambda unit: service.ask_lift(unit, actor, bar_id, *given), reason="lift_reason")


@routes.post("/{bar_id}/keep")
def keep(actor: Guard, bar_id: str, sent: Sent) -> Response:
    """Leave the bar as it is."""
    return sent.act("bar-kept", lambda unit: service.keep(unit, actor, bar_id, sent.form.number("revision")))


@routes.post("/{bar_id}/lift")
def lift(actor: Guard, bar_id: str, sent: Sent) -> Response:
    """Lift the bar that another person asked to lift."""
    return sent.act("bar-lifted", lambda unit: service.lift(unit, actor, bar_id, sent.form.number("revision")))


@dataclass(frozen=True, slots=True)
class Standing:
    """The bars that concern an application, and those on others that it or its organisation resembles."""

    barred: Sequence[Bar]
    alike: Sequence[Bar]

    @property
    def project_barred(self) -> bool:
        """Whether a bar on the project itself is in force."""
        return any(each.scope == Scope.PROJECT for each in self.barred)


def standing_of(session: Session, organisation: Organisation, application: Application) -> Standing:
    """What whoever decides has to know of bars."""
    barred = [each for each in service.bars_of(session, organisation.id) if concerns(each, application)]
    return Standing(barred, [*resembling(session, organisation), *alike_projects(session, application)])


def waiting_lifts(session: Session, actor: Actor) -> tuple[list[Duty], list[Waiting]]:
    """Lifts that wait for this person's word, and those that wait for somebody else's."""
    asked = [row for row in service.all_bars(session) if row.state == State.LIFT_ASKED]
    mine = [row for row in asked if row.lift_asked_by != actor.account_id and actor.roles & set(ROLES)]
    duties = [
        Duty(
            f"Lift the bar: {row.name}",
            "A colleague asks to lift it. A second person decides.",
            f"/desk/bars/{row.id}",
            "Decide",
            row.made_at,
        )
        for row in mine
    ]
    others = [
        Waiting(row.name, "A second person for lifting the bar", f"/desk/bars/{row.id}", row.made_at) for row in asked if row not in mine
    ]
    return duties, others


def _page(request: Request, actor: Actor, bar_id: str, form: Form, status: int = 200) -> Response:
    with house_of(request).store.read() as session:
        bar = service.get_for(session, actor, bar_id)
        found, rows = found_by(session, bar), about(session, bar.id)
        people = reads.people(session, [bar.made_by, bar.lift_asked_by, bar.lifted_by])
        organisation = reads.organisations(session, [bar.organisation_id])[bar.organisation_id]
        suspended = _suspended(session, bar)
    return page(
        request,
        "desk/bar.html",
        status,
        bar=bar,
        form=form,
        scope=SCOPES[Scope(bar.scope)],
        word=WORDS[State(bar.state)],
        meaning=MEANING[State(bar.state)],
        held=found.held,
        suspended=suspended,
        rows=rows,
        people=people,
        organisation=organisation,
        may_lift=bar.state == State.LIFT_ASKED and bar.lift_asked_by != actor.account_id,
    )


def _suspended(session: Session, bar: Bar) -> list[tuple[str, str]]:
    """Contracts that stand suspended with the bar's reason: id and title."""
    rows = reads.contracts_suspended(session, bar.organisation_id, bar.reason)
    return [(row.id, row.title) for row in rows]

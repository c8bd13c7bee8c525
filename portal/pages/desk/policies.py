"""Wider policies on the desk: what the settings hold beyond what was confirmed, and confirming it as one of two."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.policies import service
from contracts.policies.states import MEANING, OPEN, ROLES, State
from portal.again import asked_for
from portal.deps import house_of, page, requires, signed_in
from portal.forms import Form, submitted
from portal.limits import SIGN_IN, limited
from portal.pages.desk import reads
from portal.pages.desk.duties import Duty, Waiting
from portal.sent import SentForm

routes = APIRouter(prefix="/desk/policies")


def _sent(request: Request, policy_id: str, form: Annotated[Form, Depends(submitted)]) -> SentForm:
    actor = signed_in(request)
    return SentForm(request, form, "/desk/policies", lambda mended, status: _page(request, actor, mended, policy_id, status))


Guard = Annotated[Actor, Depends(requires(*ROLES))]
Sent = Annotated[SentForm, Depends(_sent)]


@routes.get("")
def every(request: Request, actor: Guard) -> Response:
    """What waits, and what became of earlier ones."""
    return _page(request, actor, Form(), request.query_params.get("case", ""))


@routes.post("/{policy_id}/confirm")
@limited(SIGN_IN)
def confirm(request: Request, actor: Guard, policy_id: str, sent: Sent) -> Response:
    """Confirm a wider policy, as the first or the second of two."""
    return sent.proved(
        actor,
        Act.WIDEN,
        lambda change: "policy-confirmed" if change.state == State.CONFIRMED else "policy-confirmed-once",
        lambda unit, asking: service.confirm(unit, asking, policy_id, sent.form.number("revision")),
    )


@routes.post("/{policy_id}/decline")
def decline(actor: Guard, policy_id: str, sent: Sent) -> Response:
    """Decline a wider policy with a reason; the narrower one goes on."""
    given = sent.form.number("revision"), sent.form.text("reason")
    return sent.act("policy-declined", lambda unit: service.decline(unit, actor, policy_id, *given))


def waiting_policies(session: Session, actor: Actor) -> tuple[list[Duty], list[Waiting]]:
    """Wider policies that wait for this person's word, and those that wait for somebody else's."""
    open_ones = [row for row in service.changes(session) if row.state in OPEN]
    mine = [row for row in open_ones if row.first_by != actor.account_id and actor.roles & set(ROLES)]
    duties = [
        Duty(
            f"Confirm or decline: wider policy of {row.subject.removeprefix('dataset:')}",
            MEANING[State(row.state)],
            "/desk/policies",
            "Decide",
            row.found_at,
        )
        for row in mine
    ]
    others = [
        Waiting(f"Wider policy of {row.subject.removeprefix('dataset:')}", "A second person", "/desk/policies", row.found_at)
        for row in open_ones
        if row not in mine
    ]
    return duties, others


def _page(request: Request, actor: Actor, form: Form, at: str = "", status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        found = service.changes(session)
        rows = [(row, service.subject_name(row.subject, house.settings), service.what_widens(session, row)) for row in found]
        people = reads.people(session, [each for row in found for each in (row.first_by, row.decided_by)])
    waiting = [each for each in rows if each[0].state in OPEN]
    return page(
        request,
        "desk/policies.html",
        status,
        rows=waiting,
        settled=[each for each in rows if each[0].state not in OPEN],
        meaning=MEANING,
        people=people,
        form=form,
        at=at or (waiting[0][0].id if waiting else ""),
        asked=asked_for(request, actor, Act.WIDEN),
    )

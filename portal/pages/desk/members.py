"""People on projects as a steward decides on them: those who came later, and those whose address shows nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused
from contracts.members import queries, service
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.unit import Unit
from portal.deps import go, house_of, requires
from portal.forms import Form, mendable, submitted
from portal.pages.desk.applications import BASE, show
from portal.pages.desk.duties import Duty

routes = APIRouter(prefix=f"{BASE}/{{application_id}}/members/{{member_id}}")

Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]
Sent = Annotated[Form, Depends(submitted)]


@routes.post("/admit")
def admit(request: Request, actor: Steward, application_id: str, member_id: str, form: Sent) -> Response:
    """Let a person onto a project, with the reason why."""
    reason = form.text("member_reason")
    return _act(
        request, actor, application_id, form, "member-admitted", lambda unit: service.admit(unit, actor, application_id, member_id, reason)
    )


@routes.post("/refuse")
def refuse(request: Request, actor: Steward, application_id: str, member_id: str, form: Sent) -> Response:
    """Keep a person off a project, or take one off it, with a reason that they read."""
    reason = form.text("member_reason")
    return _act(
        request,
        actor,
        application_id,
        form,
        "member-refused",
        lambda unit: service.refuse_member(unit, actor, application_id, member_id, reason),
    )


def member_duties(session: Session, actor: Actor) -> list[Duty]:
    """People whom a steward has to look at, for the first page."""
    if Role.STEWARD not in actor.roles:
        return []
    found = []
    for member, application in queries.waiting(session):
        detail = f"Named on the project “{application.project}”. The person has no access until somebody has looked."
        name = queries.names_of(session, [member])[member.id]
        href = f"{BASE}/{application.id}#people"
        found.append(Duty(f"Look at a person: {name}", detail, href, "Look", member.confirmed_at or member.invited_at))
    return found


def _act(request: Request, actor: Actor, application_id: str, form: Form, done: str, act: Callable[[Unit], object]) -> Response:
    try:
        with house_of(request).store.write("members") as unit:
            act(unit)
    except Refused as error:
        form.take_reason(mendable(error), "member_reason")
        return show(request, actor, application_id, form, 422)
    return go(f"{BASE}/{application_id}#people", done)

"""People on projects as a steward decides on them: those who came later, and those whose address shows nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.responses import Response

from contracts.members import queries, service
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.deps import requires
from portal.pages.desk.applications import BASE, sent_for
from portal.pages.desk.duties import Duty
from portal.sent import SentForm

routes = APIRouter(prefix=f"{BASE}/{{application_id}}/members/{{member_id}}")


def _sent(sent: Annotated[SentForm, Depends(sent_for)]) -> SentForm:
    return replace(sent, there=f"{sent.there}#people")


Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]
Sent = Annotated[SentForm, Depends(_sent)]


@routes.post("/admit")
def admit(actor: Steward, application_id: str, member_id: str, sent: Sent) -> Response:
    """Let a person onto a project, with the reason why."""
    why = sent.form.text("member_reason")
    return sent.act("member-admitted", lambda unit: service.admit(unit, actor, application_id, member_id, why), reason="member_reason")


@routes.post("/refuse")
def refuse(actor: Steward, application_id: str, member_id: str, sent: Sent) -> Response:
    """Keep a person off a project, or take one off it, with a reason that they read."""
    why = sent.form.text("member_reason")
    return sent.act(
        "member-refused", lambda unit: service.refuse_member(unit, actor, application_id, member_id, why), reason="member_reason"
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

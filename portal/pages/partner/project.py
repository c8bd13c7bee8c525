"""The people of a project: naming and taking off colleagues, and each person's own place on it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications import queries as applications
from contracts.applications.tables import Application
from contracts.errors import Refused
from contracts.house import House
from contracts.members import access, queries, service
from contracts.members.decide import MOST_MEMBERS, is_later, takes_members
from contracts.members.states import MEANING, State
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from portal.again import asked_for, assured
from portal.deps import go, house_of, page, partner
from portal.forms import Form, mendable, submitted
from portal.limits import MAILS, SIGN_IN, limited
from portal.members import context
from portal.pages.partner.duties import Duty
from portal.sent import SentForm

router = APIRouter(prefix="/partner/applications/{application_id}")

Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]


@router.get("/members")
def show(request: Request, actor: Partner, application_id: str) -> Response:
    """Everyone on the project with where they stand, and the form for leads."""
    return _members(request, actor, application_id, Form())


@router.post("/members")
@limited(MAILS)
def invite(request: Request, actor: Partner, application_id: str, form: Sent) -> Response:
    """Name a person, who gets a mail. Where no mail leaves, the link is shown to who named them, because nobody else could pass it on."""
    house = house_of(request)
    with house.store.read() as session:
        applications.get_for(session, actor, application_id)
    try:
        actor = assured(request, actor, Act.MEMBER, form)
        with house.store.write("members") as unit:
            link = service.invite(
                unit, actor, application_id, email=form.text("email"), name=form.text("name"), base_url=house.settings.base_url
            )
    except Refused as error:
        form.take(mendable(error))
        return _members(request, actor, application_id, form, 422)
    if link and house.settings.mail.transport == "none":
        return _members(request, actor, application_id, Form(), link=link)
    return go(f"/partner/applications/{application_id}/members", "member-invited")


@router.post("/members/{member_id}/remove")
@limited(SIGN_IN)
def remove(request: Request, actor: Partner, application_id: str, member_id: str, form: Sent) -> Response:
    """Take a person off the project."""
    with house_of(request).store.read() as session:
        applications.get_for(session, actor, application_id)
        queries.of_project(session, application_id, member_id)
    there = f"/partner/applications/{application_id}/members"
    sent = SentForm(request, form, there, lambda mended, status: _members(request, actor, application_id, mended, status))
    return sent.proved(actor, Act.MEMBER, "member-removed", lambda unit, lead: service.remove(unit, lead, application_id, member_id))


@router.get("/membership")
def own(request: Request, actor: Partner, application_id: str) -> Response:
    """The person's own place on the project, and what it asks of them next."""
    return _own(request, actor, application_id, Form())


@router.post("/membership")
def confirm(request: Request, actor: Partner, application_id: str, form: Sent) -> Response:
    """Say who one is on the project."""
    settings, position, agreed = house_of(request).settings, form.text("position"), form.checked("agreed")
    there = f"/partner/applications/{application_id}/membership"
    sent = SentForm(request, form, there, lambda mended, status: _own(request, actor, application_id, mended, status))
    return sent.act(
        "member-confirmed",
        lambda unit: service.confirm(unit, actor, application_id, position=position, agreed=agreed, settings=settings),
    )


@router.post("/membership/leave")
def leave(request: Request, actor: Partner, application_id: str) -> Response:
    """Leave the project."""
    with house_of(request).store.write("members") as unit:
        service.leave(unit, actor, application_id)
    return go(f"/partner/applications/{application_id}/membership", "member-left")


def duties(session: Session, house: House, actor: Actor) -> list[Duty]:
    """What projects ask of the person now, for the first page."""
    found = []
    for place in queries.asked_of(session, actor.account_id, actor.email):
        project = place.project or "Untitled application"
        since = place.member.invited_at
        if place.contract_id:
            path = f"/partner/contracts/{place.contract_id}/membership"
            detail = "The contract is in force. Programs read for you once you have accepted its terms yourself."
            found.append(Duty(since, "Yours to accept", "wait", f"Accept the terms of {project}", detail, path, "Read the terms"))
        else:
            path = f"/partner/applications/{place.member.application_id}/membership"
            detail = "A lead named you on this project. Say that it is you, and what you are there."
            found.append(Duty(since, "Yours to answer", "wait", f"Say who you are on {project}", detail, path, "Answer"))
    return found


def _members(request: Request, actor: Actor, application_id: str, form: Form, status: int = 200, link: str = "") -> Response:
    with house_of(request).store.read() as session:
        application = applications.get_for(session, actor, application_id)
        shown = _shown(session, actor, application)
    return page(
        request,
        "partner/members.html",
        status,
        form=form,
        link=link,
        asked=asked_for(request, actor, Act.MEMBER),
        leads=Role.LEAD in actor.roles,
        may_invite=Role.LEAD in actor.roles and takes_members(application),
        most=MOST_MEMBERS,
        later=is_later(application),
        **shown,
    )


def _own(request: Request, actor: Actor, application_id: str, form: Form, status: int = 200) -> Response:
    with house_of(request).store.read() as session:
        application = applications.get_for(session, actor, application_id)
        member = access.row_of(session, application_id, actor.account_id)
        contract = queries.contract_in_force(session, application_id)
        current = member is not None and contract is not None and queries.is_current(session, member, contract)
        shown = _shown(session, actor, application)
    return page(
        request,
        "partner/membership.html",
        status,
        form=form,
        member=member,
        meaning=MEANING[State(member.state)] if member is not None else "",
        contract=contract,
        current=current,
        applicant=application.created_by == actor.account_id,
        **shown,
    )


def _shown(session: Session, actor: Actor, application: Application) -> dict[str, Any]:
    return {
        "application": application,
        "organisation": session.get(Organisation, application.organisation_id),
        **context(session, actor, application),
    }

"""Acts on an application before it is decided: each a form on its page, one unit of work, and a line that says what was done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications import service
from contracts.errors import Refused
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.unit import Unit
from portal.deps import go, house_of, requires
from portal.forms import Form, submitted
from portal.pages.desk.applications import BASE, show
from portal.pages.desk.granting import take_named

routes = APIRouter(prefix="/desk/applications")
Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]
Staff = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]
Officer = Annotated[Actor, Depends(requires(Role.COMPLIANCE))]
Sent = Annotated[Form, Depends(submitted)]


@routes.post("/{application_id}/check")
def check(request: Request, actor: Steward, application_id: str, form: Sent) -> Response:
    """Confirm that what was handed in is complete."""
    return _act(
        request, actor, application_id, form, "checked", lambda unit: service.check(unit, actor, application_id, form.number("revision"))
    )


@routes.post("/{application_id}/return")
def return_for_changes(request: Request, actor: Steward, application_id: str, form: Sent) -> Response:
    """Return it to the applicant for changes."""
    settings, revision = house_of(request).settings, form.number("revision")
    code, reason = form.text("return_code"), form.text("return_reason")

    def done(unit: Unit) -> object:
        return service.return_for_changes(unit, actor, application_id, revision, code, reason, settings)

    return _act(request, actor, application_id, form, "returned", done, reason="return_reason", code="return_code")


@routes.post("/{application_id}/claim")
def claim(request: Request, actor: Steward, application_id: str, form: Sent) -> Response:
    """Deal with it from now on."""
    return _act(request, actor, application_id, form, "claimed", lambda unit: service.claim(unit, actor, application_id))


@routes.post("/{application_id}/assign")
def assign(request: Request, actor: Steward, application_id: str, form: Sent) -> Response:
    """Give it to a colleague."""
    return _act(
        request, actor, application_id, form, "assigned", lambda unit: service.assign(unit, actor, application_id, form.text("assignee"))
    )


@routes.post("/{application_id}/recuse")
def recuse(request: Request, actor: Staff, application_id: str, form: Sent) -> Response:
    """Step back because of a conflict of interest."""
    reason = form.text("recuse_reason")
    return _act(
        request,
        actor,
        application_id,
        form,
        "recused",
        lambda unit: service.recuse(unit, actor, application_id, reason),
        reason="recuse_reason",
    )


@routes.post("/{application_id}/reviews")
def ask_review(request: Request, actor: Steward, application_id: str, form: Sent) -> Response:
    """Ask a colleague for a review."""
    return _act(
        request,
        actor,
        application_id,
        form,
        "review-asked",
        lambda unit: service.ask_review(unit, actor, application_id, form.text("reviewer")),
    )


@routes.post("/{application_id}/reviews/release")
def release(request: Request, actor: Steward, application_id: str, form: Sent) -> Response:
    """Take a request for a review back."""
    return _act(
        request,
        actor,
        application_id,
        form,
        "review-released",
        lambda unit: service.release(unit, actor, application_id, form.text("reviewer")),
    )


@routes.post("/{application_id}/remarks")
def remark(request: Request, actor: Staff, application_id: str, form: Sent) -> Response:
    """Say something about it, among staff or shared with the applicant; advice answers a review that was asked for."""
    shared, text, advice = form.checked("shared"), form.text("remark"), form.text("advice")
    return _act(
        request,
        actor,
        application_id,
        form,
        "remark-shared" if shared else "remarked",
        lambda unit: service.remark(unit, actor, application_id, text, shared=shared, opinion=advice),
        reason="remark",
        code="advice",
    )


@routes.post("/{application_id}/extend")
def extend(request: Request, actor: Steward, application_id: str, form: Sent) -> Response:
    """Move the day of the decision, with a reason."""
    settings, revision = house_of(request).settings, form.number("revision")
    until, reason = form.day("until"), form.text("extend_reason")
    return _act(
        request,
        actor,
        application_id,
        form,
        "extended",
        lambda unit: service.extend(unit, actor, application_id, revision, until, reason, settings),
        reason="extend_reason",
    )


@routes.post("/{application_id}/basis")
def confirm_basis(request: Request, actor: Officer, application_id: str, form: Sent) -> Response:
    """Compliance confirms the lawful basis."""
    revision, basis, reason = form.number("revision"), form.text("basis"), form.text("basis_reason")
    return _act(
        request,
        actor,
        application_id,
        form,
        "basis-confirmed",
        lambda unit: service.confirm_basis(unit, actor, application_id, revision, basis, reason),
        reason="basis_reason",
        code="basis",
    )


def _act(
    request: Request,
    actor: Actor,
    application_id: str,
    form: Form,
    done: str,
    act: Callable[[Unit], object],
    *,
    reason: str = "reason",
    code: str = "code",
) -> Response:
    try:
        with house_of(request).store.write("application") as unit:
            act(unit)
    except Refused as error:
        take_named(form, error, reason=reason, code=code)
        return show(request, actor, application_id, form, 422)
    return go(f"{BASE}/{application_id}", done)

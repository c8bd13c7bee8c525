"""Acts on an application before it is decided: each a form on its page, one unit of work, and a line that says what was done."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from contracts.applications import service
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.deps import house_of, requires
from portal.pages.desk.applications import BASE, sent_for
from portal.sent import SentForm

routes = APIRouter(prefix=f"{BASE}/{{application_id}}")

Steward = Annotated[Actor, Depends(requires(Role.STEWARD))]
Staff = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]
Officer = Annotated[Actor, Depends(requires(Role.COMPLIANCE))]
Sent = Annotated[SentForm, Depends(sent_for)]


@routes.post("/check")
def check(actor: Steward, application_id: str, sent: Sent) -> Response:
    """Confirm that what was handed in is complete."""
    revision = sent.form.number("revision")
    return sent.act("checked", lambda unit: service.check(unit, actor, application_id, revision))


@routes.post("/return")
def return_for_changes(actor: Steward, application_id: str, sent: Sent) -> Response:
    """Return it to the applicant for changes."""
    settings, revision = house_of(sent.request).settings, sent.form.number("revision")
    given = sent.form.text("return_code"), sent.form.text("return_reason")
    return sent.act(
        "returned",
        lambda unit: service.return_for_changes(unit, actor, application_id, revision, *given, settings),
        reason="return_reason",
        code="return_code",
    )


@routes.post("/claim")
def claim(actor: Steward, application_id: str, sent: Sent) -> Response:
    """Deal with it from now on."""
    return sent.act("claimed", lambda unit: service.claim(unit, actor, application_id))


@routes.post("/assign")
def assign(actor: Steward, application_id: str, sent: Sent) -> Response:
    """Give it to a colleague."""
    return sent.act("assigned", lambda unit: service.assign(unit, actor, application_id, sent.form.text("assignee")))


@routes.post("/recuse")
def recuse(actor: Staff, application_id: str, sent: Sent) -> Response:
    """Step back because of a conflict of interest."""
    why = sent.form.text("recuse_reason")
    return sent.act("recused", lambda unit: service.recuse(unit, actor, application_id, why), reason="recuse_reason")


@routes.post("/reviews")
def ask_review(actor: Steward, application_id: str, sent: Sent) -> Response:
    """Ask a colleague for a review."""
    return sent.act("review-asked", lambda unit: service.ask_review(unit, actor, application_id, sent.form.text("reviewer")))


@routes.post("/reviews/release")
def release(actor: Steward, application_id: str, sent: Sent) -> Response:
    """Take a request for a review back."""
    return sent.act("review-released", lambda unit: service.release(unit, actor, application_id, sent.form.text("reviewer")))


@routes.post("/remarks")
def remark(actor: Staff, application_id: str, sent: Sent) -> Response:
    """Say something about it, among staff or shared with the applicant; advice answers a review that was asked for."""
    shared, text, advice = sent.form.checked("shared"), sent.form.text("remark"), sent.form.text("advice")
    return sent.act(
        "remark-shared" if shared else "remarked",
        lambda unit: service.remark(unit, actor, application_id, text, shared=shared, opinion=advice),
        reason="remark",
        code="advice",
    )


@routes.post("/extend")
def extend(actor: Steward, application_id: str, sent: Sent) -> Response:
    """Move the day of the decision, with a reason."""
    settings, revision = house_of(sent.request).settings, sent.form.number("revision")
    until, why = sent.form.day("until"), sent.form.text("extend_reason")
    return sent.act(
        "extended",
        lambda unit: service.extend(unit, actor, application_id, revision, until, why, settings),
        reason="extend_reason",
    )


@routes.post("/basis")
def confirm_basis(actor: Officer, application_id: str, sent: Sent) -> Response:
    """Compliance confirms the lawful basis."""
    given = sent.form.number("revision"), sent.form.text("basis"), sent.form.text("basis_reason")
    return sent.act(
        "basis-confirmed",
        lambda unit: service.confirm_basis(unit, actor, application_id, *given),
        reason="basis_reason",
        code="basis",
    )

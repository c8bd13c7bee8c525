"""Ending sessions of one's own: one other browser, or all of them."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.people import service as people
from contracts.people.actor import Actor
from portal import cookies
from portal.deps import go, house_of, signed_in

router = APIRouter(prefix="/account/sessions")


@router.post("/end-others")
def end_others(request: Request, actor: Actor = Depends(signed_in)) -> Response:
    """Sign out everywhere else."""
    with house_of(request).store.write("sessions") as unit:
        people.end_other_sessions(unit, actor, cookies.session_of(request))
    return go("/account", "others-ended")


@router.post("/{session_ref}/end")
def end(request: Request, session_ref: str, actor: Actor = Depends(signed_in)) -> Response:
    """Sign one browser out; this very one leads to the sign-in page."""
    with house_of(request).store.write("sessions") as unit:
        people.end_session(unit, actor, session_ref)
    return go("/account", "session-ended")

"""Lost second factors on the desk: who asks, agreeing as one of two, and stopping."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.people import lost
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.lost_states import MEANING, State
from contracts.people.tables import Account, Organisation
from portal.again import asked_for
from portal.deps import go, house_of, page, requires
from portal.forms import Form, submitted
from portal.limits import SIGN_IN, limited
from portal.sent import SentForm

routes = APIRouter(prefix="/desk/lost")
Helper = Annotated[Actor, Depends(requires(*lost.HELPERS))]
Sent = Annotated[Form, Depends(submitted)]


@routes.get("")
def every(request: Request, actor: Helper) -> Response:
    """Every case that is not settled, oldest first; the form is shown for one of them, `case`."""
    return _page(request, actor, Form(), request.query_params.get("case", ""))


@routes.post("/{lost_id}/agree")
@limited(SIGN_IN)
def agree(request: Request, actor: Helper, lost_id: str, form: Sent) -> Response:
    """Say how one made sure who asks, as the first or the second of two."""
    given = form.text("how_known"), house_of(request).settings.base_url
    sent = SentForm(request, form, "/desk/lost", lambda mended, status: _page(request, actor, mended, lost_id, status))
    return sent.proved(
        actor,
        Act.LOST_FACTOR,
        lambda case: "lost-waiting" if case.state == State.WAITING else "lost-agreed",
        lambda unit, helper: lost.agree(unit, helper, lost_id, *given),
        reason="how_known",
    )


@routes.post("/{lost_id}/stop")
def stop(request: Request, actor: Helper, lost_id: str) -> Response:
    """Stop a case; nothing is removed."""
    with house_of(request).store.write("lost factor") as unit:
        lost.stop(unit, actor, lost_id)
    return go("/desk/lost", "lost-stopped")


def _page(request: Request, actor: Actor, form: Form, at: str = "", status: int = 200) -> Response:
    with house_of(request).store.read() as session:
        rows = [
            (case, person, session.get_one(Organisation, case.organisation_id), session.get(Account, case.first_by or ""))
            for case, person in lost.open_cases(session)
        ]
    at = at or (rows[0][0].id if rows else "")
    asked = asked_for(request, actor, Act.LOST_FACTOR)
    return page(request, "desk/lost.html", status, rows=rows, meaning=MEANING, form=form, at=at, asked=asked)

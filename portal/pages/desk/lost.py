"""Lost second factors on the desk: who asks, agreeing as one of two, and stopping."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import Refused
from contracts.people import lost
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.lost_states import MEANING, State
from contracts.people.tables import Account, Organisation
from portal.again import asked_for, assured
from portal.deps import go, house_of, page, requires
from portal.forms import Form, mendable, submitted
from portal.limits import SIGN_IN, limited

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
    house = house_of(request)
    try:
        helper = assured(request, actor, Act.LOST_FACTOR, form)
        with house.store.write("lost factor") as unit:
            case = lost.agree(unit, helper, lost_id, form.text("how_known"), house.settings.base_url)
    except Refused as error:
        form.take_reason(mendable(error), "how_known")
        return _page(request, actor, form, lost_id, 422)
    return go("/desk/lost", "lost-waiting" if case.state == State.WAITING else "lost-agreed")


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

"""Entries by a personal value: posted, so that it stands in no address; shared by the id of the search, which is an entry."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session, select
from starlette.requests import Request
from starlette.responses import Response

from contracts.ledger.service import note_value, note_view
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.search.exact import MOST, SHOWN, Met, searched_for, with_value
from portal.deps import go, house_of, page, requires
from portal.forms import Form, submitted
from portal.pages.compliance.ledger import DECISION_WORDS

routes = APIRouter(prefix="/compliance/values")
Officer = Annotated[Actor, Depends(requires(Role.COMPLIANCE))]
LONGEST = 500


@routes.post("")
def find(request: Request, actor: Officer, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Search for a value, which is an entry before anything is shown, and go to the address of that search."""
    house, value = house_of(request), form.text("value")[:LONGEST]
    if not value:
        form.errors["value"] = "Write the value whole, as it was: an account, a mail address, a network or a name."
        return _show(request, form, "", None, {}, 422)
    with house.store.read() as session:
        found = with_value(session, value).count
    with house.store.write("ledger search") as unit:
        made = note_value(unit, actor, value, found)
    return go(f"/compliance/values/{made}")


@routes.get("/{search_id}")
def again(request: Request, actor: Officer, search_id: str) -> Response:
    """The search of that entry, answered as the ledger is now. That its answer was opened is an entry as well."""
    house = house_of(request)
    with house.store.read() as session:
        value = searched_for(session, search_id)
        found = with_value(session, value) if value is not None else None
        names = _names(session)
    with house.store.write("ledger view") as unit:
        note_view(unit, actor, search_id)
    return _show(request, Form(), value, found, {**names, **{each.id: each.settings.title for each in house.catalogue.all()}})


def _names(session: Session) -> dict[str, str]:
    return dict(session.exec(select(Organisation.id, Organisation.name)).all())


def _show(request: Request, form: Form, value: str | None, found: Met | None, names: dict[str, str], status: int = 200) -> Response:
    return page(
        request,
        "compliance/values.html",
        status,
        form=form,
        value=value,
        found=found,
        shown=SHOWN,
        most=MOST,
        names=names,
        decision_words=DECISION_WORDS,
    )

"""A regulator's visit on one page: what it is about, who reads and until when, and one archive of all that belongs to it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from contracts.deliveries.holdings import entries_of
from contracts.errors import Refused
from contracts.house import House
from contracts.ledger.events import EVENTS
from contracts.ledger.exports import service as exports
from contracts.ledger.queries import Search, indexes, places_of
from contracts.ledger.service import note_lookup
from contracts.people.actor import Actor
from contracts.people.roles import Role, Side
from contracts.people.tables import Organisation
from contracts.visits import service, slices
from contracts.visits.decide import Slice, Wanted
from contracts.visits.files import GUIDE, further
from contracts.visits.service import Found
from contracts.visits.tables import AuditVisit
from portal.deps import go, house_of, page, requires
from portal.forms import Form, mendable, submitted
from portal.pages.compliance.people import are_several, found_people

routes = APIRouter(prefix="/compliance/visits")
Officer = Annotated[Actor, Depends(requires(Role.COMPLIANCE))]
CHOICES = (
    (Slice.PARTNER.value, "One partner", "Everything that concerns a partner, in a period or from the beginning."),
    (Slice.PERIOD.value, "A period", "Every entry of some days, whomever it concerns."),
    (Slice.PERSON.value, "One person", "Each delivery of a person’s records, with the contracts that received them."),
)
AGREED = tuple(each for each in EVENTS if each.startswith(("amendment.", "contract.")))
"""What a person's slice tells of the contracts that received the records."""
SEVERAL = "Several people go by this name. Write the id of the right one."
NOBODY = "No dataset has a record of this person that was ever delivered."


@routes.get("")
def every(request: Request, _actor: Officer) -> Response:
    """The form, and the visits so far."""
    return _show(request, Form())


@routes.post("")
def begin(request: Request, actor: Officer, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Open a visit; its auditor is invited by mail."""
    house, wanted = house_of(request), _wanted(form)
    found = _person(house, actor, form, wanted) if wanted.slice == Slice.PERSON and wanted.person else Found()
    if form.errors:
        return _show(request, form)
    try:
        with house.store.write("visit") as unit:
            _, link = service.open_visit(unit, actor, wanted, found, house.settings.base_url)
    except Refused as error:
        form.take(mendable(error))
        return _show(request, form)
    if house.settings.mail.transport == "none":
        return _show(request, Form(), link)
    return go("/compliance/visits", "visit-opened")


@routes.post("/{visit_id}/end")
def end(request: Request, actor: Officer, visit_id: str) -> Response:
    """End a visit before its day."""
    with house_of(request).store.write("visit") as unit:
        service.end_visit(unit, actor, visit_id)
    return go("/compliance/visits", "visit-ended")


@routes.get("/{visit_id}/archive")
def archive(request: Request, actor: Officer, visit_id: str) -> Response:
    """The archive of a visit; that it was made is an entry first."""
    house = house_of(request)
    with house.store.read() as session:
        visit = service.visit_named(session, visit_id)
    return archive_of(house, actor, visit)


def archive_of(house: House, actor: Actor, visit: AuditVisit) -> Response:
    """Entries, proofs, contracts, decisions, checker and reading guide of a visit, sent while it is made."""
    house.sequencer.integrate()  # search is behind the tree by a moment, an archive is not
    with house.store.read() as session:
        found, asked = slices.places(session, visit), slices.told(session, visit)
    made = exports.of_indexes(house.store, house.sequencer, actor, asked, found, "csv", house.settings.platform.name)
    content = exports.stream(house.store, made, further(house.store, visit, found), GUIDE)
    headers = {"content-disposition": f'attachment; filename="visit-{visit.id}.zip"', "cache-control": "no-store"}
    return StreamingResponse(content, media_type="application/zip", headers=headers)


def _wanted(form: Form) -> Wanted:
    return Wanted(
        authority=form.text("authority"),
        email=form.text("email"),
        slice=form.text("slice"),
        partner=form.text("partner"),
        person=form.text("person")[:500],
        since=form.day("since"),
        until=form.day("until"),
        last_day=form.day("last_day"),
    )


def _person(house: House, actor: Actor, form: Form, wanted: Wanted) -> Found:
    """Where a person's records went; that it was asked is an entry. Of several people of one name none is taken."""
    house.sequencer.integrate()
    with house.store.read() as session:
        people = found_people(session, house, wanted.person)
        ids = [entry for each in people for entry in entries_of(session, each.dataset, each.ordinals)]
        places = places_of(session, ids)
        held = sorted({one.contract_id for each in people for one in each.held})
        agreed = [index for each in held for index in indexes(session, Search(contract=each, events=AGREED))] if places else []
    with house.store.write("ledger search") as unit:
        note_lookup(unit, actor, "", wanted.person, len(held), "person")
    if are_several(people) or not places:
        form.errors["person"] = SEVERAL if are_several(people) else NOBODY
    return Found(sorted({*places, *agreed}), held)


def _show(request: Request, form: Form, link: str = "") -> Response:
    house = house_of(request)
    with house.store.read() as session:
        visits, partners = service.visits(session), _partners(session)
    now = house.clock.now()
    return page(
        request,
        "compliance/visits.html",
        422 if form.errors else 200,
        form=form,
        link=link,
        choices=CHOICES,
        partners=[("", "Choose"), *partners],
        names=dict(partners),
        running=[each for each in visits if each[0].ended_at is None and each[0].ends_at > now],
        past=[each for each in visits if each[0].ended_at is not None or each[0].ends_at <= now],
    )


def _partners(session: Session) -> list[tuple[str, str]]:
    query = select(Organisation.id, Organisation.name).where(Organisation.side == Side.PARTNER).order_by(col(Organisation.name))
    return [(key, name) for key, name in session.exec(query).all()]

"""Pages of an auditor from outside: the slice of the ledger that a visit names, and nothing else. Nothing here changes anything."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import refuse
from contracts.house import House
from contracts.ledger import queries
from contracts.ledger.proofs import Pending, Proof, proof_of
from contracts.ledger.queries import EntryView
from contracts.ledger.service import note_search, note_view
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.visits import slices
from contracts.visits.service import visit_of
from contracts.visits.tables import AuditVisit
from portal.deps import house_of, page, requires
from portal.pages.compliance.entries import told
from portal.pages.compliance.visits import archive_of

routes = APIRouter(prefix="/audit")
Auditor = Annotated[Actor, Depends(requires(Role.AUDITOR))]


def router(_house: House) -> APIRouter:
    """Every route under /audit."""
    whole = APIRouter()
    whole.include_router(routes)
    return whole


@routes.get("")
def slice_of(request: Request, actor: Auditor, before: str = "") -> Response:
    """The entries of the visit, newest first; that they were looked at is an entry before they are shown."""
    house = house_of(request)
    with house.store.read() as session:
        visit = visit_of(session, actor, house.clock.now())
        cursor = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
        found = slices.page(session, visit, cursor)
        organisations = {each.organisation_id for each in found.rows}
        names = {key: row.name for key in organisations if (row := session.get(Organisation, key)) is not None}
        partner = session.get(Organisation, visit.partner_id) if visit.partner_id else None
        contracts = slices.contracts_of(session, visit)
    with house.store.write("ledger search") as unit:
        note_search(unit, actor, queries.Search(organisation=visit.partner_id, since=visit.since, until=visit.until), found.count)
    return page(
        request, "audit/slice.html", visit=visit, found=found, names=names, partner=partner, contracts=contracts, first=cursor is None
    )


@routes.get("/entries/{entry_id}")
def entry(request: Request, actor: Auditor, entry_id: str) -> Response:
    """An entry of the slice with its proof, without personal values. Opening it is an entry of its own."""
    house = house_of(request)
    with house.store.read() as session:
        _, view, proof = _of_slice(session, house, actor, entry_id)
        key = house.sequencer.verifier_key(session)
    with house.store.write("ledger view") as unit:
        note_view(unit, actor, entry_id)
    base = house.settings.base_url.rstrip("/")
    return page(request, "audit/entry.html", view=view, row=view.row, proof=proof, told=told(view), key=key, base=base)


@routes.get("/entries/{entry_id}/proof")
def proof_file(request: Request, actor: Auditor, entry_id: str) -> Response:
    """The proof of an entry of the slice as a `.tlog-proof` file."""
    house = house_of(request)
    with house.store.read() as session:
        _, _, proof = _of_slice(session, house, actor, entry_id)
    with house.store.write("ledger view") as unit:
        note_view(unit, actor, entry_id)
    headers = {"content-disposition": f'attachment; filename="{entry_id}.tlog-proof"', "cache-control": "no-store"}
    return Response(proof.text(), media_type="text/plain; charset=utf-8", headers=headers)


@routes.get("/archive")
def archive(request: Request, actor: Auditor) -> Response:
    """Everything of the visit in one archive; that it was made is an entry first."""
    house = house_of(request)
    with house.store.read() as session:
        visit = visit_of(session, actor, house.clock.now())
    return archive_of(house, actor, visit)


def _of_slice(session: Session, house: House, actor: Actor, entry_id: str) -> tuple[AuditVisit, EntryView, Proof]:
    """The entry where it belongs to the visit; `not_found` otherwise, in the same words whether there is such an entry or not."""
    missing = refuse("not_found", "There is no such entry in your visit.")
    visit = visit_of(session, actor, house.clock.now())
    found = queries.places_of(session, [entry_id])
    if not found or not slices.holds(session, visit, found[0]):
        raise missing
    proof = proof_of(session, entry_id)
    if isinstance(proof, Pending):
        raise missing
    return visit, queries.entry(session, entry_id), proof

"""Contracts on the desk: the list, and one contract with what it allows, its text, its use and the act that is due."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications.tables import Application
from contracts.credentials.service import clients_of
from contracts.errors import refuse
from contracts.ledger.queries import about
from contracts.lifecycle import queries
from contracts.lifecycle.seal import check_seal
from contracts.lifecycle.states import FINAL, LIVE, MEANING, ROLES, Command, State, possible
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.quotas.standing import standings
from contracts.signing.handler import document_of
from contracts.signing.text import blocks
from contracts.terms.model import readable
from contracts.terms.words import plain
from portal.again import asked_for
from portal.chain import chain
from portal.deps import house_of, page, requires, signed_in
from portal.forms import Form, submitted
from portal.hints import hinted
from portal.negotiation import negotiation_of
from portal.pages.desk import lists, reads
from portal.pages.desk.duties import needs_another
from portal.pages.desk.effects import effect_of, use_of
from portal.sent import SentForm
from portal.terms_files import odrl_file, terms_file

routes = APIRouter(prefix="/desk/contracts")
BASE = "/desk/contracts"
TITLES = {
    "draft": "Drafts",
    "offered": "Waiting for the partner",
    "countered": "To answer",
    "signed": "To countersign",
    "active": "Active",
    "suspended": "Suspended",
    "lift_asked": "Lift asked for",
    "terminated": "Ended early",
    "expired": "Ended",
    "closing": "Certificate due",
    "closed": "Closed",
}
CSV_HEADER = ("id", "title", "organisation", "kind", "state", "version", "created_at", "offered_at", "activated_at", "ended_at")
HINTS = ("reason", "name", "capacity", "decline_reason")

Reader = Annotated[Actor, Depends(requires(Role.STEWARD, Role.COMPLIANCE))]


@routes.get("")
def every(request: Request, actor: Reader, state: str = "", q: str = "", after: str = "", format: str = "") -> Response:
    """The list, with facets by state; `format=csv` gives the same rows as a file."""
    if state and state not in TITLES:
        raise refuse("not_found", "There is no such state of a contract.")
    wanted = lists.Wanted(state, q[:200], after[:40], lists.CSV_AT_MOST if format == "csv" else lists.PAGE)
    with house_of(request).store.read() as session:
        found = lists.contracts(session, wanted)
        ends = {row.id: ends for row, _ in found.rows if (ends := _ends(session, row))} if format != "csv" else {}
    if format == "csv":
        return lists.as_csv("contracts", CSV_HEADER, [_csv(row, name) for row, name in found.rows])
    facets = [("All", wanted.path(BASE, state=""), sum(found.counts.values()), not state)]
    facets += [
        (title, wanted.path(BASE, state=code), found.counts.get(code, 0), state == code)
        for code, title in TITLES.items()
        if found.counts.get(code) or state == code
    ]
    return page(
        request,
        "desk/contracts.html",
        found=found,
        wanted=wanted,
        facets=facets,
        ends=ends,
        csv_path=wanted.path(BASE, format="csv"),
        next_path=wanted.path(BASE, after=found.next) if found.next else "",
    )


@routes.get("/{contract_id}")
def one(request: Request, actor: Reader, contract_id: str) -> Response:
    """One contract."""
    return show(request, actor, contract_id, hinted(request, *HINTS, name=actor.name))


@routes.get("/{contract_id}/document.pdf")
def document(request: Request, actor: Reader, contract_id: str) -> Response:
    """The PDF: with its signature page once both sides have signed."""
    with house_of(request).store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        pdf = document_of(session, queries.version_of(session, contract))
    headers = {"content-disposition": f'inline; filename="{contract_id}.pdf"', "cache-control": "no-store"}
    return Response(pdf, media_type="application/pdf", headers=headers)


@routes.get("/{contract_id}/terms.json")
def terms_json(request: Request, actor: Reader, contract_id: str) -> Response:
    """The terms for machines, as they were hashed."""
    return terms_file(request, actor, contract_id)


@routes.get("/{contract_id}/odrl.json")
def odrl_json(request: Request, actor: Reader, contract_id: str) -> Response:
    """The terms as an ODRL 2.2 agreement."""
    return odrl_file(request, actor, contract_id)


def sent_for(request: Request, contract_id: str, form: Annotated[Form, Depends(submitted)]) -> SentForm:
    """Dependency: a form on the contract's page, which comes back there where it is to be mended."""
    actor = signed_in(request)
    return SentForm(request, form, f"{BASE}/{contract_id}", lambda mended, status: show(request, actor, contract_id, mended, status))


def show(request: Request, actor: Actor, contract_id: str, form: Form, status: int = 200) -> Response:
    """The page of a contract; `form` carries what was typed into one of its acts and the errors beside it."""
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        context = _read(request, session, actor, contract)
    return page(
        request,
        "desk/contract.html",
        status,
        form=form,
        meaning=MEANING[State(contract.state)],
        may=_may(contract, actor),
        hindrance=needs_another(contract, actor) if contract.state == State.SIGNED else "",
        asked=asked_for(request, actor, Act.COUNTERSIGN),
        **context,
    )


def _read(request: Request, session: Session, actor: Actor, contract: Contract) -> dict[str, Any]:
    house, now = house_of(request), house_of(request).clock.now()
    version, application = queries.version_of(session, contract), session.get_one(Application, contract.application_id)
    terms = readable(version.terms_json)
    clients = clients_of(session, contract.id)
    people = (contract.approved_by, contract.drafted_by, contract.suspended_by, contract.lift_asked_by)
    return {
        "contract": contract,
        "version": version,
        "terms": terms,
        "organisation": session.get_one(Organisation, contract.organisation_id),
        "application": application,
        "lines": plain(terms, house.settings) if terms else [],
        "text": blocks(version.text),
        "signatures": queries.signatures_of(session, contract),
        "seal_broken": check_seal(house.keys, session, contract, version) if contract.state in LIVE else None,
        "clients": clients,
        "now": now,
        "effect": effect_of(session, contract, clients, now),
        "standings": standings(session, contract.id, version.number, terms) if terms else [],
        "use": use_of(session, contract, terms, now, house.settings.platform.time_zone) if terms else None,
        "names": reads.people(session, people),
        "links": chain(session, application=application, contract=contract, staff=True),
        "rows": about(session, contract.id, 30),
        "ended": contract.state in FINAL,
        "negotiation": negotiation_of(session, actor, contract, house.settings),
        "life": reads.life_of(session, contract),
    }


def _ends(session: Session, contract: Contract) -> date | None:
    terms = readable(queries.version_of(session, contract).terms_json)
    return terms.ends if terms else None


def _may(contract: Contract, actor: Actor) -> set[str]:
    """The acts that this person can take now; what needs another person is left out."""
    found = {command.value for command in possible(State(contract.state)) if actor.roles & set(ROLES[command])}
    if contract.lift_asked_by == actor.account_id:
        found.discard(Command.LIFT.value)
    return found


def _csv(row: Contract, organisation: str) -> tuple[object, ...]:
    moments = (row.created_at, row.offered_at, row.activated_at, row.ended_at)
    return (row.id, row.title, organisation, row.kind, row.state, row.version, *moments)

"""Compliance's first page, and the search of the ledger: by partner, dataset, time, event and decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from contracts.anchors.status import Standing, standing
from contracts.house import House
from contracts.incidents.service import KINDS, listed
from contracts.ledger.events import EVENTS
from contracts.ledger.exports import service as exports
from contracts.ledger.queries import COUNT_UP_TO, Search, search
from contracts.ledger.service import inspect, note_search
from contracts.ledger.source import latest_checkpoint
from contracts.ledger.tables import Checkpoint
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role, Side
from contracts.people.tables import Organisation
from contracts.search.behind import lag
from contracts.terms.purposes import PURPOSES
from portal.deps import house_of, page, requires
from portal.forms import Form
from portal.pages.compliance import asked
from portal.pages.compliance.asked import Asked
from portal.pages.compliance.results import facets_of, page_of

routes = APIRouter(prefix="/compliance")
Officer = Annotated[Actor, Depends(requires(Role.COMPLIANCE))]
VERIFY_AT_MOST = 50_000
"""Entries up to which a page verifies while one waits; beyond, the command does it."""
LATELY = (
    "application.approved",
    "application.declined",
    "contract.activated",
    "contract.lifted",
    "contract.suspended",
    "contract.terminated",
    "dataset.refreshed",
    "erasure.made",
    "gate.mode_changed",
    "incident.opened",
    "role.given",
)
DECISION_WORDS = {"allow": "Allowed", "refuse": "Refused", "done": "Done"}


@dataclass(frozen=True, slots=True)
class Health:
    """How the ledger stands: its newest checkpoint, what waits and since when, its public key, and who outside holds it."""

    checkpoint: Checkpoint | None
    waiting: int
    waiting_since: datetime | None
    key: str
    standing: Standing


@routes.get("")
def first(request: Request, actor: Officer) -> Response:
    """Without a question: what waits, how the ledger stands, what changed. With one: the entries that answer it."""
    wanted = asked.read(request.query_params)
    return _today(request) if wanted is None else _found(request, actor, wanted)


@routes.get("/export")
def export(request: Request, actor: Officer) -> Response:
    """Every entry of a search as an archive that anyone checks; recorded before it is sent."""
    house = house_of(request)
    wanted = asked.read(request.query_params)
    if wanted is None or wanted.search is None:
        return _today(request) if wanted is None else _found(request, actor, wanted)
    form = request.query_params.get("format", "csv")
    whole = replace(wanted.search, cursor=None)
    made = exports.prepare(house.store, house.sequencer, actor, whole, form, house.settings.platform.name)
    headers = {"content-disposition": f'attachment; filename="ledger-{made.entry_id}.zip"', "cache-control": "no-store"}
    return StreamingResponse(exports.stream(house.store, made), media_type="application/zip", headers=headers)


@routes.post("/verify")
def verify_now(request: Request, actor: Officer) -> Response:
    """Recompute the whole ledger now and show the outcome; a failure opens an incident. Large ledgers are left to the command."""
    house = house_of(request)
    with house.store.read() as session:
        checkpoint = latest_checkpoint(session)
        held = standing(session, house.settings.anchors, house.sequencer.origin)
    size = checkpoint.size if checkpoint else 0
    report = inspect(house.store, house.keys) if size <= VERIFY_AT_MOST else None
    return page(request, "compliance/verified.html", report=report, size=size, standing=held)


def _today(request: Request) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        health = _health(session, house)
        incidents = sorted((each for each in listed(session) if each.closed_at is None), key=lambda each: each.opened_at)
        lately = search(session, Search(events=LATELY, limit=10)).rows
        partners = _partners(session)
    return page(
        request,
        "compliance/today.html",
        health=health,
        incidents=incidents,
        kinds=KINDS,
        lately=lately,
        form=Form(),
        options=_options(house, partners),
    )


def _found(request: Request, actor: Actor, wanted: Asked) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        partners = _partners(session)
        own = dict(session.exec(select(Organisation.id, Organisation.name).where(Organisation.side == Side.PLATFORM)).all())
        found = page_of(session, wanted)
        behind = lag(session)
        about = session.get(Contract, wanted.contract) if wanted.contract else None
    if wanted.search is not None:
        with house.store.write("ledger search") as unit:
            note_search(unit, actor, wanted.search, found.count)
    names = {**own, **_names(partners, house)}
    return page(
        request,
        "compliance/search.html",
        200 if wanted.search is not None else 422,
        asked=wanted,
        form=wanted.form,
        found=found,
        facets=_facets(wanted, found.decisions),
        narrower=facets_of(wanted, found, names, "/compliance"),
        behind=behind,
        about=about,
        names=names,
        decision_words=DECISION_WORDS,
        count=_count_words(found.count, exact=wanted.search is not None and wanted.search.is_exact),
        formats=[
            (words, wanted.path("/compliance/export", format=name, show="" if wanted.parts else "all"))
            for name, words in exports.FORMATS.items()
        ],
        older=wanted.path("/compliance", before=str(found.next)) if found.next is not None else "",
        options=_options(house, partners),
    )


def _health(session: Session, house: House) -> Health:
    waiting, since = house.sequencer.waiting(session)
    checkpoint = latest_checkpoint(session)
    key = house.sequencer.verifier_key(session) if checkpoint else ""
    return Health(checkpoint, waiting, since, key, standing(session, house.settings.anchors, house.sequencer.origin))


def _partners(session: Session) -> Mapping[str, str]:
    query = select(Organisation.id, Organisation.name).where(Organisation.side == Side.PARTNER).order_by(col(Organisation.name))
    return dict(session.exec(query).all())


def _names(partners: Mapping[str, str], house: House) -> Mapping[str, str]:
    purposes = {name: each.title for name, each in PURPOSES.items()}
    return {**purposes, **partners, **{each.id: each.settings.title for each in house.catalogue.all()}}


def _options(house: House, partners: Mapping[str, str]) -> Mapping[str, list[tuple[str, str]]]:
    return {
        "partners": [("", "Any partner"), *partners.items()],
        "datasets": [("", "Any dataset"), *((each.id, each.settings.title) for each in house.catalogue.all())],
        "events": [("", "Anything that happened"), *((name, f"{name}: {meaning}") for name, meaning in sorted(EVENTS.items()))],
    }


def _facets(wanted: Asked, counts: Mapping[str, int]) -> list[tuple[str, str, int | None, bool]]:
    chosen = wanted.parts.get("decision", "")
    every: tuple[str, str, int | None, bool] = ("Any decision", wanted.path("/compliance", decision=""), None, not chosen)
    return [
        every,
        *((word, wanted.path("/compliance", decision=code), counts.get(code, 0), chosen == code) for code, word in DECISION_WORDS.items()),
    ]


def _count_words(count: int, *, exact: bool) -> str:
    if exact and count > COUNT_UP_TO:
        return "More than 10,000 entries"
    return f"{count:,} entries" if count != 1 else "1 entry"

"""Who received what: the holders of a record or of a person's records, and what one contract received in a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response

from contracts.datasets.load import keys_of
from contracts.deliveries.holdings import Holding
from contracts.deliveries.ordinals import Ordinals
from contracts.deliveries.queries import Received, answers, received
from contracts.deliveries.tables import Delivery
from contracts.house import House
from contracts.ledger.service import note_lookup
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from portal.deps import house_of, page, requires
from portal.forms import Form, of, submitted
from portal.pages.compliance.people import Person, are_several, found_people

routes = APIRouter(prefix="/compliance/deliveries")
Officer = Annotated[Actor, Depends(requires(Role.COMPLIANCE))]
LONGEST = 500
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """A person's records in one dataset: who is meant, the first of the records' ids, and which contracts hold how many."""

    person: Person
    keys: list[str]
    holdings: list[tuple[str, str, Holding]]


@dataclass(frozen=True, slots=True)
class Span:
    """What one contract received from the first moment of a day to the last of another."""

    contract_id: str
    title: str
    since: str
    until: str
    received: list[Received]
    latest: list[Delivery]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked and found; empty before anything is asked."""

    person: str = ""
    persons: list[Shown] = field(default_factory=list)
    several: bool = False
    span: Span | None = None


@routes.get("")
def ask(request: Request, actor: Officer, contract: str = "", since: str = "", until: str = "") -> Response:
    """The three questions; with a contract and its days also what it received, which is an entry before it is shown."""
    form = of({"contract": contract, "since": since, "until": until})
    return _show(request, form, Answer(span=_span(request, actor, form)) if contract else Answer())


@routes.post("")
def ask_of_person(request: Request, actor: Officer, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Who holds records of a person, which is an entry before it is shown. Posted, so that the person stands in no address."""
    person = form.text("person")[:LONGEST]
    if not person:
        form.errors["person"] = "Write the person’s handle, the address of their page or their own id, as it stands in the source."
        return _show(request, form, Answer())
    found = _persons(request, actor, person)
    return _show(request, form, Answer(person, found, several=are_several([each.person for each in found])))


def _persons(request: Request, actor: Actor, typed: str) -> list[Shown]:
    house = house_of(request)
    with house.store.read() as session:
        people = found_people(session, house, typed)
        names = _names(session)
    with house.store.write("ledger search") as unit:
        note_lookup(unit, actor, "", typed, len({one.contract_id for each in people for one in each.held}), "person")
    return [
        Shown(each, _keys(house, each), [(*names.get(one.contract_id, (one.contract_id, "")), one) for one in each.held]) for each in people
    ]


def _keys(house: House, person: Person) -> list[str]:
    version = house.catalogue.version_of(person.dataset)
    return [] if version is None else keys_of(house.settings, version, Ordinals(list(person.ordinals[:SHOWN])))


def _span(request: Request, actor: Actor, form: Form) -> Span | None:
    house, contract = house_of(request), form.text("contract")
    since, until = form.day("since"), form.day("until")
    for name, day in (("since", since), ("until", until)):
        if day is None:
            form.errors.setdefault(name, "Write the day as year-month-day, such as 2026-11-30.")
    if since and until and until < since:
        form.errors["until"] = "The last day lies before the first."
    if form.errors or since is None or until is None:
        return None
    first, after = datetime.combine(since, time(), UTC), datetime.combine(until, time(), UTC) + timedelta(days=1)
    with house.store.read() as session:
        names = _names(session)
        if contract not in names:
            form.errors["contract"] = "Choose the contract."
            return None
        found = received(session, contract, first, after)
        latest = answers(session, contract, first, after, SHOWN)
    with house.store.write("ledger search") as unit:
        note_lookup(unit, actor, "", f"{contract} {since} {until}", len(found), "deliveries")
    return Span(contract, names[contract][0], since.isoformat(), until.isoformat(), found, latest)


def _show(request: Request, form: Form, found: Answer) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        names = _names(session)
    contracts = [(key, f"{organisation}: {title}") for key, (title, organisation) in names.items()]
    return page(
        request,
        "compliance/deliveries.html",
        422 if form.errors else 200,
        form=form,
        found=found,
        titles={each.id: each.settings.title for each in house.catalogue.all()},
        datasets=[(each.id, each.settings.title) for each in house.catalogue.all()],
        contracts=sorted(contracts, key=lambda each: each[1].casefold()),
    )


def _names(session: Session) -> dict[str, tuple[str, str]]:
    """Title and organisation of each contract, by its id."""
    query = select(Contract.id, Contract.title, Organisation.name).join(Organisation, col(Organisation.id) == col(Contract.organisation_id))
    return {key: (title, name) for key, title, name in session.exec(query).all()}

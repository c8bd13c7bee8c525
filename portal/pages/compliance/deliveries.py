"""Who received what: the holders of a record or of a person's records, and what one contract received in a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response

from contracts.datasets.load import keys_of
from contracts.datasets.persons import ordinals_of
from contracts.deliveries.ordinals import Ordinals
from contracts.deliveries.queries import Received, answers, holders, received
from contracts.deliveries.tables import Delivery
from contracts.house import House
from contracts.ledger.service import note_lookup
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from portal.deps import house_of, page, requires
from portal.forms import Form, of, submitted

routes = APIRouter(prefix="/compliance/deliveries")
Officer = Annotated[Actor, Depends(requires(Role.COMPLIANCE))]
LONGEST = 500
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Holding:
    """A contract and how many of the person's records of one dataset it received."""

    contract_id: str
    title: str
    organisation: str
    records: int


@dataclass(frozen=True, slots=True)
class Person:
    """A person's records in one dataset: how many, the first of their ids, and who holds some."""

    dataset: str
    records: int
    keys: list[str]
    holdings: list[Holding]


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
    persons: list[Person] = field(default_factory=list)
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
        form.errors["person"] = "Write the person’s own id, as it stands in the source."
        return _show(request, form, Answer())
    return _show(request, form, Answer(person, _persons(request, actor, person)))


def _persons(request: Request, actor: Actor, person: str) -> list[Person]:
    house = house_of(request)
    found = {dataset: ordinals for dataset, ordinals in _records(house, person) if ordinals}
    with house.store.read() as session:
        held = {dataset: holders(session, dataset, ordinals) for dataset, ordinals in found.items()}
        names = _names(session)
    with house.store.write("ledger search") as unit:
        note_lookup(unit, actor, "", person, len({contract for each in held.values() for contract in each}), "person")
    return [
        Person(dataset, len(found[dataset]), _keys(house, dataset, found[dataset]), _holdings(names, held[dataset])) for dataset in found
    ]


def _records(house: House, person: str) -> list[tuple[str, Ordinals]]:
    versions = {each.id: house.catalogue.version_of(each.id) for each in house.catalogue.all()}
    return [(dataset, ordinals_of(house.settings, version, person)) for dataset, version in versions.items() if version is not None]


def _keys(house: House, dataset: str, ordinals: Ordinals) -> list[str]:
    version = house.catalogue.version_of(dataset)
    return [] if version is None else keys_of(house.settings, version, Ordinals(list(ordinals[:SHOWN])))


def _holdings(names: Mapping[str, tuple[str, str]], held: Mapping[str, Ordinals]) -> list[Holding]:
    found = [Holding(contract, *names.get(contract, (contract, "")), len(ordinals)) for contract, ordinals in held.items()]
    return sorted(found, key=lambda each: (-each.records, each.organisation, each.contract_id))


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

"""The public catalogue: fields, invented rows, terms and price of each dataset; also as JSON."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contracts.applications import workdays
from contracts.changes.decide import Change, to_come
from contracts.clock import day_in
from contracts.datasets.catalogue import Dataset, Version
from contracts.datasets.coarse import Grain
from contracts.datasets.values import Value, read
from contracts.errors import refuse
from contracts.house import House
from contracts.terms.purposes import PROHIBITED, PURPOSES, PurposeFacts
from portal.deps import house_of, page, visitor
from portal.filters import money
from portal.limits import PAGES, limited
from portal.problems import wants_json

router = APIRouter()

_CLASSES = {
    "plain": "As it is",
    "key": "A pseudonym, different under each contract",
    "subject": "A pseudonym, different under each contract",
    "personal": "As it is; personal",
    "special": "As it is; special category, needs its own grounds",
}
_GRAINS: dict[Grain, str] = {
    "day": "The day alone",
    "month": "The month alone",
    "masked": "With accounts and links masked",
    "region": "The region alone",
}
_FILTERS = {
    "eq": "equal",
    "in": "list",
    "gte": "from",
    "lte": "to",
    "prefix": "beginning",
    "contains": "part of it",
}


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field as the catalogue shows it."""

    name: str
    type: str
    description: str
    given: str
    filters: str
    pseudonym: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """One dataset as public pages show it. `price` is for commercial contracts, in words."""

    id: str
    title: str
    summary: str
    price: str
    fields: tuple[FieldRow, ...]
    purposes: tuple[PurposeFacts, ...]
    per_day: int
    per_second: int
    version: Version | None
    changes: tuple[Change, ...]


@router.get("/datasets")
@limited(PAGES)
def show_all(request: Request) -> Response:
    """Every dataset."""
    datasets = listed(house_of(request))
    if wants_json(request):
        return _json({"datasets": [as_json(each) for each in datasets]})
    tries = {each.id: way_to_try(request, each) for each in datasets}
    return _varied(page(request, "public/datasets.html", datasets=datasets, tries=tries, base_url=house_of(request).settings.base_url))


@router.get("/datasets/{dataset_id}")
@limited(PAGES)
def show(request: Request, dataset_id: str) -> Response:
    """One dataset; `not_found` where there is none."""
    house = house_of(request)
    dataset = house.catalogue.get(dataset_id)
    if dataset is None:
        raise refuse("not_found", "There is no such dataset here. See the list of datasets.")
    listing = listing_of(house, dataset)
    if wants_json(request):
        return _json(as_json(listing) | {"samples": samples(dataset)})
    return _varied(
        page(
            request,
            "public/dataset.html",
            dataset=listing,
            samples=samples(dataset),
            row_fields=dataset.row_fields(),
            prohibited=PROHIBITED,
            decided_by=decision_day(house),
            base_url=house.settings.base_url,
            try_at=way_to_try(request, listing),
        )
    )


def way_to_try(request: Request, listing: Listing) -> str:
    """The address at which this visitor tries the dataset: by way of signing up for one without an account.

    Empty for staff, and where nothing may be agreed on and so nothing tried.

    One step, because whoever wants to see a first row should not have to find out where.
    """
    actor, path = visitor(request), f"/partner/sandbox?dataset={listing.id}"
    if not listing.purposes:
        return ""
    if actor is None:
        return f"/sign-up?next={quote(path, safe='')}"
    return "" if actor.is_staff else path


def listed(house: House) -> list[Listing]:
    """Every dataset, in the settings' order."""
    return [listing_of(house, each) for each in house.catalogue.all()]


def listing_of(house: House, dataset: Dataset) -> Listing:
    """One dataset with its current version's counts."""
    told = dataset.settings
    price = "on request" if told.price_per_1000 is None else f"{money(told.price_per_1000, told.currency)} per 1,000 records"
    return Listing(
        id=dataset.id,
        title=told.title,
        summary=told.summary,
        price=price,
        fields=tuple(_row(dataset, name) for name in dataset.fields),
        purposes=tuple(PURPOSES[each] for each in told.purposes if each in PURPOSES),
        per_day=told.max_records_per_day,
        per_second=told.max_requests_per_second,
        version=house.catalogue.version_of(dataset.id),
        changes=tuple(to_come(dataset.id, told, day_in(house.clock.now(), house.settings.platform.time_zone))),
    )


def samples(dataset: Dataset) -> list[dict[str, Any]]:
    """Invented rows as a contract would see them at best: ids replaced by something that cannot be turned back, other values generalised."""
    return [{name: _sample(dataset, name, value) for name, value in row.items()} for row in dataset.samples()]


def decision_day(house: House) -> date:
    """The last day for a decision on what is handed in today."""
    platform = house.settings.platform
    return workdays.after(day_in(house.clock.now(), platform.time_zone), platform.decision_days, platform.holidays)


def as_json(listing: Listing) -> dict[str, Any]:
    """The listing for machines."""
    return {
        "id": listing.id,
        "title": listing.title,
        "summary": listing.summary,
        "price": listing.price,
        "purposes": [each.title for each in listing.purposes],
        "limits": {"records_per_day": listing.per_day, "requests_per_second": listing.per_second},
        "records": listing.version.records if listing.version else None,
        "fields": [{"name": each.name, "type": each.type, "description": each.description, "given": each.given} for each in listing.fields],
        "changes": [each.told() for each in listing.changes],
        "apply": f"/apply?dataset={listing.id}",
    }


def _row(dataset: Dataset, name: str) -> FieldRow:
    told = dataset.fields[name]
    pseudonym, coarse = dataset.is_pseudonymised(name), dataset.coarse(name)
    given = _CLASSES["key"] if pseudonym else _CLASSES[told.field_class] if coarse is None else _GRAINS[coarse.grain]
    filters = ", ".join(_FILTERS[each] for each in dataset.operators(name) if each in _FILTERS)
    return FieldRow(name, told.type if coarse is None else coarse.type, told.description, given, filters, pseudonym)


def _sample(dataset: Dataset, name: str, value: Value | None) -> Any:
    coarse = dataset.coarse(name)
    if value is None or dataset.is_pseudonymised(name):
        return value if value is None else _pseudonym(value)
    if coarse is None:
        return value
    told = coarse.of(read(dataset.fields[name].type, str(value)))
    return told.isoformat() if isinstance(told, date) else told


def _pseudonym(value: object) -> str:
    return "ps_" + hashlib.sha256(f"licet/sample/{value}".encode()).hexdigest()[:32]


def _json(body: dict[str, Any]) -> Response:
    return _varied(JSONResponse(body))


def _varied(response: Response) -> Response:
    response.headers["vary"] = "accept, cookie"
    return response

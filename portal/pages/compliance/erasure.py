"""Erasing a record: look it up by its own id, see who holds it, erase it and tell them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response

from contracts.datasets.load import ordinal_of
from contracts.datasets.remembered import remember
from contracts.deliveries.ordinals import Ordinals
from contracts.deliveries.queries import Recipient, recipients
from contracts.deliveries.service import erase, held
from contracts.deliveries.tables import ErasedRecord, ErasureNotice
from contracts.errors import Refused
from contracts.house import House
from contracts.ledger.service import note_lookup
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from portal.deps import go, house_of, page, requires
from portal.forms import Form, mendable, of, submitted
from portal.hints import hint

routes = APIRouter(prefix="/compliance/erasure")
Officer = Annotated[Actor, Depends(requires(Role.COMPLIANCE))]
LONGEST_KEY = 500
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Holder:
    """A contract that received the record, with the names that people know."""

    received: Recipient
    title: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Found:
    """One record and who holds it. `erased` is when it was erased here, None while it is served."""

    dataset: str
    key: str
    ordinal: int
    holders: list[Holder]
    erased: ErasedRecord | None


@dataclass(frozen=True, slots=True)
class Erasure:
    """One past erasure: how many records, why, and how many contracts were told."""

    id: str
    dataset: str
    reason: str
    at: datetime
    records: int
    told: int


@routes.get("")
def lookup(request: Request, actor: Officer, dataset: str = "", key: str = "") -> Response:
    """The form; with a dataset and a record's own id also who holds it, which is an entry before it is shown."""
    form = of({"dataset": dataset, "key": key, "reason": hint(request, "reason")})
    found = _find(request, actor, form) if key.strip() or dataset else None
    return _show(request, form, found)


@routes.post("")
def confirm(request: Request, actor: Officer, form: Annotated[Form, Depends(submitted)]) -> Response:
    """Erase the record for ever: excluded at once, every holder told."""
    found = _find(request, actor, form)
    if found is None:
        return _show(request, form, None)
    house = house_of(request)
    with house.store.read() as session:
        what = held(session, found.dataset, Ordinals([found.ordinal]))
    _remember(house, found)
    try:
        with house.store.write("erasure") as unit:
            erase(unit, actor, what, form.text("reason"))
    except Refused as error:
        refusal = mendable(error)
        form.errors["reason" if refusal.code == "reason_required" else ""] = refusal.reason
        return _show(request, form, found)
    return go("/compliance/erasure", "erased")


def _remember(house: House, found: Found) -> None:
    """Whom the record is about, by keyed hashes, so that the person is told who received it also when it is gone."""
    version = house.catalogue.version_of(found.dataset)
    if version is not None:
        remember(house.store, house.keys, house.settings, version, Ordinals([found.ordinal]))


def _find(request: Request, actor: Actor, form: Form) -> Found | None:
    """The record that the form names; None with an error beside the field where there is none."""
    house = house_of(request)
    dataset, key = form.text("dataset"), form.text("key")[:LONGEST_KEY]
    if house.catalogue.get(dataset) is None:
        form.errors["dataset"] = "Choose the dataset that the record is in."
    elif not key:
        form.errors["key"] = "Write the record’s own id, as it stands in the source."
    if form.errors:
        return None
    version = house.catalogue.version_of(dataset)
    ordinal = ordinal_of(house.settings, version, key) if version is not None else None
    if ordinal is None:
        form.errors["key"] = "No record of this id was ever loaded. Use the id of the source, not a partner’s pseudonym."
    with house.store.read() as session:
        holders = _holders(session, dataset, ordinal) if ordinal is not None else []
        erased = session.get(ErasedRecord, (dataset, ordinal)) if ordinal is not None else None
    with house.store.write("ledger search") as unit:
        note_lookup(unit, actor, dataset, key, len(holders))
    return None if ordinal is None else Found(dataset, key, ordinal, holders, erased)


def _show(request: Request, form: Form, found: Found | None) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        past = _past(session)
    return page(
        request,
        "compliance/erasure.html",
        422 if form.errors else 200,
        form=form,
        found=found,
        past=past,
        titles={each.id: each.settings.title for each in house.catalogue.all()},
        datasets=_datasets(house),
    )


def _datasets(house: House) -> list[tuple[str, str]]:
    return [(each.id, each.settings.title) for each in house.catalogue.all()]


def _holders(session: Session, dataset: str, ordinal: int) -> list[Holder]:
    received = recipients(session, dataset, ordinal)
    names = _contract_names(session, [each.contract_id for each in received])
    return [Holder(each, *names.get(each.contract_id, (each.contract_id, ""))) for each in received]


def _contract_names(session: Session, ids: list[str]) -> Mapping[str, tuple[str, str]]:
    query = select(Contract.id, Contract.title, Organisation.name).join(Organisation, col(Organisation.id) == col(Contract.organisation_id))
    return {key: (title, name) for key, title, name in session.exec(query.where(col(Contract.id).in_(ids))).all()}


def _past(session: Session) -> list[Erasure]:
    columns = (col(ErasedRecord.erasure_id), col(ErasedRecord.dataset))
    at = func.min(col(ErasedRecord.erased_at))
    grouped = sql_select(*columns, func.min(col(ErasedRecord.reason)), at, func.count()).group_by(*columns)
    rows = session.execute(grouped.order_by(at.desc()).limit(SHOWN)).all()
    told = sql_select(col(ErasureNotice.erasure_id), func.count()).where(col(ErasureNotice.erasure_id).in_([row[0] for row in rows]))
    counts = dict(session.execute(told.group_by(col(ErasureNotice.erasure_id))).all())
    return [Erasure(key, dataset, reason, at, records, counts.get(key, 0)) for key, dataset, reason, at, records in rows]

"""Tells of announced changes of fields: once when a live contract names the field, once more seven days before, by mail and webhook."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlmodel import Session, col, select

from contracts.changes.decide import Change, of_contract, stages_due
from contracts.clock import day_in, long_day
from contracts.ledger.stage import Entry, record
from contracts.lifecycle import tell
from contracts.lifecycle.once import first_time, told_before
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.states import LIVE
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.settings import Settings
from contracts.store.unit import Store, Unit
from contracts.terms.model import readable


def tell_due(store: Store, settings: Settings) -> int:
    """Tell what is due; returns how many contracts were told of something. Safe in several processes at once."""
    if not any(each.changes for each in settings.datasets.values()):
        return 0
    today = day_in(store.clock.now(), settings.platform.time_zone)
    with store.read() as session:
        due = list(_due(session, settings, today))
    return sum(_tell(store, settings, contract_id, today) for contract_id in due)


def _due(session: Session, settings: Settings, today: date) -> Iterator[str]:
    told = told_before(session)
    on = (col(ContractVersion.contract_id) == col(Contract.id)) & (col(ContractVersion.number) == col(Contract.version))
    live = col(Contract.state).in_([state.value for state in LIVE])
    for contract, version in session.exec(select(Contract, ContractVersion).join(ContractVersion, on).where(live)).all():
        terms = readable(version.terms_json)
        changes = [] if terms is None else of_contract(terms, settings.datasets, today)
        if any((contract.id, each.key(stage), each.day) not in told for each in changes for stage in stages_due(each, today)):
            yield contract.id


def _tell(store: Store, settings: Settings, contract_id: str, today: date) -> int:
    with store.write("field changes") as unit:
        contract = unit.lock(Contract, contract_id)
        terms = readable(version_of(unit.session, contract).terms_json)
        if contract.state not in LIVE or terms is None:
            return 0
        fresh = [each for each in of_contract(terms, settings.datasets, today) if _first(unit, contract, each, today)]
        for each in fresh:
            _send(unit, contract, each, settings.datasets[each.dataset].title, today)
    return 1 if fresh else 0


def _first(unit: Unit, contract: Contract, change: Change, today: date) -> bool:
    """Whether something of the change is told only now."""
    firsts = [first_time(unit, contract.id, change.key(stage), change.day) for stage in stages_due(change, today)]
    return any(firsts)


def _send(unit: Unit, contract: Contract, change: Change, title: str, today: date) -> None:
    days = (change.day - today).days
    template = "field-changes-today" if not days else "field-change-near" if "near" in stages_due(change, today) else "field-change"
    facts = {"field": change.field, "dataset": title, "day": long_day(change.day), "what": change.what}
    tell.to_partners(unit, contract, tell.USERS, template, path=f"/datasets/{change.dataset}", **facts)
    record(
        unit,
        Entry(
            event="dataset.change_announced",
            subject=contract.id,
            organisation=contract.organisation_id,
            contract=contract.id,
            contract_version=contract.version,
            dataset=change.dataset,
            fields=(change.field,),
            facts={"date": change.day.isoformat(), "what": change.what, "days": days},
        ),
    )

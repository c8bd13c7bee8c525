"""Erasures: a record is excluded from the moment of the decision, and every contract that holds it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from contracts.deliveries import queries
from contracts.deliveries.arrived import head
from contracts.deliveries.ordinals import Ordinals, fingerprint, pack
from contracts.deliveries.tables import ErasedRecord, ErasureNotice
from contracts.errors import refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store import epochs, outbox
from contracts.store.unit import Unit
from contracts.terms.model import readable

NOTICE = "erasure.notice"


@dataclass(frozen=True, slots=True)
class Held:
    """Records of one dataset and who holds them, read before the erasure's transaction so that its lock stays short.

    `known` entries were in the tree when they were read: later deliveries are read in the transaction. `hours` are those that a contract's terms give its holder to erase them; None where they give none.
    """

    dataset: str
    ordinals: Ordinals
    contracts: Mapping[str, Ordinals] = field(default_factory=dict)
    known: int = 0
    hours: Mapping[str, int | None] = field(default_factory=dict)


def held(session: Session, dataset: str, ordinals: Ordinals) -> Held:
    """Who holds the records now. May take long where much is not folded: read before, not inside, a write."""
    known = head(session)
    holding = queries.holders(session, dataset, ordinals)
    return Held(dataset, ordinals, holding, known, {contract: _hours(session, contract) for contract in holding})


def erase(unit: Unit, actor: Actor, what: Held, reason: str) -> str:
    """Exclude records for ever and tell every contract that holds them; returns the erasure's id.

    Only for compliance. Excluded rows, notices, their mails and the entry stand or fall together; answers that are on their way
    are re-run without the records, because the epoch `erasures` moves. Records that were erased before are left as they are;
    where all were, `command_not_possible`.
    """
    actor.require(Role.COMPLIANCE)
    if not reason.strip():
        raise refuse("reason_required", "Say why the record is erased, such as the person's request and its date.")
    # The epoch first: on PostgreSQL its row lock waits for every batch of answers that is being written.
    epochs.bump(unit, "erasures")
    fresh = what.ordinals - queries.erased_of(unit.session, what.dataset, what.ordinals)
    if not fresh:
        raise refuse("command_not_possible", "The record is erased already; its notices went out then.")
    erasure = new_id("ers")
    unit.session.add_all(
        ErasedRecord(
            dataset=what.dataset,
            ordinal=ordinal,
            erasure_id=erasure,
            reason=reason.strip(),
            erased_by=actor.account_id,
            erased_at=unit.now,
        )
        for ordinal in fresh
    )
    _tell(unit, actor, what, fresh, erasure, reason.strip())
    return erasure


def withdraw(unit: Unit, actor: Actor, what: Held, reason: str) -> str | None:
    """Tell contracts of records that a refresh no longer serves; nothing where nobody holds one. Returns the erasure's id."""
    late = queries.late_holders(unit.session, what.dataset, what.ordinals, what.known)
    if not what.contracts and not late:
        return None
    erasure = new_id("ers")
    _tell(unit, actor, what, what.ordinals, erasure, reason)
    return erasure


def _tell(unit: Unit, actor: Actor, what: Held, ordinals: Ordinals, erasure: str, reason: str) -> None:
    holding = {contract: found & ordinals for contract, found in what.contracts.items() if found & ordinals}
    for contract, found in queries.late_holders(unit.session, what.dataset, ordinals, what.known).items():
        holding[contract] = holding.get(contract, Ordinals()) | found
    for contract, found in holding.items():
        notice = ErasureNotice(
            id=new_id("ntc"),
            erasure_id=erasure,
            contract_id=contract,
            dataset=what.dataset,
            ordinals=pack(found),
            count=len(found),
            reason=reason,
            made_at=unit.now,
            due_at=_due(unit, what, contract),
        )
        unit.session.add(notice)
        outbox.put(unit, NOTICE, {"notice": notice.id})
    record(
        unit,
        Entry(
            event="erasure.made",
            subject=erasure,
            organisation=actor.organisation_id,
            dataset=what.dataset,
            rows=len(ordinals),
            records_hash=fingerprint(pack(ordinals)),
            facts={"contracts": sorted(holding)},
            personal={"account": actor.account_id, "network": actor.network, "reason": reason},
        ),
    )


def _due(unit: Unit, what: Held, contract_id: str) -> datetime | None:
    if contract_id not in what.hours:
        return due_of(unit, contract_id)
    hours = what.hours[contract_id]
    return None if hours is None else unit.now + timedelta(hours=hours)


def due_of(unit: Unit, contract_id: str) -> datetime | None:
    """By when a contract erases a record of which it is told now; None where its terms set no hours."""
    hours = _hours(unit.session, contract_id)
    return None if hours is None else unit.now + timedelta(hours=hours)


def _hours(session: Session, contract_id: str) -> int | None:
    query = (
        select(ContractVersion)
        .join(Contract, (col(Contract.id) == col(ContractVersion.contract_id)) & (col(Contract.version) == col(ContractVersion.number)))
        .where(Contract.id == contract_id)
    )
    version = session.exec(query).first()
    terms = None if version is None else readable(version.terms_json)
    return None if terms is None else terms.erasure_hours

"""Records that reach a contract after their erasure, because its page was fetched just before: the contract is told all the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlmodel import col, select

from contracts.deliveries import queries
from contracts.deliveries.ordinals import Ordinals, pack, unpack
from contracts.deliveries.service import NOTICE, due_of
from contracts.deliveries.tables import ErasedRecord, ErasureNotice
from contracts.ids import new_id
from contracts.store import outbox
from contracts.store.unit import Unit


def tell_late(unit: Unit, dataset: str, left: Mapping[str, Iterable[int]]) -> None:
    """Tell each contract of the records of a dataset that left under it just now and were erased meanwhile. Hold the epochs before."""
    by_contract = {contract_id: Ordinals(ordinals) for contract_id, ordinals in left.items()}
    erased = queries.erased_of(unit.session, dataset, Ordinals.union(*by_contract.values())) if left else Ordinals()
    for contract_id, ordinals in by_contract.items():
        if ordinals & erased:
            _tell(unit, contract_id, dataset, ordinals & erased)


def _tell(unit: Unit, contract_id: str, dataset: str, erased: Ordinals) -> None:
    """Make a notice for each erasure of these records of which the contract was not told yet."""
    rows = select(ErasedRecord).where(ErasedRecord.dataset == dataset, col(ErasedRecord.ordinal).in_(list(erased)))
    by_erasure: dict[tuple[str, str], Ordinals] = {}
    for row in unit.session.exec(rows).all():
        by_erasure.setdefault((row.erasure_id, row.reason), Ordinals()).add(row.ordinal)
    for (erasure_id, reason), found in sorted(by_erasure.items(), key=lambda each: each[0]):
        untold = found - _told(unit, contract_id, erasure_id)
        if untold:
            notice = ErasureNotice(
                id=new_id("ntc"),
                erasure_id=erasure_id,
                contract_id=contract_id,
                dataset=dataset,
                ordinals=pack(untold),
                count=len(untold),
                reason=reason,
                made_at=unit.now,
                due_at=due_of(unit, contract_id),
            )
            unit.session.add(notice)
            outbox.put(unit, NOTICE, {"notice": notice.id})


def _told(unit: Unit, contract_id: str, erasure_id: str) -> Ordinals:
    same = select(ErasureNotice).where(ErasureNotice.erasure_id == erasure_id, ErasureNotice.contract_id == contract_id)
    told = Ordinals()
    for notice in unit.session.exec(same).all():
        told |= unpack(notice.ordinals)
    return told

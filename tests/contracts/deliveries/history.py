"""Deliveries as the hot path leaves them, each with its entry, and a slow model that answers the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts.deliveries import queries
from contracts.deliveries.holdings import Holding, holdings
from contracts.deliveries.ordinals import Ordinals, pack
from contracts.deliveries.queries import Received, Recipient
from contracts.deliveries.tables import Delivery
from contracts.ledger.stage import Entry, record
from contracts.store.unit import Store


def deliver(store: Store, contract: str, dataset: str, ordinals: Sequence[int], at: datetime | None = None) -> str:
    """Let records leave; returns the entry's id."""
    with store.write() as unit:
        entry = record(unit, Entry(event="access.records", decision="allow", contract=contract, dataset=dataset, rows=len(ordinals)))
        row = Delivery(
            entry_id=entry,
            contract_id=contract,
            dataset=dataset,
            version="v1",
            ordinals=pack(ordinals),
            lowest=min(ordinals),
            highest=max(ordinals),
            count=len(ordinals),
            at=at or unit.now,
        )
        unit.session.add(row)
    return entry


@dataclass(frozen=True)
class Went:
    """One delivery as the model keeps it."""

    entry: str
    contract: str
    dataset: str
    ordinals: frozenset[int]
    at: datetime


@dataclass
class History:
    """Everything that left in one test, and the answers that must be given."""

    store: Store
    went: list[Went] = field(default_factory=list)

    def deliver(self, contract: str, dataset: str, ordinals: Sequence[int], at: datetime) -> None:
        """Let records leave and remember it."""
        entry = deliver(self.store, contract, dataset, ordinals, at)
        self.went.append(Went(entry, contract, dataset, frozenset(ordinals), at))

    def recipients(self, dataset: str, ordinal: int) -> list[Recipient]:
        """Who received a record, one delivery after the other."""
        having = sorted((w for w in self.went if w.dataset == dataset and ordinal in w.ordinals), key=lambda w: (w.at, w.entry))
        by = {contract: [w for w in having if w.contract == contract] for contract in dict.fromkeys(w.contract for w in having)}
        return [Recipient(each, len(ws), ws[0].at, ws[-1].at, tuple(w.entry for w in ws)) for each, ws in by.items()]

    def holders(self, dataset: str, ordinals: frozenset[int]) -> dict[str, Ordinals]:
        """Which of the records each contract holds."""
        held: dict[str, set[int]] = {}
        for w in self.went:
            if w.dataset == dataset and w.ordinals & ordinals:
                held.setdefault(w.contract, set()).update(w.ordinals & ordinals)
        return {contract: Ordinals(found) for contract, found in held.items()}

    def holdings(self, dataset: str, ordinals: frozenset[int]) -> list[Holding]:
        """What each contract received of several records."""
        met = sorted((w for w in self.went if w.dataset == dataset and w.ordinals & ordinals), key=lambda w: (w.at, w.entry))
        by = {contract: [w for w in met if w.contract == contract] for contract in dict.fromkeys(w.contract for w in met)}
        return [
            Holding(
                each,
                dataset,
                len(frozenset[int]().union(*(w.ordinals for w in ws)) & ordinals),
                len({w.at.date() for w in ws}),
                *(ws[0].at, ws[0].entry, ws[-1].at, ws[-1].entry),
            )
            for each, ws in by.items()
        ]

    def received(self, contract: str, since: datetime, until: datetime) -> list[Received]:
        """What a contract received in a time."""
        mine = [w for w in self.went if w.contract == contract and since <= w.at < until]
        by = {name: [w for w in mine if w.dataset == name] for name in sorted({w.dataset for w in mine})}
        return [
            Received(
                name,
                len(ws),
                sum(len(w.ordinals) for w in ws),
                len(frozenset[int]().union(*(w.ordinals for w in ws))),
                min(w.at for w in ws),
                max(w.at for w in ws),
            )
            for name, ws in by.items()
        ]

    def check(self, ordinals: Sequence[int], spans: Sequence[tuple[datetime, datetime]]) -> None:
        """Every question has the model's answer."""
        datasets, contracts = {w.dataset for w in self.went}, {w.contract for w in self.went}
        with self.store.read() as session:
            for dataset in datasets:
                for ordinal in ordinals:
                    assert queries.recipients(session, dataset, ordinal) == self.recipients(dataset, ordinal)
                several = frozenset(ordinals)
                assert queries.holders(session, dataset, Ordinals(several)) == self.holders(dataset, several)
                assert holdings(session, dataset, Ordinals(several)) == self.holdings(dataset, several)
            for contract in contracts:
                for since, until in spans:
                    assert queries.received(session, contract, since, until) == self.received(contract, since, until)

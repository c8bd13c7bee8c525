"""What each contract received of several records, such as one person's: how many, on how many days, and under which entry first and last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlmodel import Session

from contracts.deliveries.arrived import Arrived
from contracts.deliveries.ordinals import Ordinals, parts_of, unpack
from contracts.deliveries.queries import asked, between, days_of, ever, held_of, midnight

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Holding:
    """What one contract received of the records. `days` are days of UTC on which some left; the entries are of the first and last of them."""

    contract_id: str
    dataset: str
    records: int
    days: int
    first_at: datetime
    first_entry: str
    last_at: datetime
    last_entry: str


def holdings(session: Session, dataset: str, ordinals: Ordinals) -> list[Holding]:
    """By contract, in order of the first delivery. Reads the deliveries of each contract's first and last day alone, however many there are."""

    def ask(late: Sequence[Arrived]) -> list[Holding]:
        fresh = [each for each in late if each.dataset == dataset and unpack(each.packed) & ordinals]
        held = held_of(fresh, dataset, ordinals)
        for contract, packed in ever(session, dataset, parts_of(ordinals)):
            if common := unpack(packed) & ordinals:
                held.setdefault(contract, Ordinals()).update(common)
        days = days_of(session, dataset, ordinals)
        made = [_holding(each, dataset, found, days.get(each, []), met(each, days.get(each, []), fresh)) for each, found in held.items()]
        return sorted((each for each in made if each is not None), key=lambda each: (each.first_at, each.first_entry))

    def met(contract: str, known: Sequence[date], fresh: Sequence[Arrived]) -> list[Arrived]:
        there = [each for day in {*known[:1], *known[-1:]} for each in _on(session, contract, day) if each.dataset == dataset]
        return [each for each in there if unpack(each.packed) & ordinals] + [each for each in fresh if each.contract_id == contract]

    return asked(session, ask)


def entries_of(session: Session, dataset: str, ordinals: Ordinals) -> list[str]:
    """The entries under which any of the records ever left, in no order. Reads the deliveries of those days on which some did."""

    def ask(late: Sequence[Arrived]) -> list[str]:
        met = {each.entry_id: each for each in late if each.dataset == dataset}
        for contract, days in days_of(session, dataset, ordinals).items():
            for day in days:
                met |= {each.entry_id: each for each in _on(session, contract, day) if each.dataset == dataset}
        return [each.entry_id for each in met.values() if unpack(each.packed) & ordinals]

    return asked(session, ask)


def _holding(contract: str, dataset: str, held: Ordinals, known: Sequence[date], met: Sequence[Arrived]) -> Holding | None:
    """None where the first delivery came while the question was being answered."""
    if not met:
        return None
    days = {*known, *(each.at.astimezone(UTC).date() for each in met)}
    in_order = sorted(met, key=lambda each: (each.at, each.entry_id))
    ends = (in_order[0].at, in_order[0].entry_id, in_order[-1].at, in_order[-1].entry_id)
    return Holding(contract, dataset, len(held), len(days), *ends)


def _on(session: Session, contract: str, day: date) -> Iterator[Arrived]:
    return between(session, contract, midnight(day), midnight(day + _DAY))

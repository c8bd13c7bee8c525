"""Who received which records: from the folded sets, and from the deliveries that are not folded yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from sqlalchemy import bindparam, func
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from contracts.deliveries.arrived import Arrived, arrived, place
from contracts.deliveries.ordinals import Ordinals, parts_of, unpack
from contracts.deliveries.tables import EVER, Delivery, DeliveryFold, ErasedRecord, ErasureNotice
from contracts.store.driver import Ready

PARTS_A_QUERY = 500
_DAY = timedelta(days=1)

# Built once: building a statement costs more than running it.
_ERASED_BETWEEN = Ready(
    sql_select(col(ErasedRecord.ordinal)).where(
        col(ErasedRecord.dataset) == bindparam("of_dataset"),
        col(ErasedRecord.ordinal) >= bindparam("lowest"),
        col(ErasedRecord.ordinal) <= bindparam("highest"),
    ),
    *("of_dataset", "lowest", "highest"),
)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Recipient:
    """One contract that received a record: how often, first and last, and under which entries (oldest first)."""

    contract_id: str
    deliveries: int
    first_at: datetime
    last_at: datetime
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Received:
    """What one contract received of one dataset: answers, their records, how many of those are different, first and last."""

    dataset: str
    answers: int
    records: int
    different: int
    first_at: datetime
    last_at: datetime


def recipients(session: Session, dataset: str, ordinal: int) -> list[Recipient]:
    """Every contract that a record was ever delivered to, in order of the first delivery."""

    def ask(late: Sequence[Arrived]) -> list[Arrived]:
        found = {each.entry_id: each for each in late if each.dataset == dataset}
        for contract, days in days_of(session, dataset, Ordinals([ordinal])).items():
            for first, last in _runs(days):
                found |= {each.entry_id: each for each in between(session, contract, first, last) if each.dataset == dataset}
        return [each for each in found.values() if ordinal in unpack(each.packed)]

    by_contract: dict[str, list[Arrived]] = {}
    for each in sorted(asked(session, ask), key=lambda each: (each.at, each.entry_id)):
        by_contract.setdefault(each.contract_id, []).append(each)
    return [
        Recipient(contract, len(rows), rows[0].at, rows[-1].at, tuple(row.entry_id for row in rows))
        for contract, rows in by_contract.items()
    ]


def holders(session: Session, dataset: str, ordinals: Ordinals) -> dict[str, Ordinals]:
    """Which of the records each contract ever received, by contract id; contracts that received none are left out."""

    def ask(late: Sequence[Arrived]) -> dict[str, Ordinals]:
        held = held_of(late, dataset, ordinals)
        for contract, packed in ever(session, dataset, parts_of(ordinals)):
            if common := unpack(packed) & ordinals:
                held.setdefault(contract, Ordinals()).update(common)
        return held

    return asked(session, ask)


def late_holders(session: Session, dataset: str, ordinals: Ordinals, since: int) -> dict[str, Ordinals]:
    """As `holders`, of deliveries whose entries came into the tree from an index on, or wait for it."""
    return held_of(arrived(session, since), dataset, ordinals)


def received(session: Session, contract_id: str, since: datetime, until: datetime) -> list[Received]:
    """What a contract received from a moment on and before another, by dataset in alphabetical order."""
    row = Delivery
    figures = (func.count(), func.sum(col(row.count)), func.min(col(row.at)), func.max(col(row.at)))
    query = sql_select(col(row.dataset), *figures).where(col(row.contract_id) == contract_id, col(row.at) >= since, col(row.at) < until)
    rows = session.execute(query.group_by(col(row.dataset)).order_by(col(row.dataset))).all()
    different = _different(session, contract_id, since, until)
    return [Received(name, answers, records, len(different[name]), *ends) for name, answers, records, *ends in rows]


def answers(session: Session, contract_id: str, since: datetime, until: datetime, most: int) -> list[Delivery]:
    """The last answers that a contract received in that time, newest first."""
    row = Delivery
    query = select(row).where(col(row.contract_id) == contract_id, col(row.at) >= since, col(row.at) < until)
    return list(session.exec(query.order_by(col(row.at).desc(), col(row.entry_id).desc()).limit(most)).all())


def erased_of(session: Session, dataset: str, among: Ordinals | None = None) -> Ordinals:
    """Every record of a dataset that was erased here; only those of a set where one is given."""
    query = select(ErasedRecord.ordinal).where(ErasedRecord.dataset == dataset)
    if among is None:
        return Ordinals(session.exec(query).all())
    if not among:
        return Ordinals()
    found = _ERASED_BETWEEN.run(session.connection(), dataset, among.min(), among.max()).fetchall()
    return Ordinals([ordinal for (ordinal,) in found]) & among


def notices_of(session: Session, contract_id: str) -> list[ErasureNotice]:
    """A contract's erasure notices, newest first."""
    query = select(ErasureNotice).where(ErasureNotice.contract_id == contract_id)
    return list(session.exec(query.order_by(col(ErasureNotice.made_at).desc(), col(ErasureNotice.id).desc())).all())


def asked(session: Session, ask: Callable[[Sequence[Arrived]], Answer]) -> Answer:
    """What `ask` finds in the fold with the deliveries that are not in it; again where a rebuild took the fold away meanwhile."""
    while True:
        before = place(session)
        found = ask(arrived(session, before.known))
        if place(session).rebuilds == before.rebuilds:
            return found


def held_of(late: Iterable[Arrived], dataset: str, ordinals: Ordinals) -> dict[str, Ordinals]:
    """Which of the records each contract received among some deliveries."""
    held: dict[str, Ordinals] = {}
    for each in late:
        if each.dataset == dataset and (common := unpack(each.packed) & ordinals):
            held.setdefault(each.contract_id, Ordinals()).update(common)
    return held


def ever(session: Session, dataset: str, parts: Sequence[int]) -> Iterator[tuple[str, bytes]]:
    """Contracts with what they ever received of a part of a dataset, packed, as far as that is folded."""
    row = DeliveryFold
    for start in range(0, len(parts), PARTS_A_QUERY):
        here = (col(row.dataset) == dataset, col(row.day) == EVER, col(row.part).in_(parts[start : start + PARTS_A_QUERY]))
        yield from session.execute(sql_select(col(row.contract_id), col(row.ordinals)).where(*here))


def days_of(session: Session, dataset: str, ordinals: Ordinals) -> Mapping[str, list[date]]:
    """The days of UTC on which each contract received one of the records, as far as that is folded; in order."""
    row, parts, found = DeliveryFold, parts_of(ordinals), dict[str, set[date]]()
    holding = {contract for contract, packed in ever(session, dataset, parts) if unpack(packed) & ordinals}
    for start in range(0, len(parts), PARTS_A_QUERY):
        some = (col(row.part).in_(parts[start : start + PARTS_A_QUERY]), col(row.day) > EVER, col(row.contract_id).in_(holding))
        query = sql_select(col(row.contract_id), col(row.day), col(row.ordinals)).where(col(row.dataset) == dataset, *some)
        for contract, day, packed in session.execute(query.execution_options(yield_per=2_000)):
            if unpack(packed) & ordinals:
                found.setdefault(contract, set()).add(day)
    return {contract: sorted(days) for contract, days in found.items()}


def _runs(days: Sequence[date]) -> Iterator[tuple[datetime, datetime]]:
    """Days in order as spans of time without gaps, each up to before its second moment."""
    first = 0
    for number, day in enumerate(days):
        if number + 1 == len(days) or days[number + 1] != day + _DAY:
            yield midnight(days[first]), midnight(day + _DAY)
            first = number + 1


def midnight(day: date) -> datetime:
    """The first moment of a day of UTC."""
    return datetime.combine(day, time(), UTC)


def between(session: Session, contract_id: str, since: datetime, until: datetime) -> Iterator[Arrived]:
    """A contract's deliveries from a moment on and before another."""
    row = Delivery
    query = sql_select(col(row.entry_id), col(row.contract_id), col(row.dataset), col(row.at), col(row.ordinals))
    there = query.where(col(row.contract_id) == contract_id, col(row.at) >= since, col(row.at) < until)
    return (Arrived(*each) for each in session.execute(there.execution_options(yield_per=500)))


def _different(session: Session, contract_id: str, since: datetime, until: datetime) -> Mapping[str, Ordinals]:
    """The records by dataset: whole days from the fold, the rest of the time from the deliveries."""
    first = since.astimezone(UTC).date() if since == midnight(since.astimezone(UTC).date()) else since.astimezone(UTC).date() + _DAY
    after = until.astimezone(UTC).date()
    edges = [(since, midnight(first)), (midnight(after), until)] if first < after else [(since, until)]

    def ask(late: Sequence[Arrived]) -> dict[str, Ordinals]:
        found: dict[str, Ordinals] = {}
        direct = [each for edge in edges for each in between(session, contract_id, *edge)]
        mine = [each for each in late if each.contract_id == contract_id and since <= each.at < until]
        for each in (*direct, *mine):
            found.setdefault(each.dataset, Ordinals()).update(unpack(each.packed))
        for dataset, packed in _whole_days(session, contract_id, first, after):
            found.setdefault(dataset, Ordinals()).update(unpack(packed))
        return found

    return asked(session, ask)


def _whole_days(session: Session, contract_id: str, first: date, after: date) -> Iterator[tuple[str, bytes]]:
    row = DeliveryFold
    there = (col(row.contract_id) == contract_id, col(row.day) >= first, col(row.day) < after)
    query = sql_select(col(row.dataset), col(row.ordinals)).where(*there)
    return iter(session.execute(query.execution_options(yield_per=2_000)))

"""Different records of a contract's period: exact, and moved only in the transaction that writes the answers' entries.

What left is kept in parts of 65,536 ordinals, so that a page touches few of them. Each version of a contract counts in rows of its
own, filled once from the deliveries of the period: those of earlier versions are over then, because the epoch has moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from contracts.deliveries.ordinals import Ordinals, pack, unpack
from contracts.deliveries.tables import Delivery
from contracts.quotas.tables import QuotaDistinct, QuotaSeen
from contracts.store.unit import Store, Unit

PART_BITS = 16

# Built once: building a statement costs more than running it.
_OF = (col(QuotaDistinct.contract_id) == bindparam("of_contract"), col(QuotaDistinct.version) == bindparam("of_version"))
_LOCK = select(col(QuotaDistinct.used)).where(*_OF).with_for_update()
_MOVE = update(QuotaDistinct).where(*_OF, col(QuotaDistinct.used) == bindparam("seen")).values(used=bindparam("now_used"))
_PARTS = select(col(QuotaSeen.part), col(QuotaSeen.ordinals)).where(
    col(QuotaSeen.contract_id) == bindparam("of_contract"),
    col(QuotaSeen.version) == bindparam("of_version"),
    col(QuotaSeen.dataset) == bindparam("of_dataset"),
    col(QuotaSeen.part).in_(bindparam("parts", expanding=True)),
)

Part = tuple[str, int]


@dataclass
class Seen:
    """The different records of one contract's version while a batch holds them: how many, and the parts that were looked at."""

    contract_id: str
    version: int
    before: int
    used: int
    parts: dict[Part, Ordinals] = field(default_factory=dict)
    changed: set[Part] = field(default_factory=set)

    def fitting(self, connection: Connection, dataset: str, ordinals: Sequence[int], cap: int) -> int:
        """How many of the records, in order, leave before the first that would make more than `cap` different ones."""
        self._look(connection, dataset, ordinals)
        left, fresh = max(0, cap - self.used), set[int]()
        for count, ordinal in enumerate(ordinals):
            if ordinal in fresh or ordinal & _LOW in self.parts[_part(dataset, ordinal)]:
                continue
            if len(fresh) >= left:
                return count
            fresh.add(ordinal)
        return len(ordinals)

    def add(self, dataset: str, ordinals: Iterable[int]) -> int:
        """Count records that leave, which `fitting` has looked at; returns how many had not left before."""
        before = self.used
        for ordinal in ordinals:
            part = _part(dataset, ordinal)
            if ordinal & _LOW not in self.parts[part]:
                self.parts[part].add(ordinal & _LOW)
                self.changed.add(part)
                self.used += 1
        return self.used - before

    def _look(self, connection: Connection, dataset: str, ordinals: Iterable[int]) -> None:
        missing = {ordinal >> PART_BITS for ordinal in ordinals} - {part for name, part in self.parts if name == dataset}
        if not missing:
            return
        asked = {"of_contract": self.contract_id, "of_version": self.version, "of_dataset": dataset, "parts": sorted(missing)}
        found = {part: unpack(bytes(packed)) for part, packed in connection.execute(_PARTS, asked).all()}
        self.parts |= {(dataset, part): found.get(part, Ordinals()) for part in missing}


def locked(unit: Unit, contract_id: str, version: int) -> Seen:
    """What is counted of a version, its row locked until the end of the unit.

    Raises ValueError where `ensure` has not filled it.
    """
    used = unit.connection.execute(_LOCK, {"of_contract": contract_id, "of_version": version}).scalar()
    if used is None:
        raise ValueError(f"different records of {contract_id}, version {version}, are not known yet")
    return Seen(contract_id, version, int(used), int(used))


def settle(unit: Unit, seen: Seen) -> None:
    """Write what is counted now. The row moves only from the value that was locked; anything else is an error of the house."""
    if not seen.changed:
        return
    of_version = {"contract_id": seen.contract_id, "version": seen.version}
    rows = [{**of_version, "dataset": name, "part": part, "ordinals": pack(seen.parts[name, part])} for name, part in sorted(seen.changed)]
    dialect = postgresql if unit.connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(QuotaSeen)
    keys = ["contract_id", "version", "dataset", "part"]
    unit.connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"ordinals": statement.excluded.ordinals}), rows)
    values = {"of_contract": seen.contract_id, "of_version": seen.version, "seen": seen.before, "now_used": seen.used}
    if unit.connection.execute(_MOVE, values).rowcount != 1:
        raise RuntimeError(f"different records of {seen.contract_id} moved under their lock")


def ensure(store: Store, contract_id: str, version: int, since: datetime) -> None:
    """Fill a version's rows from what was delivered since a moment; done before, it does nothing. Safe to race.

    The deliveries are read before the write lock is taken. None can be missing: this version delivers nothing before its rows are
    there, and no earlier version delivers after this one is in force.
    """
    with store.read() as session:
        if session.get(QuotaDistinct, (contract_id, version)) is not None:
            return
        query = select(col(Delivery.dataset), col(Delivery.ordinals)).where(
            col(Delivery.contract_id) == contract_id, col(Delivery.at) >= since
        )
        held: dict[str, Ordinals] = {}
        for dataset, packed in session.connection().execute(query.execution_options(yield_per=500)):
            held[dataset] = held.get(dataset, Ordinals()) | unpack(bytes(packed))
    of_version = {"contract_id": contract_id, "version": version}
    rows = [
        {**of_version, "dataset": name, "part": part, "ordinals": packed}
        for name, all_of in held.items()
        for part, packed in _split(all_of)
    ]
    with store.write("distinct") as unit:
        if not _claimed(unit, of_version, sum(map(len, held.values()))):
            return
        for table in (QuotaSeen, QuotaDistinct):
            unit.connection.execute(delete(table).where(col(table.contract_id) == contract_id, col(table.version) < version))
        if rows:
            unit.connection.execute(insert(QuotaSeen), rows)


def used_of(connection: Connection, contract_id: str, version: int) -> int:
    """Different records that left under a version, for pages; 0 before the first."""
    asked = {"of_contract": contract_id, "of_version": version}
    return int(connection.execute(select(col(QuotaDistinct.used)).where(*_OF), asked).scalar() or 0)


def _claimed(unit: Unit, of_version: dict[str, object], used: int) -> bool:
    """Whether the row is made here; another process may make it at the same moment, and then this one waits and leaves it be."""
    dialect = postgresql if unit.connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(QuotaDistinct).values(**of_version, used=used).on_conflict_do_nothing()
    return unit.connection.execute(statement.returning(col(QuotaDistinct.used))).first() is not None


def _split(ordinals: Ordinals) -> Iterable[tuple[int, bytes]]:
    if not ordinals:
        return
    for part in range(ordinals.min() >> PART_BITS, (ordinals.max() >> PART_BITS) + 1):
        start = part << PART_BITS
        among = ordinals & Ordinals(range(start, start + (1 << PART_BITS)))
        if among:
            yield part, pack(ordinal & _LOW for ordinal in among)


def _part(dataset: str, ordinal: int) -> Part:
    return dataset, ordinal >> PART_BITS


_LOW = (1 << PART_BITS) - 1

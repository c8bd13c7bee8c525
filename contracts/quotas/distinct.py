"""Different records of a contract's period: exact, and moved only in the transaction that writes the answers' entries.

What left is kept in parts of 65,536 ordinals, so that a page touches few of them. Each version of a contract counts in rows of its
own, filled once from the deliveries of the period: those of earlier versions are over then, because the epoch has moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from contracts.deliveries.ordinals import Ordinals, pack, parts_of, unpack, within
from contracts.deliveries.tables import Delivery
from contracts.quotas.tables import QuotaDistinct, QuotaSeen
from contracts.store.driver import Ready
from contracts.store.many import Insertion
from contracts.store.unit import Store, Unit

# Built once: building a statement costs more than running it.
_OF = (col(QuotaDistinct.contract_id) == bindparam("of_contract"), col(QuotaDistinct.version) == bindparam("of_version"))
_LOCK = Ready(select(col(QuotaDistinct.used)).where(*_OF).with_for_update(), "of_contract", "of_version")
_NEWEST = Ready(select(func.max(col(QuotaDistinct.version))).where(_OF[0]), "of_contract")
_MOVE = Ready(
    update(QuotaDistinct).where(*_OF, col(QuotaDistinct.used) == bindparam("seen")).values(used=bindparam("now_used")),
    *("of_contract", "of_version", "seen", "now_used"),
)
_KEEP = Insertion(
    QuotaSeen,
    *("contract_id", "version", "dataset", "part", "ordinals"),
    conflict="ON CONFLICT (contract_id, version, dataset, part) DO UPDATE SET ordinals = excluded.ordinals",
)
_PARTS = select(col(QuotaSeen.ordinals)).where(
    col(QuotaSeen.contract_id) == bindparam("of_contract"),
    col(QuotaSeen.version) == bindparam("of_version"),
    col(QuotaSeen.dataset) == bindparam("of_dataset"),
    col(QuotaSeen.part).in_(bindparam("parts", expanding=True)),
)

Part = tuple[str, int]


@dataclass
class Seen:
    """The different records of one contract's version while a batch holds them: how many, and those of the parts that it looked at."""

    contract_id: str
    version: int
    before: int
    used: int
    known: dict[str, Ordinals] = field(default_factory=dict)
    looked: set[Part] = field(default_factory=set)
    changed: set[Part] = field(default_factory=set)

    def fitting(self, connection: Connection, dataset: str, ordinals: Sequence[int], cap: int) -> int:
        """How many of the records, in order, leave before the first that would make more than `cap` different ones."""
        page = Ordinals(ordinals)
        self._look(connection, dataset, page)
        fresh, left = page - self.known[dataset], max(0, cap - self.used)
        if len(fresh) <= left:
            return len(ordinals)
        for count, ordinal in enumerate(ordinals):
            if ordinal in fresh:
                if not left:
                    return count
                fresh.discard(ordinal)
                left -= 1
        return len(ordinals)

    def add(self, dataset: str, ordinals: Sequence[int]) -> int:
        """Count records that leave, which `fitting` has looked at; returns how many had not left before."""
        fresh = Ordinals(ordinals) - self.known[dataset]
        self.known[dataset] |= fresh
        self.changed |= {(dataset, part) for part in parts_of(fresh)}
        self.used += len(fresh)
        return len(fresh)

    def _look(self, connection: Connection, dataset: str, page: Ordinals) -> None:
        known = self.known.setdefault(dataset, Ordinals())
        missing = sorted(part for part in parts_of(page) if (dataset, part) not in self.looked)
        if not missing:
            return
        asked = {"of_contract": self.contract_id, "of_version": self.version, "of_dataset": dataset, "parts": missing}
        for packed in connection.execute(_PARTS, asked).scalars():
            known |= unpack(bytes(packed))
        self.known[dataset] = known
        self.looked |= {(dataset, part) for part in missing}


def locked(unit: Unit, contract_id: str, version: int) -> Seen:
    """What is counted of a version, its row locked until the end of the unit.

    Raises ValueError where `ensure` has not filled it.
    """
    found = _LOCK.run(unit.connection, contract_id, version).fetchone()
    if found is None:
        raise ValueError(f"different records of {contract_id}, version {version}, are not known yet")
    return Seen(contract_id, version, int(found[0]), int(found[0]))


def newest(connection: Connection, contract_id: str) -> int | None:
    """The contract's last version whose different records are counted; None where those of none are."""
    (version,) = _NEWEST.run(connection, contract_id).fetchone()
    return None if version is None else int(version)


def settle(unit: Unit, seen: Seen) -> None:
    """Write what is counted now. The row moves only from the value that was locked; anything else is an error of the house."""
    if not seen.changed:
        return
    rows = [(seen.contract_id, seen.version, name, part, _packed(seen.known[name], part)) for name, part in sorted(seen.changed)]
    _KEEP.execute(unit.connection, rows)
    if _MOVE.run(unit.connection, seen.contract_id, seen.version, seen.before, seen.used).rowcount != 1:
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
    for part in parts_of(ordinals):
        yield part, _packed(ordinals, part)


def _packed(ordinals: Ordinals, part: int) -> bytes:
    return pack(within(ordinals, part))

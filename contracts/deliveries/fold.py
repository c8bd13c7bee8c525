"""Folds deliveries into few sets, so that "who holds this record" opens few of a hundred thousand.

A job follows the ledger: the deliveries of the next entries are united by dataset, part, day and contract, merged into what is
there, and only then the place moves on. Merging the same delivery again changes nothing, so whoever is killed in between, or
does the same work beside another, neither loses nor doubles one. The place's row is locked whenever something is merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date
from itertools import islice

from sqlalchemy import Connection, bindparam, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from contracts.credentials.tables import Followed
from contracts.deliveries.arrived import FOLDED, REBUILDING, REBUILDS, Arrived, Place, head, integrated, place
from contracts.deliveries.ordinals import Ordinals, pack, parts_of, unpack, within
from contracts.deliveries.tables import EVER, DeliveryFold
from contracts.errors import refuse
from contracts.store.many import Insertion
from contracts.store.unit import Store, Unit

ENTRIES_A_RUN = 5_000
SQLITE_SETS = 32
"""Sets in one transaction on SQLite: at 8 KB each they hold the write lock for about 5 of the 20 ms that are allowed."""
SETS = 1_000

# Dataset, day and contract: what is folded together.
Group = tuple[str, date, str]
Piece = tuple[Group, dict[int, Ordinals]]

# Built once: building a statement costs more than running it.
_KNOWN = select(col(DeliveryFold.part), col(DeliveryFold.ordinals)).where(
    col(DeliveryFold.dataset) == bindparam("of_dataset"),
    col(DeliveryFold.part).in_(bindparam("parts", expanding=True)),
    col(DeliveryFold.day) == bindparam("of_day"),
    col(DeliveryFold.contract_id) == bindparam("of_contract"),
)
_LOCKED = (
    select(col(Followed.name), col(Followed.next))
    .where(col(Followed.name).in_([FOLDED, REBUILDS]))
    .order_by(col(Followed.name))
    .with_for_update()
)
_MOVE = update(Followed).where(col(Followed.name) == bindparam("of_name")).values(next=bindparam("to"))
_MERGED = Insertion(
    DeliveryFold,
    *("dataset", "part", "day", "contract_id", "ordinals"),
    conflict="ON CONFLICT (dataset, part, day, contract_id) DO UPDATE SET ordinals = excluded.ordinals",
)


def tick(store: Store) -> int:
    """Fold the deliveries of the next entries; returns how many entries were read where more wait, so that a backlog goes at once."""
    before = _next(store)
    for _ in steps(store):
        pass
    moved = _next(store) - before
    return moved if moved >= ENTRIES_A_RUN else 0


def steps(store: Store, sets: int | None = None) -> Iterator[int]:
    """As `tick`, one transaction of so many sets a step; yields how many it wrote. Whoever stops between two steps has lost nothing."""
    with store.read() as session:
        start, size = place(session), head(session)
        end = min(size, start.next + ENTRIES_A_RUN)
        if start.is_rebuilding or end <= start.next:
            return
        united = _united(integrated(session, start.next, end))
    _ensure(store)
    for pieces in _transactions(united, sets or (SQLITE_SETS if store.is_sqlite else SETS)):
        with store.write("delivery fold") as unit:
            if _locked(unit) != start:
                return
            written = sum(_merge(unit.connection, piece) for piece in pieces)
        yield written
    with store.write("delivery fold") as unit:
        if _locked(unit) != start:
            return
        _move(unit, FOLDED, end)
    yield 0


def rebuild(store: Store) -> int:
    """Take every folded set away and fold all deliveries again; returns how many entries were read.

    Questions are answered meanwhile, from the deliveries themselves, and take longer. A run that was stopped leaves it at that; the
    next one begins again. `changed_meanwhile` where another one began after this one.
    """
    for _ in forgetting(store):
        pass
    while tick(store):
        pass
    return _next(store)


def forgetting(store: Store) -> Iterator[int]:
    """The first half of `rebuild`, one transaction a step; yields how many sets it took away."""
    _ensure(store)
    with store.write("delivery fold") as unit:
        mine = Place(REBUILDING, _locked(unit).rebuilds + 1)
        _move(unit, FOLDED, mine.next)
        _move(unit, REBUILDS, mine.rebuilds)
    gone = 1
    while gone:
        with store.write("delivery fold") as unit:
            if _locked(unit) != mine:
                raise refuse("changed_meanwhile", "Another rebuild of the deliveries began after this one; let that one end.")
            gone = _forget(unit.connection, SQLITE_SETS if store.is_sqlite else SETS)
            if not gone:
                _move(unit, FOLDED, 0)
        yield gone


def _united(deliveries: Iterable[Arrived]) -> dict[Group, Ordinals]:
    united = dict[Group, Ordinals]()
    for each in deliveries:
        ordinals = unpack(each.packed)
        for day in (EVER, each.at.astimezone(UTC).date()):
            united.setdefault((each.dataset, day, each.contract_id), Ordinals()).update(ordinals)
    return united


def _next(store: Store) -> int:
    with store.read() as session:
        return place(session).next


def _transactions(united: dict[Group, Ordinals], most: int) -> Iterator[list[Piece]]:
    """The sets by part, so many to a transaction; in one order, so that two that race lock no rows crosswise."""
    room, pieces = most, list[Piece]()
    for group, ordinals in sorted(united.items(), key=lambda item: item[0]):
        parts = iter(parts_of(ordinals))
        while some := {part: within(ordinals, part) for part in islice(parts, room)}:
            pieces.append((group, some))
            room -= len(some)
            if not room:
                yield pieces
                room, pieces = most, []
    if pieces:
        yield pieces


def _merge(connection: Connection, piece: Piece) -> int:
    """Merge one group's sets into those that are there; one that holds them all is not written again."""
    (dataset, day, contract), fresh = piece
    asked = {"of_dataset": dataset, "parts": list(fresh), "of_day": day, "of_contract": contract}
    known = {part: unpack(packed) for part, packed in connection.execute(_KNOWN, asked)}
    merged = {part: known.get(part, Ordinals()) | ordinals for part, ordinals in fresh.items()}
    grown = [
        (dataset, part, day, contract, pack(each)) for part, each in merged.items() if part not in known or len(each) > len(known[part])
    ]
    _MERGED.execute(connection, grown)
    return len(grown)


def _ensure(store: Store) -> None:
    """Make the rows of the place, which a fold has to find to lock."""
    with store.read() as session:
        if session.get(Followed, FOLDED) is not None and session.get(Followed, REBUILDS) is not None:
            return
    with store.write("delivery fold") as unit:
        dialect = postgresql if unit.connection.dialect.name == "postgresql" else sqlite
        rows = [{"name": name, "next": 0} for name in (FOLDED, REBUILDS)]
        unit.connection.execute(dialect.insert(Followed).on_conflict_do_nothing(), rows)


def _locked(unit: Unit) -> Place:
    """Where the fold stands, its rows locked until the end of the unit."""
    found = dict(unit.connection.execute(_LOCKED).all())
    return Place(found[FOLDED], found[REBUILDS])


def _move(unit: Unit, name: str, to: int) -> None:
    unit.connection.execute(_MOVE, {"of_name": name, "to": to})


def _forget(connection: Connection, most: int) -> int:
    key = tuple_(col(DeliveryFold.dataset), col(DeliveryFold.part), col(DeliveryFold.day), col(DeliveryFold.contract_id))
    return connection.execute(delete(DeliveryFold).where(key.in_(select(*key.clauses).limit(most)))).rowcount

"""`make bench-deliveries`: who holds what, out of 100,000 answers of 1,000 records each, scattered over 5,000,000 records.

`BENCH_PAGES` says how many answers (100,000), of 25 contracts in 365 days. The newest thousand are not folded yet, as when the portal
is busy. Each question is asked five times, about other records, persons and times, on SQLite and on PostgreSQL: its ratio is half a second
by what it took. The first question is also asked of every delivery one by one, as it would have to be without the fold: that ratio is how
many times longer it takes.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select, text, update
from sqlmodel import Session, col

from bench.harness import summarise
from contracts.clock import FixedClock
from contracts.deliveries import fold, queries
from contracts.deliveries.ordinals import Ordinals, pack, unpack
from contracts.deliveries.tables import Delivery
from contracts.ledger.tables import LedgerEntry, LedgerHead
from contracts.store.engine import open_engine
from contracts.store.many import Insertion
from contracts.store.schema import upgrade
from contracts.store.unit import Store
from tests.harness.postgres import execute, running

PAGES = int(os.environ.get("BENCH_PAGES", "100000"))
RECORDS, STRIDE, CONTRACTS, DAYS, LATE = 1_000, 5_000, 25, 365, 1_000
FIRST = datetime(2025, 11, 1, tzinfo=UTC)
ROUNDS, BUDGET, PERSON = 5, 0.5, 40
TOGETHER, SETS = 2_000, 20_000

_DELIVERIES = Insertion(Delivery, "entry_id", "contract_id", "dataset", "version", "ordinals", "lowest", "highest", "count", "free", "at")
_ENTRIES = Insertion(LedgerEntry, "index", "id", "leaf")


@dataclass
class Filled:
    """A store with its answers: which contract received which page when, in order."""

    store: Store
    pages: list[tuple[str, int, datetime]] = field(default_factory=list)


def fill(store: Store, pages: int = PAGES, late: int = LATE) -> Filled:
    """Let pages leave, each of every 5,000th record from some place on; fold all but the newest."""
    made, chance = Filled(store), random.Random(7)
    packed = {first: pack(range(first, RECORDS * STRIDE, STRIDE)) for first in range(min(pages, STRIDE))}
    gap = timedelta(days=DAYS) / pages
    for number in range(pages):
        made.pages.append((f"ctr_{chance.randrange(CONTRACTS):026d}", number * 7 % len(packed), FIRST + gap * number))
    for start in range(0, pages, TOGETHER):
        with store.write("bench") as unit:
            some = list(enumerate(made.pages[start : start + TOGETHER], start))
            _DELIVERIES.execute(unit.connection, [_delivery(number, *page, packed[page[1]]) for number, page in some])
            _ENTRIES.execute(unit.connection, [(number, _id(number), b"{}") for number, _ in some])
    with store.write("bench") as unit:
        unit.session.add(LedgerHead(id=1, size=pages - late))
    # In few transactions, because nobody else waits for the lock here.
    while sum(1 for _ in fold.steps(store, SETS)):
        pass
    with store.write("bench") as unit:
        unit.connection.execute(update(LedgerHead).values(size=pages))
    return made


def one_by_one(session: Session, ordinal: int) -> int:
    """How many answers held a record, found in every set."""
    rows = session.execute(select(col(Delivery.ordinals)).execution_options(yield_per=500)).scalars()
    return sum(ordinal in unpack(packed) for packed in rows)


def main() -> None:
    """Fill both stores, ask, print the result."""
    each: dict[str, list[float]] = {}
    with _stores() as stores:
        for name, store in stores:
            started = time.perf_counter()
            made = fill(store)
            sys.stdout.write(f"{name}: {len(made.pages):,} answers made and folded in {time.perf_counter() - started:.0f} s\n")
            sys.stdout.flush()
            if name == "postgresql":
                with store.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                    connection.execute(text("VACUUM ANALYZE"))
            found = ask(made)
            for question, taken in found.items():
                sys.stdout.write(f"{question:12s} {statistics.median(taken):8.3f} s [{min(taken):.3f}-{max(taken):.3f}]\n")
            slow = found.pop("one_by_one")
            each |= {f"{question}_{name}": [BUDGET / seconds for seconds in taken] for question, taken in found.items()}
            each[f"record_vs_one_by_one_{name}"] = [long / short for long, short in zip(slow, found["record"], strict=True)]
    summarise("deliveries", each, {label: 8.0 if "one_by_one" in label else 1.0 for label in each})


def ask(made: Filled) -> dict[str, list[float]]:
    """Seconds of every question, each round about something else."""
    taken: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        chance = random.Random(number)
        for name, (question, wanted) in _questions(made, chance).items():
            with made.store.read() as session:
                started = time.perf_counter()
                found = question(session)
                taken.setdefault(name, []).append(time.perf_counter() - started)
            if found != wanted:
                raise RuntimeError(f"{name}: {found} where {wanted} is right")
    return taken


def _questions(made: Filled, chance: random.Random) -> dict[str, tuple[Callable[[Session], int], int]]:
    """Each question, as a figure of its answer, and the figure that is right."""
    ordinal, contract = chance.randrange(RECORDS * STRIDE), made.pages[chance.randrange(len(made.pages))][0]
    person = chance.sample(range(RECORDS * STRIDE), PERSON)
    since = FIRST + timedelta(days=chance.randrange(DAYS // 2), hours=7)
    until = since + timedelta(days=DAYS // 3, hours=9)
    times = sum(first == ordinal % STRIDE for _, first, _ in made.pages)
    by_place = {first: [each for each in person if each % STRIDE == first] for first in {each % STRIDE for each in person}}
    held = {(who, each) for who, first, _ in made.pages for each in by_place.get(first, ())}
    different = {first for who, first, at in made.pages if who == contract and since <= at < until}
    return {
        "record": (lambda session: sum(each.deliveries for each in queries.recipients(session, "posts", ordinal)), times),
        "person": (lambda session: sum(map(len, queries.holders(session, "posts", Ordinals(person)).values())), len(held)),
        "contract": (
            lambda session: sum(each.different for each in queries.received(session, contract, since, until)),
            len(different) * RECORDS,
        ),
        "one_by_one": (lambda session: one_by_one(session, ordinal), times),
    }


def _delivery(number: int, contract: str, first: int, at: datetime, packed: bytes) -> tuple[object, ...]:
    highest = first + (RECORDS - 1) * STRIDE
    return (_id(number), contract, "posts", "v1", packed, first, highest, RECORDS, False, at)


def _id(number: int) -> str:
    return f"ent_{number:026d}"


@contextmanager
def _stores() -> Iterator[Iterator[tuple[str, Store]]]:
    clock = FixedClock(FIRST + timedelta(days=DAYS))
    with tempfile.TemporaryDirectory() as folder, running() as server:
        execute(server, "CREATE DATABASE bench")
        urls = {"sqlite": f"sqlite:///{Path(folder) / 'licet.db'}", "postgresql": server.replace("/postgres?", "/bench?")}
        yield ((name, _migrated(url, clock)) for name, url in urls.items())


def _migrated(url: str, clock: FixedClock) -> Store:
    engine = open_engine(url)
    upgrade(engine)
    return Store(engine, clock)


if __name__ == "__main__":
    main()

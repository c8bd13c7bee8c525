"""`make bench-ledger`: how many entries the ledger takes, how long a request waits for its own, what a proof and a whole check cost.

Entries of answers, one personal value each, go through the hot path's writer, in a loop like the server's, beside the jobs that write:
the sequencer signs four times a second. They count once they are in the tree, and with search once search knows them. So many come
from whoever gathers entries, as the gate does: 32 together. How many there are one by one, each with a caller of its own that waits,
is told beside it. Each ratio is a measure against its target, so 1 is met: entries a second over those wanted, time allowed over time
taken. Of searches it is the time that 95 of 100 stay under. `BENCH_ENTRIES`, `BENCH_CHECKED`, `BENCH_LONG` and `BENCH_SEARCHED` say
how many entries are written, checked, in the log of the proofs, and searched in; `BENCH_CACHE` where the large logs are kept.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from sqlmodel import Session, col, select

from bench.harness import summarise
from bench.logs import KEYS, ORIGIN, answer, long_log, opened, whole_log
from bench.searched import ASKED, asked, stores
from contracts.access.writer import AccessWriter
from contracts.ledger.proofs import Proof, proof_of
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.tables import LedgerEntry
from contracts.ledger.verify import verify
from contracts.store import write_ahead
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from portal.memory import settle

Done = TypeVar("Done")
CACHE = Path(os.environ.get("BENCH_CACHE", "~/.cache/licet-bench")).expanduser()
ENTRIES, CHECKED = int(os.environ.get("BENCH_ENTRIES", "60000")), int(os.environ.get("BENCH_CHECKED", "1000000"))
LONG = int(os.environ.get("BENCH_LONG", "10000000"))
AT_ONCE, TOGETHER, RATE, SECONDS, ROUNDS, PROOFS = 512, 32, 1_000, 10, 5, 400
EVERY, FOLD_EVERY = 0.25, 0.1  # as the worker runs its jobs
SEARCHED = int(os.environ.get("BENCH_SEARCHED", "5000000"))
A_SECOND, A_SECOND_WITH_SEARCH, WAIT, PROOF, CHECK, SEARCH = 15_000, 8_000, 0.010, 0.002, 30.0, 1.0


@dataclass(frozen=True)
class Running:
    """A ledger at work: its writer, and what takes in all that was written."""

    writer: AccessWriter
    settle: Callable[[], int]


def main() -> None:
    """Measure one after the other, print the result."""
    settle()  # as the server's process does
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, wanted, search in (("entries", A_SECOND, False), ("entries_with_search", A_SECOND_WITH_SEARCH, True)):
            rates = [_rate(Path(folder) / f"{name}-{number}.db", TOGETHER, search=search) for number in range(ROUNDS)]
            _say(f"{name} a second", rates)
            found[name] = [each / wanted for each in rates]
            _say("one by one", [_rate(Path(folder) / f"{name}-single-{number}.db", 1, search=search) for number in range(ROUNDS)])
        waits = [_wait(Path(folder) / f"wait-{number}.db") for number in range(ROUNDS)]
    _say("seconds that 99 of 100 requests wait at most", waits)
    proofs = _proofs(long_log(CACHE, LONG))
    _say(f"seconds for a proof among {LONG:,}", proofs)
    checks = [_checked(whole_log(CACHE, CHECKED)) for _ in range(ROUNDS)]
    _say(f"seconds to check {CHECKED:,}", checks)
    found |= {
        "wait": [WAIT / each for each in waits],
        "proof": [PROOF / each for each in proofs],
        "check": [CHECK / each for each in checks],
    }
    with stores(CACHE, SEARCHED) as made:
        for name, store in made:
            rounds = [sorted(asked(store, SEARCHED))[int(0.95 * ASKED)] for _ in range(ROUNDS)]
            _say(f"seconds that 95 of 100 searches of {SEARCHED:,} on {name} take at most", rounds)
            found[f"search_{name}"] = [SEARCH / each for each in rounds]
    summarise("ledger", found, dict.fromkeys(found, 1.0))
    gc.unfreeze()


def _rate(path: Path, together: int, *, search: bool) -> float:
    with _running(opened(path), search=search) as running:
        started = time.perf_counter()
        _run(_write_all(running.writer, ENTRIES, together))
        running.settle()
        return ENTRIES / (time.perf_counter() - started)


def _run(work: Coroutine[Any, Any, Done]) -> Done:
    """In the loop that the server has."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def _write_all(writer: AccessWriter, count: int, together: int) -> None:
    """Callers that each wait for their entries, with as many entries at once as a busy server has requests."""
    starts = iter(range(0, count, together))

    async def one() -> None:
        for start in starts:
            await writer.record_entries([answer(number) for number in range(start, min(count, start + together))])

    await asyncio.gather(*(one() for _ in range(AT_ONCE // together)))


def _wait(path: Path) -> float:
    with _running(opened(path), search=True) as running:
        taken = sorted(_run(_open_loop(running.writer)))
    return taken[int(len(taken) * 0.99)]


async def _open_loop(writer: AccessWriter) -> Sequence[float]:
    """Seconds from the moment when each request was due to its entry being durable, whatever the others wait."""
    start, taken = time.perf_counter() + 0.05, list[float]()

    async def one(number: int, due: float) -> None:
        await writer.record_entries([answer(number)])
        taken.append(time.perf_counter() - due)

    tasks = []
    for number in range(RATE * SECONDS):
        due = start + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*tasks)
    return taken


@contextmanager
def _running(store: Store, *, search: bool) -> Iterator[Running]:
    sequencer, done = Sequencer(store, KEYS, ORIGIN, searched=search), threading.Event()
    sequencer.ensure_key()
    writer = AccessWriter(store, EpochWatch(store), store.clock)
    jobs = [
        threading.Thread(target=_repeat, args=(done, sequencer.tick, EVERY)),
        threading.Thread(target=_repeat, args=(done, lambda: write_ahead.tick(store), FOLD_EVERY)),
    ]

    writer.start()
    for job in jobs:
        job.start()
    try:
        yield Running(writer, sequencer.integrate)
    finally:
        done.set()
        for job in jobs:
            job.join()
        writer.stop()
        store.engine.dispose()


def _repeat(done: threading.Event, act: Callable[[], int], every: float) -> None:
    while not done.is_set():
        done.wait(0.0 if act() else every)


def _proofs(store: Store) -> list[float]:
    """Each of another entry, in a session of its own as a request has it; from the machine's memory, for the disk is not measured."""
    chance, taken = random.Random(7), list[float]()
    with Path(str(store.engine.url.database)).open("rb") as file:
        while file.read(1 << 20):
            pass
    with store.read() as session:
        ids = [_id_at(session, chance.randrange(LONG)) for _ in range(PROOFS)]
    for entry_id in ids:
        started = time.perf_counter()
        with store.read() as session:
            if not isinstance(proof_of(session, entry_id), Proof):
                raise RuntimeError(f"{entry_id} is not in the tree")
        taken.append(time.perf_counter() - started)
    return taken


def _id_at(session: Session, index: int) -> str:
    return session.exec(select(LedgerEntry.id).where(col(LedgerEntry.index) == index)).one()


def _checked(store: Store) -> float:
    started = time.perf_counter()
    report = verify(store, KEYS)
    if not report.ok:
        raise RuntimeError(f"the ledger of the bench does not verify: {report.problems[0].what}")
    return time.perf_counter() - started


def _say(what: str, values: Sequence[float]) -> None:
    ordered = sorted(values)
    sys.stdout.write(f"{what}: {ordered[len(ordered) // 2]:.4g} [{ordered[0]:.4g} to {ordered[-1]:.4g}]\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""The hot path's one writer: a thread that takes everything waiting into one transaction, so that durability costs a few
milliseconds and not a write per request. Nothing is answered before its entry is durable.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from contracts.access import batch
from contracts.access.answers import Committed, Delivered, Issued, Item, Recorded
from contracts.access.batch import Outcome
from contracts.clock import Clock
from contracts.credentials.spent import Once
from contracts.credentials.tokens import IssuedToken
from contracts.errors import LicetError, StoreUnavailable
from contracts.ledger.stage import Entry
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store

log = structlog.get_logger()

# Keeps SQLite's write lock below 20 ms: about 0.15 ms for records, a third of that for an entry alone, more for many ordinals.
MOST_WEIGHT = 32_000
RECORDS_WEIGHT, ENTRY_WEIGHT, ORDINALS_BYTES = 1_000, 350, 32
# Different records are counted in bitmaps that are read and written with the answer: some milliseconds where a page lies scattered.
DISTINCT_WEIGHT = 16_000
# A batch costs as much as twenty entries. Where many come at once, the next batch waits this long for its share of them.
MANY = 8
GATHER_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class _Waiting:
    item: Item
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Committed]

    @property
    def weight(self) -> int:
        """How long the item holds the write lock, in parts of `MOST_WEIGHT`."""
        match self.item:
            case Recorded():
                return ENTRY_WEIGHT * len(self.item.entries)
            case Issued():
                return ENTRY_WEIGHT
            case Delivered():
                counted = 0 if self.item.charge.distinct_cap is None else DISTINCT_WEIGHT
                return RECORDS_WEIGHT + counted + len(self.item.whole.ordinals) // ORDINALS_BYTES


class AccessWriter:
    """Commits items in batches. `start` before the first use, `stop` at the end; in between safe from any loop."""

    def __init__(self, store: Store, watch: EpochWatch, clock: Clock) -> None:
        self._store, self._watch, self._clock = store, watch, clock
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Make the epochs' rows and start the thread; a second call does nothing."""
        with self._lock:
            if self._thread is not None:
                return
            with self._store.write("epochs") as unit:
                batch.ensure_epochs(unit)
            self._thread = threading.Thread(target=self._run, name="access-writer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._queue.put(None)
                thread.join()

    async def commit(self, item: Item) -> Committed:
        """Wait until the item is durable.

        Raises `StaleEpoch` where grants or erasures moved since the item's facts were read (run the request again),
        `StoreUnavailable` where the store did not take it. Nothing of the item is written then.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Committed] = loop.create_future()
        with self._lock:
            if self._thread is None:
                raise StoreUnavailable("the access writer is not running")
            self._queue.put(_Waiting(item, loop, future))
        return await future

    async def record_entries(self, entries: Sequence[Entry]) -> list[str]:
        """Make entries durable; returns their ids in order. For tokens, refusals and fetches, which carry no records."""
        return list((await self.commit(Recorded(tuple(entries)))).entry_ids) if entries else []

    async def record_once(self, entry: Entry, proof: Once | None) -> Committed:
        """Make an entry durable and use up the proof of its request; the entry is a refusal where the proof was used before."""
        return await self.commit(Recorded((entry,), proof))

    async def issue(self, entry: Entry, token: IssuedToken, grants: int) -> None:
        """Keep an access token with its entry. Raises `StaleEpoch` where the epoch `grants` has moved since `grants`."""
        await self.commit(Issued(entry, token, grants))

    def _run(self) -> None:
        going, waiting = True, list[_Waiting]()
        while going:
            waiting, going = self._take(gather=len(waiting) >= MANY)
            if waiting:
                _tell(waiting, self._write(waiting))

    def _take(self, *, gather: bool) -> tuple[list[_Waiting], bool]:
        """Everything that waits, up to the limits of one batch; false once the writer is to end."""
        first = self._queue.get()
        if first is None:
            return [], False
        if gather:
            time.sleep(GATHER_SECONDS)
        taken, weight = [first], first.weight
        while weight < MOST_WEIGHT:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return taken, False
            taken.append(following)
            weight += following.weight
        return taken, True

    def _write(self, waiting: Sequence[_Waiting]) -> Sequence[Outcome]:
        try:
            with self._store.write("access") as unit:
                return batch.write(unit, [each.item for each in waiting])
        except LicetError as error:
            failure: Exception = error
        except Exception as error:  # the thread must outlive any single batch; every waiting request is refused
            failure = StoreUnavailable(type(error).__name__)
            known = isinstance(error, SQLAlchemyError)
            log.error("access.batch_failed", error=type(error).__name__, store=known, items=len(waiting))
        return [failure] * len(waiting)


def _tell(waiting: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
    """Wake each loop once for all of its requests."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Committed], Outcome]]] = {}
    for each, outcome in zip(waiting, outcomes, strict=True):
        by_loop.setdefault(each.loop, []).append((each.future, outcome))
    for loop, pairs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, pairs)
        except RuntimeError:
            continue  # the loop was closed with its requests; what is durable stays so


def _resolve(pairs: Sequence[tuple[asyncio.Future[Committed], Outcome]]) -> None:
    for future, outcome in pairs:
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

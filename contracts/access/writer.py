"""The hot path's one writer: a thread that takes everything waiting into one transaction, so that durability costs a few
milliseconds and not a write per request. Nothing is answered before its entry is durable.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy.exc import SQLAlchemyError

from contracts.access import batch
from contracts.access.answers import Committed, Delivered, Issued, Item, Recorded
from contracts.access.batch import Outcome
from contracts.access.gathering import Gathering
from contracts.clock import Clock
from contracts.credentials.spent import Once
from contracts.credentials.tokens import IssuedToken
from contracts.errors import LicetError, StoreUnavailable
from contracts.ledger.stage import Entry
from contracts.ledger.values import introduce
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store

log = structlog.get_logger()

# Keeps SQLite's write lock below 20 ms: about 0.15 ms for records, 0.06 for an entry alone, more for many ordinals.
MOST_WEIGHT = 32_000
RECORDS_WEIGHT, ENTRY_WEIGHT, ORDINALS_BYTES = 1_000, 200, 32
# Different records are counted in bitmaps that are read and written with the answer: some milliseconds where a page lies scattered.
DISTINCT_WEIGHT = 16_000

# Where few wait, a batch begins so many seconds after the one before, for it costs as much as thirty entries: it is better for all
# to wait for one of three entries than for three of one.
FEW, PACE = 16, 0.002


class _Waiting(NamedTuple):
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

    def __init__(self, store: Store, watch: EpochWatch, clock: Clock, pause: Callable[[float], None] = time.sleep) -> None:
        """`pause` waits for so many seconds."""
        self._store, self._watch, self._clock, self._pause = store, watch, clock, pause
        self._queue: queue.SimpleQueue[list[_Waiting] | None] = queue.SimpleQueue()
        self._gatherings: WeakKeyDictionary[asyncio.AbstractEventLoop, Gathering[_Waiting]] = WeakKeyDictionary()
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
        gathering = self._gatherings.get(loop)
        if gathering is None:
            gathering = self._gatherings[loop] = Gathering(self._hand_over)
        gathering.add(loop, _Waiting(item, loop, future))
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

    def _hand_over(self, waiting: list[_Waiting]) -> None:
        with self._lock:
            running = self._thread is not None
            if running:
                self._queue.put(waiting)
        if not running:
            _resolve([(each.future, StoreUnavailable("the access writer is not running")) for each in waiting])

    def _run(self) -> None:
        going, waiting, began = True, deque[_Waiting](), float("-inf")
        while going or waiting:
            if going:
                going = self._fetch(waiting)
            if going and len(waiting) < FEW:
                self._pause(max(0.0, began + PACE - time.monotonic()))
                going = self._fetch(waiting)
            began = time.monotonic()
            together = _batch(waiting)
            if together:
                _tell(together, self._write(together))

    def _fetch(self, waiting: deque[_Waiting]) -> bool:
        """Add everything that was handed over, waiting for it where there is nothing; false once the writer is to end."""
        try:
            while True:
                following = self._queue.get(block=not waiting)
                if following is None:
                    return False
                waiting.extend(following)
        except queue.Empty:
            return True

    def _write(self, waiting: Sequence[_Waiting]) -> Sequence[Outcome]:
        items = [each.item for each in waiting]
        try:
            try:
                return self._commit(items)
            except batch.OWN_FAULTS:
                return self._commit(items, singly=True)
        except LicetError as error:
            failure: Exception = error
        except Exception as error:  # the thread must outlive any single batch; every waiting request is refused
            failure = StoreUnavailable(type(error).__name__)
            known = isinstance(error, SQLAlchemyError)
            log.error("access.batch_failed", error=type(error).__name__, store=known, items=len(waiting))
        return [failure] * len(waiting)

    def _commit(self, items: Sequence[Item], *, singly: bool = False) -> Sequence[Outcome]:
        introduce(self._store.engine, (entry.personal for item in items for entry in item.told))
        with self._store.write("access") as unit:
            return batch.write(unit, items, singly=singly)


def _batch(waiting: deque[_Waiting]) -> list[_Waiting]:
    """Take the next batch from what waits: in order, up to the limits of one transaction."""
    taken, weight = list[_Waiting](), 0
    while waiting and weight < MOST_WEIGHT:
        taken.append(waiting.popleft())
        weight += taken[-1].weight
    return taken


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

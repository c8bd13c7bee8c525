"""Budgets that several gate processes share: leases of their pages, taken from one Valkey in the background.

Requests are decided by what this process holds (`leases`); a thread asks the store for all identities together, as often as something
is due. While the store does not answer, each process gives its part: the budget by the number of processes that were there.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from contracts.errors import StoreUnavailable
from contracts.gate.budgets import WINDOW_MINUTES
from contracts.gate.leases import Leases, Want
from contracts.sections import Shared
from contracts.store.counters import asking, client

if TYPE_CHECKING:
    import redis

log = structlog.get_logger()

PRESENT_SECONDS = 60
"""A process that was not heard of for so long counts no more."""
AGAIN_SECONDS = 1.0
UNUSED_EVERY = 10.0
UNTOLD = 2
"""As many processes are taken to be there before the store has told how many."""
_KEPT_SECONDS = (WINDOW_MINUTES + 2) * 60

# Minutes to pages lent in them. What was owed is counted whatever is left: it has passed. Returns what is lent beyond that. What comes
# back belongs to the minute in which it was lent, unless that has left the window.
_LEND = """
local owed, want = tonumber(ARGV[4]), tonumber(ARGV[5])
if want < 0 then
  if redis.call('HEXISTS', KEYS[1], ARGV[7]) == 1 then redis.call('HINCRBY', KEYS[1], ARGV[7], want) end
  return 0
end
local sum = 0
local lent = redis.call('HGETALL', KEYS[1])
for each = 1, #lent, 2 do
  if tonumber(lent[each]) < tonumber(ARGV[1]) - tonumber(ARGV[2]) then redis.call('HDEL', KEYS[1], lent[each])
  else sum = sum + tonumber(lent[each + 1]) end
end
local beyond = math.max(0, math.min(want, tonumber(ARGV[3]) - sum - owed))
if owed + beyond > 0 then
  redis.call('HINCRBY', KEYS[1], ARGV[1], owed + beyond)
  redis.call('EXPIRE', KEYS[1], ARGV[6])
end
return beyond
"""


class Lender:
    """The store's side of one budget."""

    def __init__(self, store: redis.Redis, budget: str) -> None:
        self._redis, self._budget = store, budget
        # For each budget by itself, because a process has several and must not be counted for each of them.
        self._present = f"licet:gate:present:{budget}"
        self._lend = store.register_script(_LEND)

    def ask(self, wants: Sequence[Want], budget: int, minute: int, me: str, now: float) -> tuple[list[int], int]:
        """The pages lent for each want, in order, and how many processes there are. Raises `StoreUnavailable`."""
        with asking(), self._redis.pipeline(transaction=False) as pipe:
            for each in wants:
                asked = [minute, WINDOW_MINUTES, budget, each.owed, each.want, _KEPT_SECONDS, each.since]
                self._lend([f"licet:gate:{self._budget}:{each.who}"], asked, client=pipe)
            pipe.zadd(self._present, {me: now})
            pipe.zremrangebyscore(self._present, "-inf", now - PRESENT_SECONDS)
            pipe.zcard(self._present)
            *answers, _added, _removed, present = pipe.execute()
        return [int(answer) for answer in answers], int(present)


class SharedBudget:
    """One budget of distinct pages. Safe from any thread; its thread begins with the first page, `stop` ends it. `now` gives seconds
    since 1970.
    """

    def __init__(self, shared: Shared, name: str, budget: int, now: Callable[[], float] = time.time) -> None:
        self._lender, self._leases = Lender(client(shared), name), Leases()
        self.budget, self._now = budget, now
        self._gates, self._answers = UNTOLD, True
        self._me = secrets.token_hex(8)
        self._lock = threading.Condition()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._unused_at = now()
        self._ended = False
        self._thread: threading.Thread | None = None

    def room(self, who: str, here: int, now: float) -> bool | None:
        """Whether one more page may be counted for an identity of which this process has counted `here`; None: `settled` tells soon."""
        with self._lock:
            if not self._answers:
                return here < max(1, self.budget // self._gates)
            return self._leases.room(who, now)

    def take(self, who: str, now: float) -> None:
        """Count a page."""
        with self._lock:
            self._leases.take(who, now, self.budget)
            if self._leases.is_due:
                self._wake()

    async def settled(self) -> None:
        """Wait until the store has answered what was asked of it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            self._waiting.append((loop, future))
            self._wake()
        await future

    def stop(self) -> None:
        """End the thread, and give back what is left where the store answers."""
        with self._lock:
            self._ended = True
            self._lock.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._unused_at = float("-inf")
            self.exchange(quiet=float("inf"))

    def exchange(self, quiet: float = 0.0) -> None:
        """Ask the store for all that is due, once. Leases that were unused for a minute, less `quiet` seconds, go back."""
        now = self._now()
        with self._lock:
            waiting, self._waiting = self._waiting, []
            wants = self._leases.due(self.budget)
            if now >= self._unused_at + UNUSED_EVERY:
                self._unused_at = now
                wants += self._leases.unused(now + quiet)
        try:
            lent, present = self._lender.ask(wants, self.budget, int(now // 60), self._me, now)
        except StoreUnavailable:
            self._settle(wants, None, now)
        else:
            self._gates = max(1, present)
            self._settle(wants, lent, now)
        for loop, future in waiting:
            with contextlib.suppress(RuntimeError):  # the loop was closed with its requests
                loop.call_soon_threadsafe(_tell, future)

    def _settle(self, wants: Sequence[Want], lent: Sequence[int] | None, now: float) -> None:
        with self._lock:
            if self._answers != (lent is not None):
                self._answers = lent is not None
                log.warning("gate.budgets_shared" if self._answers else "gate.budgets_apart", gates=self._gates)
            for each, pages in zip(wants, lent or [0] * len(wants), strict=True):
                if each.want < 0:
                    continue
                if lent is None:
                    self._leases.lost(each)
                else:
                    self._leases.granted(each, pages, now)

    def _wake(self) -> None:
        if self._thread is None and not self._ended:
            self._thread = threading.Thread(target=self._run, name="gate-lending", daemon=True)
            self._thread.start()
        self._lock.notify()

    def _run(self) -> None:
        while self._pause():
            self.exchange()

    def _pause(self) -> bool:
        """Wait until something is due, or a second is over; false once the thread is to end."""
        with self._lock:
            if self._answers:
                self._lock.wait_for(lambda: self._ended or self._leases.is_due or self._waiting, AGAIN_SECONDS)
            else:
                self._lock.wait_for(lambda: self._ended, AGAIN_SECONDS)
            return not self._ended


def _tell(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(None)

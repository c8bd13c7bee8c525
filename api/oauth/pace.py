"""How often a token may be asked for: by network, by client from a network, and by failed attempts from a network.

`contracts.store.counters` says where they are kept. Counters are keyed by client *and* network, so that nobody shuts another's client out.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import lru_cache

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import Storage
from limits.storage.base import SlidingWindowCounterSupport
from limits.strategies import SlidingWindowCounterRateLimiter

from contracts.store.counters import counting, uncounted
from contracts.store.windows import MemoryWindows

REMEMBERED = 4_096


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """The limits in the notation of `limits`."""

    network: str = "600/minute"
    client: str = "60/minute"
    failures: str = "30/minute"


class _Limit:
    """One limit on a storage. The key of whoever asks is put together once: that costs more than the counting."""

    def __init__(self, storage: Storage, notation: str) -> None:
        assert isinstance(storage, SlidingWindowCounterSupport)
        self.item: RateLimitItem = parse(notation)
        self._storage, self._limiter = storage, SlidingWindowCounterRateLimiter(storage)
        self._amount, self._expiry = self.item.amount, self.item.get_expiry()
        self._key = lru_cache(REMEMBERED)(self.item.key_for)

    def hit(self, *who: str) -> bool:
        """Count one where there is room."""
        return self._storage.acquire_sliding_window_entry(self._key(*who), self._amount, self._expiry)

    def has_room(self, *who: str) -> bool:
        """Whether one more would be counted."""
        before, _, counted, _ = self._storage.get_sliding_window(self._key(*who), self._expiry)
        return not (before or counted) or self._limiter.test(self.item, *who)

    def seconds(self, *who: str) -> int:
        """How long until it is worth trying again."""
        reset = self._limiter.get_window_stats(self.item, *who).reset_time
        return max(1, math.ceil(reset - time.time()))


class Pace:
    """Counts requests for tokens. `StoreUnavailable` where they cannot be counted. Call it in a thread where it `waits`."""

    def __init__(self, limits: PaceLimits, storage: Storage | None = None) -> None:
        storage = storage or MemoryWindows()
        self.waits = not isinstance(storage, MemoryWindows)
        self._network, self._client = _Limit(storage, limits.network), _Limit(storage, limits.client)
        self._failures, self._told = _Limit(storage, limits.failures), _Limit(storage, "1/minute")

    def wait(self, network: str, client_id: str) -> int:
        """Count one request; 0 where it may go on, else the seconds until it is worth trying again."""
        # Not `counting()`: each request comes by here, and a context costs as much as a counter.
        try:
            if not self._failures.has_room("failed", network):
                return self._failures.seconds("failed", network)
            if not self._network.hit(network):
                return self._network.seconds(network)
            if not self._client.hit(network, client_id):
                return self._client.seconds(network, client_id)
            return 0
        except StorageError as error:
            raise uncounted() from error

    def failed(self, network: str) -> None:
        """Count a failed authentication."""
        with counting():
            self._failures.hit("failed", network)

    def first_of_a_minute(self, network: str) -> bool:
        """Whether no refusal for pace was recorded of this network for a minute; a flood must not fill the ledger."""
        with counting():
            return self._told.hit("told", network)

"""How often a token may be asked for: by network, by client from a network, and by failed attempts from a network.

`contracts.store.counters` says where they are kept. Counters are keyed by client *and* network, so that nobody shuts another's client out.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import SlidingWindowCounterRateLimiter

from contracts.store.counters import counting
from contracts.store.windows import MemoryWindows


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """The limits in the notation of `limits`."""

    network: str = "600/minute"
    client: str = "60/minute"
    failures: str = "30/minute"


class Pace:
    """Counts requests for tokens. `StoreUnavailable` where they cannot be counted. Call it in a thread where it `waits`."""

    def __init__(self, limits: PaceLimits, storage: Storage | None = None) -> None:
        self._network, self._client, self._failures = map(parse, (limits.network, limits.client, limits.failures))
        self._told = parse("1/minute")
        storage = storage or MemoryWindows()
        self.waits = not isinstance(storage, MemoryWindows)
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    def wait(self, network: str, client_id: str) -> int:
        """Count one request; 0 where it may go on, else the seconds until it is worth trying again."""
        with counting():
            if not self._limiter.test(self._failures, "failed", network):
                return self._seconds(self._failures, "failed", network)
            if not self._limiter.hit(self._network, network):
                return self._seconds(self._network, network)
            if not self._limiter.hit(self._client, network, client_id):
                return self._seconds(self._client, network, client_id)
            return 0

    def failed(self, network: str) -> None:
        """Count a failed authentication."""
        with counting():
            self._limiter.hit(self._failures, "failed", network)

    def first_of_a_minute(self, network: str) -> bool:
        """Whether no refusal for pace was recorded of this network for a minute; a flood must not fill the ledger."""
        with counting():
            return self._limiter.hit(self._told, "told", network)

    def _seconds(self, item: RateLimitItem, *key: str) -> int:
        reset = self._limiter.get_window_stats(item, *key).reset_time
        return max(1, math.ceil(reset - time.time()))

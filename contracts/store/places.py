"""Places for requests that run at the same time: so many a key, over all processes that serve.

One process keeps them in its memory. Where several serve they are in the shared Valkey or Redis, each with an end of its own, so that
a process that dies gives its places back.
"""

from __future__ import annotations

import secrets
import threading
from typing import Protocol

from contracts.sections import Shared
from contracts.store import counters

# Longer than any request runs; a place that nobody gave back is free after that.
LEASE_SECONDS = 120

# Time is the shared store's own, so processes' clocks do not matter.
_TAKE = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""


class Places(Protocol):
    """Takes and gives places; safe for threads. Either may wait for the shared store."""

    def take(self, key: str, most: int) -> str:
        """A place among `most`, to be given back; empty where all are taken. Raises `StoreUnavailable`."""

    def give(self, key: str, place: str) -> None:
        """Give a place back; one that cannot be given now is free when its lease ends."""

    def close(self) -> None:
        """End connections."""


def places(shared: Shared, name: str) -> Places:
    """Where places are kept, under a name of their own."""
    return MemoryPlaces() if shared.url is None else SharedPlaces(shared, name)


class MemoryPlaces:
    """Places of one process."""

    def __init__(self) -> None:
        self._lock, self._taken = threading.Lock(), dict[str, set[str]]()

    def take(self, key: str, most: int) -> str:
        """A place, or nothing."""
        with self._lock:
            taken = self._taken.setdefault(key, set())
            if len(taken) >= most:
                return ""
            taken.add(place := secrets.token_hex(8))
            return place

    def give(self, key: str, place: str) -> None:
        """The place is free at once."""
        with self._lock:
            left = self._taken.get(key, set())
            left.discard(place)
            if not left:
                self._taken.pop(key, None)

    def close(self) -> None:
        """Memory has no connections."""


class SharedPlaces:
    """Places of several processes: a sorted set a key, its members by when their leases end."""

    def __init__(self, shared: Shared, name: str, lease: int = LEASE_SECONDS) -> None:
        """`lease` is in seconds."""
        self._client, self._name, self._lease = counters.client(shared), name, lease

    def take(self, key: str, most: int) -> str:
        """A place, or nothing."""
        place = secrets.token_hex(8)
        with counters.asking():
            taken = self._client.eval(_TAKE, 1, self._of(key), str(most), str(self._lease), place)
        return place if taken else ""

    def give(self, key: str, place: str) -> None:
        """The place is free at once, or when its lease ends."""
        with counters.asking(needed=False):
            self._client.zrem(self._of(key), place)

    def close(self) -> None:
        """End its connections."""
        self._client.connection_pool.disconnect()

    def _of(self, key: str) -> str:
        return f"licet:{self._name}:{key}"

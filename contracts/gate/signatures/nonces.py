"""Nonces of signatures, each good once: noted and asked in one step, for as long as its signature could count.

Where one process serves, its memory holds them: after a restart a signature that was made before it is not believed, because nobody
remembers its nonce. Several processes ask one Valkey, whose `SET … NX` is that one step.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Literal, Protocol

from contracts.errors import StoreUnavailable
from contracts.gate.signatures.profile import LASTS_SECONDS, SKEW_SECONDS
from contracts.sections import Shared
from contracts.store.counters import asking, client

KEPT_SECONDS = LASTS_SECONDS + SKEW_SECONDS
MOST = 1_000_000
Use = Literal["first", "again", "untold"]


class Nonces(Protocol):
    """Where nonces are kept."""

    async def use(self, owner: str, nonce: str, created: int, now: datetime) -> Use:
        """Note the nonce of an owner: whether this is its first use, another, or cannot be told."""
        ...


class MemoryNonces:
    """In this process's memory, at most a million (about 150 MB); above that no further nonce can be told.

    Safe from any thread. `since` is when the process began to remember.
    """

    def __init__(self, since: datetime, most: int = MOST) -> None:
        self._since, self._most = int(since.timestamp()), most
        self._lock = threading.Lock()
        self._seen: set[bytes] = set()
        self._order: deque[tuple[float, bytes]] = deque()

    async def use(self, owner: str, nonce: str, created: int, now: datetime) -> Use:
        """As `Nonces.use`."""
        digest, seconds = _digest(owner, nonce), now.timestamp()
        with self._lock:
            while self._order and self._order[0][0] <= seconds:
                self._seen.discard(self._order.popleft()[1])
            if digest in self._seen:
                return "again"
            if created < self._since or len(self._seen) >= self._most:
                return "untold"
            self._seen.add(digest)
            self._order.append((seconds + KEPT_SECONDS, digest))
        return "first"


class SharedNonces:
    """In the Valkey that all processes share; where it does not answer, nothing can be told."""

    def __init__(self, shared: Shared) -> None:
        self._redis = client(shared)

    async def use(self, owner: str, nonce: str, created: int, now: datetime) -> Use:
        """As `Nonces.use`; waits in a thread."""
        return await asyncio.to_thread(self._use, f"licet:nonce:{_digest(owner, nonce).hex()}")

    def _use(self, key: str) -> Use:
        try:
            with asking():
                return "first" if self._redis.set(key, b"", nx=True, ex=KEPT_SECONDS) else "again"
        except StoreUnavailable:
            return "untold"


def nonces_of(shared: Shared, now: Callable[[], datetime]) -> Nonces:
    """The store of nonces that the installation has."""
    return MemoryNonces(now()) if shared.url is None else SharedNonces(shared)


def _digest(owner: str, nonce: str) -> bytes:
    return hashlib.blake2b(f"{owner}\0{nonce}".encode(errors="replace"), digest_size=16).digest()

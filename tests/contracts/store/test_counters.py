"""Counters of pace: the same exact counting in memory and in a real Valkey, shared by name, and an error where it is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter as LoopLimiter
from limits.strategies import SlidingWindowCounterRateLimiter as ThreadLimiter

from contracts.errors import StoreUnavailable
from contracts.sections import Shared
from contracts.store import counters
from tests.harness import valkey
from tests.harness.server import free_port

ITEM = RateLimitItemPerMinute(50)


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with valkey.running() as server:
        yield Shared.model_validate({"url": valkey.address(server)})


def hits(shared: Shared, name: str, count: int) -> int:
    """How many of so many hits at once pass, from a process of their own."""

    async def hit() -> int:
        storage = counters.for_loop(shared, name)
        limiter = LoopLimiter(storage)
        try:
            return sum(await asyncio.gather(*(limiter.hit(ITEM, "who") for _ in range(count))))
        finally:
            if isinstance(storage, RedisStorage):
                await storage.bridge.get_connection().connection_pool.disconnect()

    return asyncio.run(hit())


def test_memory_counts_for_one_process_and_valkey_for_all(shared: Shared) -> None:
    assert [hits(Shared(), "one", 40) for _ in range(2)] == [40, 40]
    assert [hits(shared, "one", 40) for _ in range(2)] == [40, 10]


def test_many_more_hits_at_once_than_connections_wait_their_turn(shared: Shared) -> None:
    assert hits(shared, "crowd", 400) == 50


def test_names_are_apart_and_threads_count_with_the_loop(shared: Shared) -> None:
    storage = counters.for_threads(shared, "two")
    threads = ThreadLimiter(storage)
    assert [threads.hit(ITEM, "who") for _ in range(30)] == [True] * 30
    assert (hits(shared, "two", 40), hits(shared, "three", 40)) == (20, 40)
    counters.close(storage)


def test_what_cannot_be_counted_is_refused_within_seconds() -> None:
    gone = Shared.model_validate({"url": f"redis://127.0.0.1:{free_port()}"})
    started = time.monotonic()
    with pytest.raises(StoreUnavailable), counters.counting():
        hits(gone, "four", 1)
    with pytest.raises(StoreUnavailable), counters.counting():
        ThreadLimiter(counters.for_threads(gone, "four")).hit(ITEM, "who")
    assert (counters.answer(gone), counters.answer(Shared())) == (False, True)
    assert time.monotonic() - started < 10

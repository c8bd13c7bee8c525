"""Where counters of pace are kept: in this process's memory or, where several processes serve, in one Valkey or Redis.

A shared store that does not answer within a second is a `StoreUnavailable`: both faces then say 503, because a limit that cannot be
counted cannot be kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from limits.aio.storage import MemoryStorage as AsyncMemory
from limits.aio.storage import RedisStorage as AsyncRedis
from limits.errors import StorageError
from limits.storage import RedisStorage

from contracts.errors import StoreUnavailable
from contracts.sections import Shared
from contracts.store.windows import MemoryWindows

if TYPE_CHECKING:
    import redis

# How long a request waits for the store, or for a connection to it, before it is refused.
SECONDS = 1.0
CONNECTIONS = 32
_OPTIONS: dict[str, Any] = {
    "max_connections": CONNECTIONS,
    "timeout": SECONDS,
    "socket_timeout": SECONDS,
    "socket_connect_timeout": SECONDS,
}


def for_loop(shared: Shared, name: str) -> AsyncMemory | AsyncRedis:
    """Counters for code that runs in the event loop, under a name of their own in the shared store. One loop only."""
    if shared.url is None:
        return AsyncMemory()
    import redis.asyncio  # noqa: PLC0415 - a start without a shared store does not wait for its import

    # The plain pool raises where more requests come at once than it has connections; this one lets them wait.
    pool = redis.asyncio.BlockingConnectionPool.from_url(shared.url.get_secret_value(), **_OPTIONS)
    options: dict[str, Any] = {"connection_pool": pool}
    return AsyncRedis("async+redis://", wrap_exceptions=True, implementation="redispy", key_prefix=_prefix(name), **options)


def for_threads(shared: Shared, name: str) -> MemoryWindows | RedisStorage:
    """Counters for code that runs in threads, which may wait."""
    if shared.url is None:
        return MemoryWindows()
    import redis  # noqa: PLC0415 - a start without a shared store does not wait for its import

    pool = redis.BlockingConnectionPool.from_url(shared.url.get_secret_value(), **_OPTIONS)
    return RedisStorage("redis://", pool, _prefix(name), wrap_exceptions=True)


@contextmanager
def counting() -> Iterator[None]:
    """Raise `StoreUnavailable` where the block could not count."""
    try:
        yield
    except StorageError as error:
        raise uncounted() from error


def uncounted() -> StoreUnavailable:
    """What is raised where nothing could be counted."""
    return StoreUnavailable("the shared counters of pace do not answer")


def client(shared: Shared) -> redis.Redis:
    """A client of the shared store for threads. Raises ValueError where there is none."""
    if shared.url is None:
        raise ValueError("there is no shared store")
    import redis  # noqa: PLC0415 - a start without a shared store does not wait for its import

    return redis.Redis(connection_pool=redis.BlockingConnectionPool.from_url(shared.url.get_secret_value(), **_OPTIONS))


@contextmanager
def asking(*, needed: bool = True) -> Iterator[None]:
    """Raise `StoreUnavailable` where the shared store does not answer; pass over it where the block is not needed."""
    import redis  # noqa: PLC0415 - a start without a shared store does not wait for its import

    try:
        yield
    except redis.RedisError as error:
        if needed:
            raise StoreUnavailable("the shared store does not answer") from error


def answer(shared: Shared) -> bool:
    """Whether counters can be kept now; always where memory keeps them."""
    storage = for_threads(shared, "ready")
    try:
        return storage.check()
    except StorageError:
        return False
    finally:
        close(storage)


def close(storage: MemoryWindows | RedisStorage) -> None:
    """End its connections."""
    if isinstance(storage, RedisStorage):
        storage.get_connection().connection_pool.disconnect()  # type: ignore[attr-defined]  # the protocol of `limits` leaves it out


def _prefix(name: str) -> str:
    return f"licet:{name}"

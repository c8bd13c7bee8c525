"""A closed loop that keeps up with nginx: connections of uvloop that send again once they are answered, without streams or tasks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import cycle, islice

import uvloop

HOST = "127.0.0.1"


class _Connection(asyncio.Protocol):
    """Sends the requests in turn from a place of its own; counts answers of 2xx and keeps the first of any other kind."""

    def __init__(self, requests: Sequence[bytes], start: int, deadline: float, done: asyncio.Future[None]) -> None:
        self._requests = cycle([*islice(requests, start, None), *islice(requests, start)])
        self._deadline, self._done = deadline, done
        self._seen, self.answers, self.wrong = b"", 0, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport) or hasattr(transport, "write")
        self._write = transport.write
        self._close = transport.close
        self._write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        seen = self._seen + data if self._seen else data
        head = seen.find(b"\r\n\r\n")
        if head < 0 or len(seen) < head + 4 + length(seen, head):
            self._seen = seen
            return
        self._seen = b""
        if seen[9:10] != b"2":
            self.wrong = seen[:300]
            self._close()
            return
        self.answers += 1
        if time.perf_counter() < self._deadline:
            self._write(next(self._requests))
        else:
            self._close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)


async def _blast(port: int, requests: Sequence[bytes], seconds: float, connections: int) -> int:
    loop, deadline = asyncio.get_running_loop(), time.perf_counter() + seconds
    made: list[_Connection] = []
    ends = [loop.create_future() for _ in range(connections)]
    for number, end in enumerate(ends):
        each = _Connection(requests, number * len(requests) // connections, deadline, end)
        await loop.create_connection(lambda each=each: each, HOST, port)  # type: ignore[misc]  # a default binds this turn's connection
        made.append(each)
    await asyncio.wait_for(asyncio.gather(*ends), seconds + 30)
    if wrong := next((each.wrong for each in made if each.wrong), b""):
        raise RuntimeError(f"answered {wrong.decode(errors='replace')}")
    return sum(each.answers for each in made)


def blast(port: int, requests: Sequence[bytes], seconds: float, connections: int) -> int:
    """Each connection sends again once it is answered; returns the number of 2xx answers, raises on any other."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_blast(port, requests, seconds, connections))


def length(seen: bytes, head: int) -> int:
    """How long the body is that follows a head, which ends there."""
    at = seen.find(b"Content-Length: ", 0, head)
    return int(seen[at + 16 : seen.find(b"\r\n", at)]) if at >= 0 else 0

"""An open loop that costs little itself: requests are sent when they are due, whatever was answered, and timed from that moment.

Connections of uvloop without streams or tasks; where all are busy a request waits, and its waiting counts.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence

import uvloop

from bench.blast import HOST, length

CONNECTIONS = 128
TICK = 0.0005


class _Line(asyncio.Protocol):
    """One connection: asks one thing at a time."""

    def __init__(self, pace: _Pace) -> None:
        self._pace, self._seen, self._due = pace, b"", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport) or hasattr(transport, "write")
        self._write, self.close = transport.write, transport.close

    def ask(self, request: bytes, due: float) -> None:
        self._due = due
        self._write(request)

    def data_received(self, data: bytes) -> None:
        seen = self._seen + data if self._seen else data
        head = seen.find(b"\r\n\r\n")
        if head < 0 or len(seen) < head + 4 + length(seen, head):
            self._seen = seen
            return
        self._seen = b""
        self._pace.answered(self, time.perf_counter() - self._due, seen)


class _Pace:
    """Sends each request when it is due, over whichever line is idle."""

    def __init__(self, requests: Sequence[bytes], rate: float, seconds: float, done: asyncio.Future[None]) -> None:
        self._requests, self._rate, self._count, self._done = requests, rate, int(rate * seconds), done
        self._sent, self._start = 0, 0.0
        self._waiting = deque[tuple[bytes, float]]()
        self._idle: list[_Line] = []
        self.taken: list[float] = []

    def begin(self, lines: Sequence[_Line]) -> None:
        """With these lines."""
        self._idle, self._start = list(lines), time.perf_counter()
        self._tick()

    def answered(self, line: _Line, seconds: float, answer: bytes) -> None:
        """Take an answer's time, and use its line for what waits."""
        if answer[9:10] != b"2":
            self._end(RuntimeError(f"answered {answer[:300].decode(errors='replace')}"))
        self.taken.append(seconds)
        if self._waiting:
            line.ask(*self._waiting.popleft())
        else:
            self._idle.append(line)
        if len(self.taken) == self._count:
            self._end(None)

    def _tick(self) -> None:
        due = min(self._count, int((time.perf_counter() - self._start) * self._rate) + 1)
        for number in range(self._sent, due):
            asked = self._requests[number % len(self._requests)], self._start + number / self._rate
            if self._idle:
                self._idle.pop().ask(*asked)
            else:
                self._waiting.append(asked)
        self._sent = due
        if due < self._count and not self._done.done():
            asyncio.get_running_loop().call_later(TICK, self._tick)

    def _end(self, error: Exception | None) -> None:
        if self._done.done():
            return
        if error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(error)


async def _steady(port: int, requests: Sequence[bytes], rate: float, seconds: float) -> list[float]:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    pace = _Pace(requests, rate, seconds, done)
    lines = [(await loop.create_connection(lambda: _Line(pace), HOST, port))[1] for _ in range(CONNECTIONS)]
    pace.begin(lines)
    try:
        await asyncio.wait_for(done, seconds + 30)
    finally:
        for each in lines:
            each.close()
    return pace.taken


def steady(port: int, requests: Sequence[bytes], rate: float, seconds: float) -> list[float]:
    """Seconds from the moment due to the whole answer, for each of `rate * seconds` requests; raises on any answer that is not 2xx."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_steady(port, requests, rate, seconds))

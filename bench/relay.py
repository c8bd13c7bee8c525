"""A unix socket before another that counts who connects: how many connections a proxy opens for its requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PIECE = 65_536


class Relay:
    """Passes on what both sides send, and counts connections."""

    def __init__(self, target: Path) -> None:
        self._target, self.opened = target, 0
        self._ready = threading.Event()

    async def serve(self, socket: Path) -> None:
        """Until `end`."""
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_unix_server(self._connected, socket):
            self._ready.set()
            await self._ended.wait()

    def wait(self) -> None:
        """Wait until it listens."""
        self._ready.wait()

    def end(self) -> None:
        """End it, from any thread."""
        self._loop.call_soon_threadsafe(self._ended.set)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        back, forth = await asyncio.open_unix_connection(self._target)
        with suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(_passed(reader, forth), _passed(back, writer))
        for each in (forth, writer):
            each.close()
            with suppress(ConnectionError):
                await each.wait_closed()


@contextmanager
def relaying(socket: Path, target: Path) -> Iterator[Relay]:
    """A relay in a thread of its own, until the block ends."""
    relay = Relay(target)
    thread = threading.Thread(target=lambda: asyncio.run(relay.serve(socket)), name="relay")
    thread.start()
    relay.wait()
    try:
        yield relay
    finally:
        relay.end()
        thread.join()


async def _passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()

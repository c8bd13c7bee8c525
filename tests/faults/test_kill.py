"""kill -9 at random moments under load: no answer without its entry, no quota lost or doubled, the ledger whole.

`make faults` runs fifty rounds on each store; `make test` runs five.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from contracts.clock import SystemClock
from contracts.keys import KeyRing, master_key
from contracts.ledger.verify import verify
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from tests.harness import partner
from tests.harness.installation import Installation, install
from tests.harness.server import Licet, free_port, start

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "5"))
READERS = 4

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


class Load:
    """Readers that ask until the server dies; keeps what was answered whole."""

    def __init__(self, base_url: str, access_token: str) -> None:
        self.answered: list[tuple[str, int]] = []
        self.began = threading.Event()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(base_url, access_token, n)) for n in range(READERS)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Stop asking."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _read(self, base_url: str, access_token: str, number: int) -> None:
        while not self._stop.is_set():
            try:
                key = f"{number} {time.monotonic_ns() >> 24}"  # the same for some requests, which are free then
                reply = partner.records(base_url, access_token, query=f"limit={7 + number}", key=key if number % 2 else "")
            except (OSError, http.client.HTTPException):
                return
            if reply.status == 200:
                body = json.loads(reply.body)
                self.answered.append((body["entry"], len(body["data"])))
                self.began.set()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """An installation on each store, with pace and quota that the load does not reach."""
    database = "" if request.param == "sqlite" else request.getfixturevalue("new_postgres")
    yield install(tmp_path, free_port(), database=database, requests_per_second=5000, records_per_day=1_000_000)


def test_no_answer_without_its_entry_and_no_quota_lost_or_doubled(place: Installation) -> None:
    chance, answered = random.Random(7), list[tuple[str, int]]()
    for _ in range(ROUNDS):
        running = start(place.folder, ["serve"], {}, place.settings.port)
        answered += _one_round(running, place, chance.uniform(0.05, 1.0))
    start(place.folder, ["serve"], {}, place.settings.port).stop()
    _check(place, answered)


def _one_round(running: Licet, place: Installation, seconds: float) -> list[tuple[str, int]]:
    token = partner.token(running.base_url, place.client).json["access_token"]
    load = Load(running.base_url, token)
    assert load.began.wait(60)
    threading.Event().wait(seconds)
    running.kill()
    load.end()
    return load.answered


def _check(place: Installation, answered: list[tuple[str, int]]) -> None:
    engine = open_engine(place.settings.database_url)
    store = Store(engine, SystemClock())
    with engine.connect() as connection:
        leaves = [json.loads(bytes(leaf)) for (leaf,) in connection.execute(text("SELECT leaf FROM ledger_entry"))]
        staged = connection.execute(text("SELECT written - size FROM ledger_counter, ledger_head")).scalar_one()
        used = connection.execute(text("SELECT coalesce(sum(used), 0) FROM quota_day")).scalar_one()
        delivered = {row[0]: row[1] for row in connection.execute(text("SELECT entry_id, count FROM delivery"))}
        free = {row[0] for row in connection.execute(text("SELECT entry_id FROM delivery WHERE free"))}
        billed = {row[0]: row[1] for row in connection.execute(text("SELECT entry_id, rows FROM usage"))}
    report = verify(store, KeyRing(master_key(place.settings)))
    engine.dispose()
    let_out = {leaf["id"]: leaf["rows"] for leaf in leaves if leaf["event"] == "access.records" and leaf["decision"] == "allow"}
    assert (report.ok, report.problems) == (True, [])
    assert staged == 0, "an orderly end integrates everything"
    assert len(answered) >= ROUNDS, "the load must have read something"
    assert dict(answered) == {entry: let_out.get(entry) for entry, _ in answered}
    assert len({leaf["id"] for leaf in leaves}) == len(leaves)
    assert free == {leaf["id"] for leaf in leaves if leaf.get("facts", {}).get("free")}
    assert used == sum(rows for entry, rows in let_out.items() if entry not in free), "quota is what the ledger says, to the record"
    assert delivered == let_out
    assert billed == {}, "a research contract costs nothing"

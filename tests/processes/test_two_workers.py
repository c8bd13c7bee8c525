"""Two processes enforce as one does: pace, quota, suspension and the ledger, on PostgreSQL and Valkey."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from contracts.clock import SystemClock
from contracts.credentials.service import revoke_client
from contracts.keys import KeyRing, master_key
from contracts.ledger.verify import verify
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.engine import open_engine
from contracts.store.epochs import STALE_SECONDS
from contracts.store.unit import Store
from tests.harness import partner
from tests.harness.installation import Installation
from tests.harness.workers import two_workers


@pytest.mark.timeout(900)
def test_two_workers_enforce_as_one(tmp_path: Path, new_postgres: str) -> None:
    with two_workers(tmp_path, new_postgres, requests_per_second=40, records_per_day=500) as place:
        base_url = place.settings.base_url
        token = partner.token(base_url, place.client).json["access_token"]
        paced = _at_once(place, token, 200)
        quota = _until_used_up(place, token)
        revoked = _statuses_after_revocation(place, token)
    nodes, report = _ledger(place)
    assert set(paced) == {200, 429}
    assert quota == 500, "both give out of one quota, to the record"
    assert 401 in revoked and revoked <= {401, 503}, (
        "a revoked client is refused by both within two seconds; one that comes late refuses all"
    )
    assert {"main-1", "main-2"} <= nodes, "both answered"
    assert report == (True, [])
    counted, entered = _requests(place)
    assert counted == entered, "what each process counted adds up to the entries that both wrote"


def _at_once(place: Installation, token: str, count: int) -> Counter[int]:
    """Statuses of so many requests from a crowd; a second of one contract has room for 40."""
    with ThreadPoolExecutor(32) as crowd:
        started = time.monotonic()
        statuses = Counter(crowd.map(lambda _: partner.records(place.settings.base_url, token, query="limit=1").status, range(count)))
        seconds = time.monotonic() - started
    # The sliding window's estimate lets through at most its rate in any second, and one second's worth at the start.
    assert statuses[200] <= 40 * (seconds + 2), (statuses, seconds)
    return statuses


def _until_used_up(place: Installation, token: str) -> int:
    """Records that the contract got in all, from a crowd that asks until its day is used up."""
    base_url = place.settings.base_url

    def ask(_: int) -> None:
        for _again in range(200):
            reply = partner.records(base_url, token, query="limit=25")
            if reply.status == 429 and reply.json["code"] == "quota_exhausted":
                return
            time.sleep(0.05)
        raise AssertionError("the quota was never used up")

    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(ask, range(8)))
    engine = open_engine(place.settings.database_url)
    with engine.connect() as connection:
        used: int = connection.execute(text("SELECT sum(count) FROM delivery")).scalar_one()
    engine.dispose()
    return used


def _statuses_after_revocation(place: Installation, token: str) -> set[int]:
    """Statuses of forty requests, two seconds after yet another process revoked the client."""
    engine = open_engine(place.settings.database_url)
    lead = Actor(
        "acc_lead",
        place.contract.organisation_id,
        "Nora",
        "nora@northfield.example",
        frozenset({Role.LEAD}),
        second_factor_at=SystemClock().now(),
    )
    with Store(engine, SystemClock(), "test").write() as unit:
        revoke_client(unit, lead, place.client.client_id)
    engine.dispose()
    time.sleep(STALE_SECONDS)
    return {partner.records(place.settings.base_url, token, query="limit=1").status for _ in range(40)}


def _requests(place: Installation) -> tuple[int, int]:
    """How many requests for records were counted, and how many have an entry; each process writes what it counted when it ends."""
    engine = open_engine(place.settings.database_url)
    with engine.connect() as connection:
        counted = connection.execute(text("SELECT sum(answered + refused + failed) FROM health_day")).scalar_one()
        entered = connection.execute(
            text("SELECT count(*) FROM ledger_search JOIN entry_kind ON entry_kind.id = kind WHERE event = 'access.records'")
        ).scalar_one()
    engine.dispose()
    return counted, entered


def _ledger(place: Installation) -> tuple[set[str], tuple[bool, list[object]]]:
    """The nodes that wrote into the ledger, and whether it is whole; everything is integrated after an orderly end."""
    engine = open_engine(place.settings.database_url)
    with engine.connect() as connection:
        nodes = {json.loads(bytes(leaf))["node"] for (leaf,) in connection.execute(text("SELECT leaf FROM ledger_entry"))}
        assert connection.execute(text("SELECT written - size FROM ledger_counter, ledger_head")).scalar_one() == 0
    report = verify(Store(engine, SystemClock()), KeyRing(master_key(place.settings)))
    engine.dispose()
    return nodes, (report.ok, list(report.problems))

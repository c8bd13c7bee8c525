"""Two processes, one cut off from the store: no data later than two seconds after a revocation that the other took.

`make faults` makes a thousand tries; `make test` fifty. A try is one request to the process that was cut off, after the revocation.
"""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from contracts.clock import SystemClock
from contracts.credentials.service import create_client, revoke_client
from contracts.credentials.tables import Client
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.engine import open_engine
from contracts.store.epochs import STALE_SECONDS
from contracts.store.unit import Store
from portal.demo.story import MadeClient
from tests.harness import partner, valkey
from tests.harness.cut import Way, way_to
from tests.harness.installation import Installation, install
from tests.harness.server import free_port, start

TRIES = int(os.environ.get("CUT_TRIES", "50"))
EACH = 25
SPREAD_SECONDS = 4.0

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


@dataclass(frozen=True)
class Ground:
    """An installation with a process on the store and one behind a way that can be cut."""

    place: Installation
    store: Store
    near: str
    far: str
    way: Way


@pytest.fixture
def ground(tmp_path: Path, new_postgres: str) -> Iterator[Ground]:
    with valkey.running() as server, _way(new_postgres, tmp_path) as (way, far_url):
        port, far_port = free_port(), free_port()
        extra = f'[shared]\nurl = "{valkey.address(server)}"\n'
        place = install(tmp_path, port, database=new_postgres, extra=extra, requests_per_second=5000, records_per_day=10_000_000)
        engine = open_engine(new_postgres)
        near = start(tmp_path, ["serve", "--only", "api"], {"LICET_NODE": "near"}, port)
        behind = {"LICET_NODE": "far", "LICET_DATABASE": far_url, "LICET_PORT": str(far_port)}
        far = start(tmp_path, ["serve", "--only", "api"], behind, far_port)
        try:
            yield Ground(place, Store(engine, SystemClock(), "test"), near.base_url, f"http://127.0.0.1:{far_port}", way)
        finally:
            way.mend()
            far.stop()
            near.stop()
            engine.dispose()


@contextmanager
def _way(database: str, folder: Path) -> Iterator[tuple[Way, str]]:
    """A second address of the database, through the way."""
    url = make_url(database)
    server = next(Path(str(url.query["host"])).glob(".s.PGSQL.*[0-9]"))
    entry = folder / server.name
    with way_to(server, entry) as way:
        yield way, url.update_query_dict({"host": str(folder)}).render_as_string(hide_password=False)


def test_no_data_later_than_two_seconds_after_a_revocation(ground: Ground) -> None:
    late, served, tried = 0, 0, 0
    while tried < TRIES:
        client = _client(ground)
        token = partner.token(ground.near, client).json["access_token"]
        served += partner.records(ground.far, token, query="limit=1").status == 200
        # Before the cut for one half of the rounds, after it for the other.
        if tried // EACH % 2:
            ground.way.cut()
            revoked = _revoke(ground, client)
        else:
            revoked = _revoke(ground, client)
            ground.way.cut()
        late += _late_answers(ground, token, revoked)
        tried += EACH
        _wait_for(ground)
    assert (late, served) == (0, tried // EACH)


def _late_answers(ground: Ground, token: str, revoked: float) -> int:
    """How many of `EACH` requests, spread over four seconds, were answered with data later than two seconds after the revocation.

    The process stays cut off for longer than that. Whoever waits for the store goes on once the way is mended, and gets nothing either.
    """

    def ask(number: int) -> bool:
        time.sleep(max(0.0, revoked + SPREAD_SECONDS * number / EACH - time.monotonic()))
        try:
            status = partner.records(ground.far, token, query="limit=1").status
        except (OSError, http.client.HTTPException):
            return False
        return status == 200 and time.monotonic() - revoked > STALE_SECONDS

    with ThreadPoolExecutor(EACH) as crowd:
        answers = [crowd.submit(ask, number) for number in range(EACH)]
        time.sleep(max(0.0, revoked + SPREAD_SECONDS + 1.0 - time.monotonic()))
        ground.way.mend()
        return sum(each.result() for each in answers)


def _client(ground: Ground) -> MadeClient:
    lead = _lead(ground)
    with ground.store.write() as unit:
        client, secret = create_client(unit, lead, ground.place.contract, name="one more", audience="api")
    return MadeClient("one more", client.id, secret, client.contract_id, ("records:read",))


def _revoke(ground: Ground, client: MadeClient) -> float:
    lead = _lead(ground)
    with ground.store.write() as unit:
        revoke_client(unit, lead, client.client_id)
    return time.monotonic()


def _wait_for(ground: Ground) -> None:
    """Until the far process reads the store again."""
    while partner.ask(ground.far, "GET", "/readyz").status != 200:
        time.sleep(0.02)


def _lead(ground: Ground) -> Actor:
    with ground.store.read() as session:
        made_by = session.get_one(Client, ground.place.client.client_id).created_by
    return Actor(
        made_by,
        ground.place.contract.organisation_id,
        "Nora",
        "nora@northfield.example",
        frozenset({Role.LEAD}),
        second_factor_at=SystemClock().now(),
    )

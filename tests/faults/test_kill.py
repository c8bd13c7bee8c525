"""kill -9 at random moments under load, and a sequencer that is paused and goes on: no answer without its entry, no entry twice, no quota lost
or doubled, the ledger whole, and no checkpoint that anybody saw contradicted.

`make faults` runs a hundred rounds on each store; `make test` runs four.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from contracts.clock import SystemClock
from contracts.keys import KeyRing, master_key
from contracts.ledger import note, tree
from contracts.ledger.source import StoredTiles, verifiers
from contracts.ledger.verify import verify
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from tests.faults.load import Kept, Load
from tests.faults.sites import OneProcess, Several, Site
from tests.harness import partner, valkey
from tests.harness.installation import Installation, install
from tests.harness.server import free_port

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "4"))
SEED = 7

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


def _installed(folder: Path, **further: str) -> Installation:
    """With pace and quota that the load does not reach."""
    return install(folder, free_port(), requests_per_second=5000, records_per_day=10_000_000, **further)


@pytest.fixture(params=["sqlite", "postgresql"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Installation, Site]]:
    """An installation on each store, and its processes."""
    if request.param == "sqlite":
        place = _installed(tmp_path)
        yield place, OneProcess(place, random.Random(SEED))
        return
    with valkey.running() as server:
        shared = f'[shared]\nurl = "{valkey.address(server)}"\n'
        place = _installed(tmp_path, database=request.getfixturevalue("new_postgres"), extra=shared)
        yield place, Several(place, random.Random(SEED))


def test_no_answer_without_its_entry_and_no_quota_lost_or_doubled(ground: tuple[Installation, Site]) -> None:
    place, site = ground
    kept = Kept()
    try:
        for number in range(ROUNDS):
            _one_round(place, site, kept, number)
    finally:
        site.start()
        site.stop()
    _check(place, kept)


def _one_round(place: Installation, site: Site, kept: Kept, number: int) -> None:
    base_url = site.start()
    load = Load(base_url, partner.token(base_url, place.client).json["access_token"], kept)
    try:
        load.goes_on(1)
        site.befalls[number % len(site.befalls)](load)
    finally:
        load.end()


def _check(place: Installation, kept: Kept) -> None:
    engine = open_engine(place.settings.database_url, place.settings.subject_folder)
    store, keys = Store(engine, SystemClock()), KeyRing(master_key(place.settings))
    with engine.connect() as connection:
        leaves = [json.loads(bytes(leaf)) for (leaf,) in connection.execute(text("SELECT leaf FROM ledger_entry"))]
        staged = connection.execute(text("SELECT written - size FROM ledger_counter, ledger_head")).scalar_one()
        used = connection.execute(text("SELECT coalesce(sum(used), 0) FROM quota_day")).scalar_one()
        delivered = {row[0]: row[1] for row in connection.execute(text("SELECT entry_id, count FROM delivery"))}
        free = {row[0] for row in connection.execute(text("SELECT entry_id FROM delivery WHERE free"))}
        billed = {row[0]: row[1] for row in connection.execute(text("SELECT entry_id, rows FROM usage"))}
    report = verify(store, keys)
    contradicted = _contradicted(store, keys, place, kept)
    engine.dispose()
    entered = {leaf["id"]: (leaf["decision"], leaf.get("rows", 0)) for leaf in leaves if leaf["event"] == "access.records"}
    let_out = {entry: rows for entry, (decision, rows) in entered.items() if decision == "allow"}
    assert (report.ok, report.problems) == (True, [])
    assert staged == 0, "an orderly end integrates everything"
    assert len(kept.answers) >= ROUNDS, "the load must have read something"
    assert dict(kept.answers) == {entry: entered.get(entry) for entry, _ in kept.answers}
    assert Counter(entry for entry, _ in kept.answers).most_common(1)[0][1] == 1, "each answer has an entry of its own"
    assert len({leaf["id"] for leaf in leaves}) == len(leaves)
    assert len(kept.answers) <= len(entered) <= kept.asked, "no request was entered twice"
    assert free == {leaf["id"] for leaf in leaves if leaf.get("facts", {}).get("free")}
    assert used == sum(rows for entry, rows in let_out.items() if entry not in free), "quota is what the ledger says, to the record"
    assert delivered == let_out
    assert billed == {}, "a research contract costs nothing"
    assert (len(kept.checkpoints) > 0, contradicted) == (True, [])


def _contradicted(store: Store, keys: KeyRing, place: Installation, kept: Kept) -> list[str]:
    """Checkpoints seen by whoever follows the log that the tree, as it is now, does not bear out."""
    with store.read() as session:
        tiles, known = StoredTiles(session), verifiers(session, keys, place.settings.ledger_origin)
        seen = [note.open_checkpoint(each, known) for each in kept.checkpoints]
        return [each.text() for each in seen if tree.root(tiles, each.size) != each.root]

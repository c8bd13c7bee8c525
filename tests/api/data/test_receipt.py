"""What answers carry of the ledger: the hash of their own leaf, and the newest checkpoint."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlmodel import col, select

from contracts.clock import FixedClock
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.tables import LedgerEntry, LedgerHead
from contracts.store.unit import Store
from tests.api.data.test_api import Api
from tests.harness.data import world

PATH = "/v1/datasets/posts/records"


@pytest.fixture
def api(store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[Api]:
    with world(store, clock, tmp_path) as data:
        yield Api(data)


def carried(api: Api, answer: httpx.Response, entry: str = "") -> tuple[str, str]:
    """What an answer ought to carry, by its entry's stored leaf and the head of the tree."""
    with api.data.store.read() as session:
        leaf = session.exec(select(LedgerEntry.leaf).where(LedgerEntry.id == (entry or answer.json()["entry"]))).one()
        head = session.exec(select(LedgerHead).order_by(col(LedgerHead.id))).first()
    size, root = (head.size, head.root) if head else (0, hashlib.sha256(b"").digest())
    return _base64(hashlib.sha256(b"\0" + leaf).digest()), f"{size} {_base64(root)}"


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def test_every_answer_and_refusal_carries_its_leaf_and_the_newest_checkpoint(api: Api) -> None:
    contract, client = api.data.contract()
    token = api.token(contract, client)
    for _ in range(2):
        answers = [
            api.get(f"{PATH}?limit=1", token),
            api.get(f"{PATH}?limit=0", token),
            api.get("/v1/usage", token),
            api.get(PATH, "nonsense"),
        ]
        answers += [api.get("/v1/datasets/nothing/records", token)]
        for answer in answers:
            assert (answer.headers["licet-leaf"], answer.headers["licet-checkpoint"]) == carried(api, answer), answer.text
        stream = api.get(PATH, token, accept="application/x-ndjson")
        assert (stream.headers["licet-leaf"], stream.headers["licet-checkpoint"]) == carried(api, stream, stream.headers["licet-entry"])
        Sequencer(api.data.store, api.data.keys, "data.agora.example/ledger").integrate()


def test_a_leaf_that_was_replaced_no_longer_fits_what_was_kept(api: Api) -> None:
    contract, client = api.data.contract()
    answer = api.get(f"{PATH}?limit=1", api.token(contract, client))
    with api.data.store.write() as unit:
        row = unit.session.exec(select(LedgerEntry).where(LedgerEntry.id == answer.json()["entry"])).one()
        row.leaf = row.leaf.replace(b'"rows":1', b'"rows":0')
        unit.session.add(row)
    assert answer.headers["licet-leaf"] != carried(api, answer)[0]

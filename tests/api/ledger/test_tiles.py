"""The public ledger over HTTP: an outsider with the key alone rebuilds the tree from what is served."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from api.ledger import router
from api.problems import on_error
from contracts.anchors.closing import close_log
from contracts.clock import FixedClock
from contracts.errors import LicetError, Unserved
from contracts.house import House
from contracts.keys import KeyRing
from contracts.ledger import note, tree, verify_licet
from contracts.ledger.monitor import read_kept
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.tiles import TileRef, tile_path, width_at
from contracts.settings import Settings
from contracts.store.unit import Store
from portal.commands.monitor import verify_url
from tests.contracts.ledger.conftest import ORIGIN, fill
from tests.harness.asgi import serving


@pytest.fixture
def house(sqlite_store: Store, clock: FixedClock) -> House:
    keys = KeyRing(b"m" * 32)
    parts = SimpleNamespace(store=sqlite_store, clock=clock, keys=keys, sequencer=Sequencer(sqlite_store, keys, ORIGIN))
    return cast(House, parts)


@pytest.fixture
def client(house: House) -> TestClient:
    app = FastAPI()
    app.state.house = house
    app.add_exception_handler(LicetError, on_error)
    app.include_router(router(house))
    return TestClient(app)


class ServedTiles:
    """Tiles fetched by their public paths, as an auditor does."""

    def __init__(self, client: TestClient, size: int) -> None:
        self._client, self._size = client, size

    def tile(self, level: int, index: int) -> bytes:
        width = width_at(level, index, self._size)
        answer = self._client.get(f"/ledger/{tile_path(TileRef(level, index, width))}")
        assert (answer.status_code, answer.headers["content-type"], len(answer.content)) == (200, "application/octet-stream", width * 32)
        return answer.content


def test_an_outsider_checks_the_log_with_its_key_alone(house: House, client: TestClient) -> None:
    fill(house.store, 40)
    house.sequencer.integrate()
    verifier = note.parse_vkey(house.sequencer.ensure_key())
    first = note.open_checkpoint(client.get("/ledger/checkpoint").text, [verifier])
    fill(house.store, 300)
    house.sequencer.integrate()
    second = note.open_checkpoint(client.get("/ledger/checkpoint").text, [verifier])
    served = ServedTiles(client, second.size)
    assert (tree.root(served, first.size), tree.root(served, second.size)) == (first.root, second.root)
    proof = tree.consistency_proof(served, first.size, second.size)
    assert tree.verify_consistency(first.size, second.size, first.root, second.root, proof)


def test_checkpoints_are_kept_for_seconds_and_tiles_for_ever(house: House, client: TestClient) -> None:
    fill(house.store, 3)
    house.sequencer.integrate()
    answer = client.get("/ledger/checkpoint")
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("text/plain; charset=utf-8", "public, max-age=2")
    assert client.get("/ledger/tile/0/000.p/3").headers["cache-control"] == "public, max-age=31536000, immutable"


def test_before_the_first_entry_there_is_no_checkpoint(client: TestClient) -> None:
    answer = client.get("/ledger/checkpoint")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    ["0/000", "0/000.p/200", "0/001.p/1", "1/000.p/1", "0/0", "64/000", "x/000", "0/000.p/0", "0/x999/x999/x999/x999/x999/x999/999", "0/"],
)
def test_tiles_that_do_not_exist_are_not_found(house: House, client: TestClient, path: str) -> None:
    fill(house.store, 3)
    house.sequencer.integrate()
    answer = client.get(f"/ledger/tile/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_entries_are_not_public(house: House, client: TestClient) -> None:
    fill(house.store, 3)
    house.sequencer.integrate()
    answer = client.get("/ledger/tile/entries/000.p/3")
    assert (answer.status_code, answer.json()["code"]) == (403, "role_required")


def test_the_script_for_outsiders_is_served_as_it_is(client: TestClient) -> None:
    answer = client.get("/ledger/verify_licet.py")
    assert (answer.content, answer.headers["content-type"]) == (Path(verify_licet.__file__).read_bytes(), "text/x-python; charset=utf-8")


def test_a_kept_checkpoint_is_compared_with_the_newest_by_the_offline_file_alone(house: House, client: TestClient) -> None:
    fill(house.store, 3)
    house.sequencer.integrate()
    key = house.sequencer.ensure_key()
    kept = client.get("/ledger/checkpoint").text
    old = int(kept.split("\n")[1])
    fill(house.store, 300)
    house.sequencer.integrate()
    answer = client.get(f"/ledger/consistency/{old}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert verify_licet.check_consistency(kept, answer.text, key, []) == (old, old + 300)
    refused = [client.get(f"/ledger/consistency/{wrong}").status_code for wrong in (old + 301, -1, "x", "9" * 30)]
    assert refused == [404] * 4


def test_a_closed_log_stays_served_up_to_its_end(house: House, client: TestClient) -> None:
    fill(house.store, 3)
    house.sequencer.integrate()
    settings = Settings(profile="test", ledger_name=ORIGIN)
    key = house.sequencer.ensure_key()
    end = note.open_checkpoint(client.get("/ledger/checkpoint").text, [note.parse_vkey(key)])
    opened = close_log(house.store, house.keys, settings, "The key was lost.")
    Sequencer(house.store, house.keys, opened.origin).integrate()
    assert note.open_checkpoint(client.get("/ledger/logs/1/checkpoint").text, [note.parse_vkey(key)]) == end
    served = client.get(f"/ledger/logs/1/tile/0/000.p/{end.size}").content
    assert tree.root_of(tree.split(served)) == end.root
    assert note.open_checkpoint(client.get("/ledger/checkpoint").text, [note.parse_vkey(opened.key)]).size == end.size + 2
    absent = (f"1/tile/0/000.p/{end.size + 1}", "2/checkpoint", "0/checkpoint", "x/checkpoint", "2/tile/0/000.p/1", "1/tile/a/000")
    assert [client.get(f"/ledger/logs/{each}").status_code for each in absent] == [404] * 6


def test_the_command_follows_a_log_over_http(house: House, client: TestClient, tmp_path: Path) -> None:
    fill(house.store, 300)
    house.sequencer.integrate()
    key, state = house.sequencer.ensure_key(), tmp_path / "kept.json"
    with serving(cast(ASGIApp, client.app)) as port:
        address = f"http://127.0.0.1:{port}/ledger/"
        first = verify_url(address, key, state)
        fill(house.store, 20)
        house.sequencer.integrate()
        second = verify_url(address, key, state)
        with pytest.raises(Unserved, match="answers 404"):
            verify_url(f"{address}nothing", key, None)
    assert (first.size, second.size, read_kept(state).edge.size) == (301, 321, 321)
    with pytest.raises(Unserved, match="does not answer"):
        verify_url(address, key, state)

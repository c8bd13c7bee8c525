"""What the ledger's page says of those outside who hold it."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.testclient import TestClient

from contracts.anchors.settings import Anchors, WitnessAt
from contracts.anchors.tables import CheckpointCosignature, LogWitness
from contracts.house import House
from contracts.ledger.cosignature import cosign, witness_of
from contracts.ledger.note import parts
from contracts.ledger.source import latest_checkpoint
from tests.portal.compliance.conftest import integrate
from tests.portal.house import post

KEY = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS = witness_of("witness.example/1", KEY)


def watch(house: House) -> None:
    """Name a witness in the settings."""
    known = WitnessAt(key=WITNESS.vkey(), address="https://witness.example")
    object.__setattr__(house, "settings", house.settings.model_copy(update={"anchors": Anchors(witnesses={"w": known})}))


def test_without_a_witness_it_is_unanchored(house: House, cora: TestClient) -> None:
    integrate(house)
    for page in (cora.get("/compliance"), post(cora, "/compliance/verify")):
        assert "Unanchored since 2026-11-02 09:00 UTC: nobody outside has signed a checkpoint." in page.text


def test_with_one_it_is_anchored_at_a_size_and_time_by_a_name(house: House, cora: TestClient) -> None:
    integrate(house)
    watch(house)
    with house.store.write() as unit:
        newest = latest_checkpoint(unit.session)
        assert newest is not None
        line = cosign(parts(newest.note)[0], WITNESS.name, KEY, unit.now)
        unit.session.add(CheckpointCosignature(size=newest.size, key=WITNESS.vkey(), line=line, at=unit.now))
    told = f"Anchored at {newest.size} entries, 2026-11-02 09:00 UTC by witness.example/1."
    assert told in cora.get("/compliance").text
    verified = post(cora, "/compliance/verify").text
    assert told in verified and "The ledger verifies" in verified


def test_a_ledger_that_a_witness_refuses_is_not_called_whole(house: House, cora: TestClient) -> None:
    integrate(house)
    watch(house)
    with house.store.write() as unit:
        row = LogWitness(origin=house.sequencer.origin, key=WITNESS.vkey(), asked_at=unit.now, problem="It was rewritten.", refuses=True)
        unit.session.add(row)
    assert '<p class="note stop">It was rewritten.</p>' in cora.get("/compliance").text
    verified = post(cora, "/compliance/verify").text
    assert "A witness holds another history" in verified and "The ledger verifies" not in verified

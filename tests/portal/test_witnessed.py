"""The ledger and a witness over real HTTPS: the job's own client, `licet ledger witness`, what commands and doctor say of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.anchors.service import Anchoring
from contracts.anchors.settings import Anchors, WitnessAt
from contracts.anchors.status import standing
from contracts.house import House
from contracts.ledger.sequencer import Sequencer
from portal.commands.ledger import anchor_lines
from portal.commands.witness import Door, open_witness, server_of
from portal.jobs import guarded, posted
from tests.harness.tls import certificate


@contextmanager
def witnessed(house: House, folder: Path, *, private: bool = True) -> Iterator[House]:
    """The house with a witness at a private address, served with a certificate of its own authority."""
    with house.store.read() as session:
        log = house.sequencer.verifier_key(session)
    witness, pem = open_witness(folder / "w", "witness.example/1", [log], house.clock), certificate(folder, "localhost")
    with server_of(witness, Door(port=0, certificate=pem)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        at = WitnessAt(key=witness.verifier.vkey(), address=f"https://localhost:{server.server_address[1]}", private=private, trust=pem)
        try:
            object.__setattr__(house, "settings", house.settings.model_copy(update={"anchors": Anchors(witnesses={"w": at})}))
            yield house
        finally:
            server.shutdown()
            thread.join()


def rounds(house: House) -> None:
    house.sequencer.integrate()
    # Five seconds are little on a machine that does ten other things.
    patient = replace(guarded(house), seconds=60.0)
    Anchoring(house.store, house.settings.anchors, house.sequencer.origin, posted(patient)).tick()


@pytest.fixture
def signing(house: House) -> House:
    object.__setattr__(house, "sequencer", Sequencer(house.store, house.keys, house.settings.ledger_origin))
    house.sequencer.ensure_key()
    house.sequencer.integrate()
    return house


def test_the_job_has_a_checkpoint_cosigned_over_https(signing: House, tmp_path: Path) -> None:
    with witnessed(signing, tmp_path) as house:
        rounds(house)
        with house.store.read() as session:
            stood = standing(session, house.settings.anchors, house.sequencer.origin)
        assert (stood.problems, stood.refusals, stood.anchor and stood.anchor.by) == ((), (), "witness.example/1")
        assert list(anchor_lines(stood)) == [stood.sentence()]


def test_a_private_address_is_asked_only_where_the_settings_allow_it(signing: House, tmp_path: Path) -> None:
    with witnessed(signing, tmp_path, private=False) as house:
        rounds(house)
        with house.store.read() as session:
            stood = standing(session, house.settings.anchors, house.sequencer.origin)
    assert stood.anchor is None
    assert stood.problems == ("witness.example/1: The address does not lead to public addresses only. Give a public https address.",)

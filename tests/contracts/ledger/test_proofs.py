"""Proofs, made from the store and checked with a public key alone."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from contracts.errors import Refused
from contracts.keys import KeyRing
from contracts.ledger import note, proofs
from contracts.ledger.note import BadNote, Verifier
from contracts.ledger.projection import read_leaf
from contracts.ledger.proofs import Checked, Pending, Proof
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import record
from contracts.ledger.tables import LedgerEntry, LedgerHead
from contracts.store.unit import Store
from tests.conftest import START
from tests.contracts.ledger.conftest import ORIGIN, access, fill


def proved(store: Store, entry_id: str) -> Proof:
    with store.read() as session:
        proof = proofs.proof_of(session, entry_id)
    assert isinstance(proof, Proof)
    return proof


@pytest.fixture
def verifier(store: Store, sequencer: Sequencer) -> Verifier:
    with store.read() as session:
        return note.parse_vkey(sequencer.verifier_key(session))


def test_every_entry_is_provable_with_the_public_key_alone(store: Store, sequencer: Sequencer, verifier: Verifier) -> None:
    ids = fill(store, 10)
    sequencer.integrate()
    for place, entry_id in enumerate(ids, 1):
        checked = proofs.check_proof(proved(store, entry_id).text(), verifier)
        assert (checked.origin, checked.index, checked.size, read_leaf(checked.leaf)["id"]) == (ORIGIN, place, 11, entry_id)


def test_a_proof_is_the_text_of_the_specification(store: Store, sequencer: Sequencer) -> None:
    entry_id = fill(store, 2)[1]
    sequencer.integrate()
    proof = proved(store, entry_id)
    lines = proof.text().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", f"extra {base64.b64encode(proof.leaf).decode()}", "index 2"]
    assert lines[3:7] == [base64.b64encode(proof.hashes[0]).decode(), "", ORIGIN, "3"]
    assert proof.text().endswith(proof.checkpoint)


def test_a_proof_reads_back(store: Store, sequencer: Sequencer) -> None:
    entry_id = fill(store, 5)[3]
    sequencer.integrate()
    proof = proved(store, entry_id)
    read = proofs.read_proof(proof.text())
    assert read == Proof("", proof.leaf, proof.index, proof.size, proof.hashes, proof.checkpoint)


def test_a_proof_asks_for_its_tiles_at_once(store: Store, sequencer: Sequencer) -> None:
    asked = list[str]()
    with store.write() as unit:
        ids = [record(unit, access(number)) for number in range(300)]
    sequencer.integrate()

    def note_tiles(*told: Any) -> None:
        asked.extend(statement for statement in told if isinstance(statement, str) and "ledger_tile" in statement)

    event.listen(store.engine, "before_cursor_execute", note_tiles)
    assert proved(store, ids[7]).size == 301
    event.remove(store.engine, "before_cursor_execute", note_tiles)
    assert len(asked) == 1


def test_the_only_entry_of_a_ledger_has_an_empty_path(store: Store, sequencer: Sequencer, verifier: Verifier) -> None:
    with store.read() as session:
        row, head = session.get(LedgerEntry, 0), session.get(LedgerHead, 1)
        assert row is not None
        assert head is not None
    assert head.size == 1
    assert proofs.check_proof(proved(store, row.id).text(), verifier) == Checked(ORIGIN, 0, 1, row.leaf)


def test_before_integration_the_answer_is_a_time(store: Store, sequencer: Sequencer) -> None:
    entry_id = fill(store, 1)[0]
    with store.read() as session:
        assert proofs.proof_of(session, entry_id) == Pending(entry_id, START + timedelta(seconds=1))


def test_an_unknown_entry_is_not_found(store: Store, sequencer: Sequencer) -> None:
    with store.read() as session, pytest.raises(Refused) as refused:
        proofs.proof_of(session, "ent_nothing")
    assert refused.value.refusal.code == "not_found"


def test_an_altered_proof_does_not_hold(store: Store, keys: KeyRing, sequencer: Sequencer, verifier: Verifier) -> None:
    ids = fill(store, 6)
    sequencer.integrate()
    proof = proved(store, ids[2])
    other_leaf = base64.b64encode(proved(store, ids[3]).leaf).decode()
    leaf, first = base64.b64encode(proof.leaf).decode(), base64.b64encode(proof.hashes[0]).decode()
    text = proof.text()
    altered = {
        text.replace(leaf, other_leaf): "the path does not lead",
        text.replace("index 3", "index 2"): "the path does not lead",
        text.replace(first, base64.b64encode(bytes(32)).decode()): "the path does not lead",
        text.replace(first + "\n", ""): "the path does not lead",
        text.replace(f"{ORIGIN}\n7\n", f"{ORIGIN}\n8\n"): "does not hold",
        text.replace("index 3", "index 03"): "not a plain number",
        text.replace("index 3", "index -3"): "not a plain number",
        text.replace("extra ", "ekstra "): "a proof begins with",
        text.replace(first, first[:-8]): "32 bytes",
        text.replace(first, "*"): "base64",
        "": "a proof begins with",
    }
    for changed, message in altered.items():
        assert changed != text
        with pytest.raises(BadNote, match=message):
            proofs.check_proof(changed, verifier)
    with pytest.raises(BadNote, match="no known key"):
        proofs.check_proof(text, Verifier("other.example/ledger", verifier.public))

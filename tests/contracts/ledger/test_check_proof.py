"""The script that outsiders run: real proofs hold, altered ones do not; run as they run it, in a bare Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.keys import KeyRing
from contracts.ledger import check_proof, proofs
from contracts.ledger.note import verifier_of
from contracts.ledger.sequencer import Sequencer
from contracts.store.unit import Store
from tests.contracts.ledger.conftest import ORIGIN, fill
from tests.contracts.ledger.test_proofs import proved


@pytest.fixture
def proof(sqlite_store: Store, keys: KeyRing) -> tuple[str, str, str]:
    """A proof's text, the public key, and the leaf."""
    sequencer = Sequencer(sqlite_store, keys, ORIGIN)
    entry_id = fill(sqlite_store, 9)[4]
    sequencer.integrate()
    made = proved(sqlite_store, entry_id)
    return made.text(), sequencer.ensure_key(), made.leaf.decode()


def test_a_true_proof_holds_in_a_bare_python(tmp_path: Path, proof: tuple[str, str, str]) -> None:
    text, vkey, leaf = proof
    file = tmp_path / "entry.tlog-proof"
    file.write_text(text, encoding="utf-8")
    command = [sys.executable, "-I", "-S", check_proof.__file__, str(file), vkey]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    expected = f"{leaf}\n\nHolds: this is entry 4 of the first 10, signed by {ORIGIN}.\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")


def test_an_altered_proof_does_not_hold(tmp_path: Path, proof: tuple[str, str, str], capsys: pytest.CaptureFixture[str]) -> None:
    text, vkey, _ = proof
    other = verifier_of(ORIGIN, Ed25519PrivateKey.generate()).vkey()
    lines = text.split("\n")
    cases = [
        (text.replace("index 4", "index 5"), vkey, "the path does not lead from this entry to the checkpoint's root"),
        (text.replace(f"{ORIGIN}\n10", f"{ORIGIN}\n11"), vkey, "the signature does not hold"),
        ("\n".join([*lines[:3], *lines[4:]]), vkey, "the path does not lead from this entry to the checkpoint's root"),
        (text, other, "the checkpoint is not signed by this key"),
        (text, vkey.replace(ORIGIN, "other.example/ledger"), "the public key is not in verifier-key form"),
        ("rubbish", vkey, "this is not a proof with its entry"),
    ]
    file = tmp_path / "entry.tlog-proof"
    for changed, key, message in cases:
        file.write_text(changed, encoding="utf-8")
        assert check_proof.main([str(file), key]) == 1
        assert capsys.readouterr().out == f"DOES NOT HOLD: {message}\n"
    assert check_proof.main([]) == 2


def test_both_checkers_agree(proof: tuple[str, str, str]) -> None:
    from contracts.ledger.note import parse_vkey

    text, vkey, leaf = proof
    checked = proofs.check_proof(text, parse_vkey(vkey))
    assert check_proof.check(text, vkey) == (checked.index, checked.size, leaf)


@settings(deadline=None, max_examples=25)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.integers(0, 63), st.integers(0, 7))
def test_signatures_are_those_of_the_library(seed: bytes, message: bytes, byte: int, bit: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = verifier_of("x", key).public, key.sign(message)
    check_proof.check_signature(public, signature, message)
    wrong = bytearray(signature)
    wrong[byte] ^= 1 << bit
    with pytest.raises(ValueError, match="the signature does not hold"):
        check_proof.check_signature(public, bytes(wrong), message)
    with pytest.raises(ValueError, match="the signature does not hold"):
        check_proof.check_signature(public, signature, message + b"x")

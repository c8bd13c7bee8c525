"""The settings of anchors: keys of witnesses, and time-stamps that can be checked."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from contracts.anchors.settings import Anchors, WitnessAt
from contracts.ledger.cosignature import witness_of
from contracts.ledger.note import verifier_of

KEY = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS = witness_of("w.example", KEY)


def test_a_witness_has_a_key_and_an_https_address() -> None:
    made = WitnessAt(key=f" {WITNESS.vkey()}\n", address="https://w.example/witness/")
    assert (made.verifier, made.url) == (WITNESS, "https://w.example/witness/add-checkpoint")
    assert WitnessAt(key=WITNESS.vkey(), address="https://w.example").url == "https://w.example/add-checkpoint"
    for wrong in (
        {"key": verifier_of("w.example", KEY).vkey()},
        {"key": "w"},
        {"address": "http://w.example"},
        {"address": "https://w.example?a"},
    ):
        with pytest.raises(ValidationError):
            WitnessAt.model_validate({"key": WITNESS.vkey(), "address": "https://w.example", **wrong})


def test_what_cannot_be_checked_is_not_asked_for() -> None:
    with pytest.raises(ValidationError, match="are given together"):
        Anchors(timestamp_url="https://tsa.example")
    twice = {name: WitnessAt(key=WITNESS.vkey(), address="https://w.example") for name in ("a", "b")}
    with pytest.raises(ValidationError, match="a key of its own"):
        Anchors(witnesses=twice)

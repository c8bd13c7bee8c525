"""Signed notes against the public vector of Go's sumdb/note, and checkpoints."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.ledger import note
from contracts.ledger.note import BadNote, CheckpointText, Verifier

GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = f"{GO_TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
ROOT = bytes(range(32))


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(GO_SEED)


def test_signing_gives_the_public_vector(key: Ed25519PrivateKey) -> None:
    assert note.sign(GO_TEXT, "PeterNeumann", key) == GO_NOTE
    assert note.verifier_of("PeterNeumann", key).vkey() == GO_VKEY


def test_opening_gives_the_text() -> None:
    assert note.open_note(GO_NOTE, [note.parse_vkey(GO_VKEY)]) == GO_TEXT


def test_signatures_of_unknown_keys_are_passed_over() -> None:
    stranger = note.sign(GO_TEXT, "someone.example/else", Ed25519PrivateKey.generate()).split("\n\n")[1]
    assert note.open_note(GO_NOTE + stranger, [note.parse_vkey(GO_VKEY)]) == GO_TEXT


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (GO_NOTE.replace("answer", "Answer"), "the signature of PeterNeumann does not hold"),
        (GO_NOTE.replace("— PeterNeumann", "— Someone"), "no known key signed this"),
        (GO_NOTE.replace("x08go", "y08go"), "no known key signed this"),
        (GO_NOTE.replace("x08go/", "x08go*"), "base64 is malformed"),
        (GO_NOTE.replace("— ", "- "), "a signature line is malformed"),
        (GO_NOTE.rstrip("\n"), "the note has no signature lines"),
        (GO_TEXT, "the note has no signature lines"),
        ("", "the note has no signature lines"),
    ],
)
def test_a_broken_note_is_refused_with_its_reason(broken: str, message: str) -> None:
    with pytest.raises(BadNote, match=message):
        note.open_note(broken, [note.parse_vkey(GO_VKEY)])


@pytest.mark.parametrize("broken", ["PeterNeumann", GO_VKEY.replace("c74f20a3", "c74f20a4"), GO_VKEY.replace("ARpc", "AZpc"), "a+b+c"])
def test_a_broken_verifier_key_is_refused(broken: str) -> None:
    with pytest.raises(BadNote):
        note.parse_vkey(broken)


def test_a_checkpoint_reads_back(key: Ed25519PrivateKey) -> None:
    told = CheckpointText("agora.example/ledger", 12, ROOT)
    signed = note.sign(told.text(), told.origin, key)
    assert signed.startswith("agora.example/ledger\n12\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n— agora.example/ledger ")
    assert note.open_checkpoint(signed, [note.verifier_of(told.origin, key)]) == told


@pytest.mark.parametrize(
    "text",
    [
        "o\n012\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "o\n-1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "o\n١\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "o\n1\nAAEC\n",
        "o\n1\n",
        "o\n\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        note.parse_checkpoint(text)


def test_names_and_texts_that_notes_cannot_carry_are_refused(key: Ed25519PrivateKey) -> None:
    for name in ("", "a b", "a+b"):
        with pytest.raises(ValueError, match="cannot name a key"):
            note.sign("text\n", name, key)
    for text in ("no newline", "bell\a\n"):
        with pytest.raises(ValueError, match="ends in a newline"):
            note.sign(text, "name", key)


def test_a_verifier_with_another_name_is_another_key(key: Ed25519PrivateKey) -> None:
    other = Verifier("Other", note.verifier_of("PeterNeumann", key).public)
    with pytest.raises(BadNote, match="no known key signed this"):
        note.open_note(GO_NOTE, [other])

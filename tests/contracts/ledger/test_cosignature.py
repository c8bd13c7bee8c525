"""Cosignatures by the words of C2SP tlog-cosignature."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.ledger import note
from contracts.ledger.cosignature import Cosigned, cosign, cosignatures, parse_witness, witness_of
from contracts.ledger.note import BadNote, CheckpointText

AT = datetime(2026, 11, 22, 14, 0, 7, 900_000, tzinfo=UTC)
WHOLE = AT.replace(microsecond=0)
LOG, KEY = Ed25519PrivateKey.from_private_bytes(b"l" * 32), Ed25519PrivateKey.from_private_bytes(b"w" * 32)
TOLD = CheckpointText("agora.example/ledger", 12, bytes(range(32)))
SIGNED = note.sign(TOLD.text(), TOLD.origin, LOG)
WITNESS = witness_of("witness.example/w1", KEY)
LINE = cosign(TOLD.text(), WITNESS.name, KEY, AT)


def test_a_cosignature_is_made_as_the_text_says() -> None:
    public = KEY.public_key().public_bytes_raw()
    key_id = hashlib.sha256(b"witness.example/w1\n\x04" + public).digest()[:4]
    dash, name, encoded = LINE.rstrip("\n").split(" ")
    raw = base64.b64decode(encoded)
    assert (dash, name, raw[:4], int.from_bytes(raw[4:12], "big"), len(raw)) == ("—", WITNESS.name, key_id, int(WHOLE.timestamp()), 76)
    KEY.public_key().verify(raw[12:], f"cosignature/v1\ntime {int(WHOLE.timestamp())}\n{TOLD.text()}".encode())
    assert WITNESS.vkey() == f"witness.example/w1+{key_id.hex()}+{base64.b64encode(bytes([4]) + public).decode()}"


def test_a_note_with_it_is_read_by_witness_and_by_log_alike() -> None:
    whole = SIGNED + LINE
    assert cosignatures(whole, [parse_witness(WITNESS.vkey())]) == [Cosigned(WITNESS, WHOLE, LINE)]
    assert note.open_checkpoint(whole, [note.verifier_of(TOLD.origin, LOG)]) == TOLD


def test_strangers_are_passed_over_and_a_false_line_of_a_known_witness_is_not() -> None:
    stranger = cosign(TOLD.text(), "other.example", Ed25519PrivateKey.from_private_bytes(b"s" * 32), AT)
    assert cosignatures(SIGNED + stranger, [WITNESS]) == []
    for false in (
        cosign(CheckpointText(TOLD.origin, 13, TOLD.root).text(), WITNESS.name, KEY, AT),
        note.signature_line(WITNESS, KEY.sign(TOLD.text().encode())),
        note.signature_line(WITNESS, (2**63).to_bytes(8, "big") + bytes(64)),
        note.signature_line(WITNESS, b""),
    ):
        with pytest.raises(BadNote):
            cosignatures(SIGNED + false, [WITNESS])


def test_another_time_than_the_signed_one_does_not_hold() -> None:
    raw = base64.b64decode(LINE.split(" ")[2])
    later = (int.from_bytes(raw[4:12], "big") + int(timedelta(days=1).total_seconds())).to_bytes(8, "big")
    with pytest.raises(BadNote, match=r"the cosignature of witness\.example/w1 does not hold"):
        cosignatures(SIGNED + note.signature_line(WITNESS, later + raw[12:]), [WITNESS])


def test_keys_of_logs_and_of_witnesses_are_not_taken_for_each_other() -> None:
    with pytest.raises(BadNote, match="is not that of a witness"):
        parse_witness(note.verifier_of(TOLD.origin, LOG).vkey())
    with pytest.raises(BadNote, match="is not an Ed25519 key"):
        note.parse_vkey(WITNESS.vkey())
    assert note.verifier_of("same.example", KEY).key_id != witness_of("same.example", KEY).key_id

"""Cosignatures of witnesses (C2SP tlog-cosignature, cosignature/v1 with Ed25519): made and checked. Pure.

A cosignature says: at this moment, this was the largest tree that the witness had seen of the log, and it extends every earlier one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.ledger.note import COSIGNATURE, BadNote, Verifier, parse_vkey, parts, signature_line, verifier_of

_HEADER = "cosignature/v1"
_TIME, _SIGNATURE = 8, 64
_LAST = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A cosignature that holds: whose, when by the witness's clock, and its line in the note."""

    witness: Verifier
    at: datetime
    line: str


def witness_of(name: str, key: Ed25519PrivateKey) -> Verifier:
    """A witness's public key under its name; ValueError for a name that notes cannot carry."""
    return verifier_of(name, key, COSIGNATURE)


def parse_witness(text: str) -> Verifier:
    """Read a witness's verifier key, whose type is 0x04; `BadNote` for every other."""
    return parse_vkey(text, COSIGNATURE)


def cosign(text: str, name: str, key: Ed25519PrivateKey, at: datetime) -> str:
    """The signature line of a witness over a checkpoint's text, at whole seconds."""
    moment = int(at.timestamp())
    return signature_line(witness_of(name, key), moment.to_bytes(_TIME, "big") + key.sign(_message(text, moment)))


def cosignatures(note: str, witnesses: Sequence[Verifier]) -> list[Cosigned]:
    """Those of the note's lines that known witnesses signed, in the note's order; other lines are passed over.

    `BadNote` where the note is malformed or a known witness's signature does not hold. The log's own signature is not looked at.
    """
    text, signatures = parts(note)
    known = {(each.name, each.key_id): each for each in witnesses}
    found = []
    for name, raw in signatures:
        witness = known.get((name, raw[:4]))
        if witness is not None:
            found.append(Cosigned(witness, _checked(witness, raw[4:], text), signature_line(witness, raw[4:])))
    return found


def _checked(witness: Verifier, signature: bytes, text: str) -> datetime:
    moment = int.from_bytes(signature[:_TIME], "big")
    try:
        if len(signature) != _TIME + _SIGNATURE or moment > _LAST:
            raise InvalidSignature
        Ed25519PublicKey.from_public_bytes(witness.public).verify(signature[_TIME:], _message(text, moment))
    except InvalidSignature as error:
        raise BadNote(f"the cosignature of {witness.name} does not hold") from error
    return datetime.fromtimestamp(moment, UTC)


def _message(text: str, moment: int) -> bytes:
    return f"{_HEADER}\ntime {moment}\n{text}".encode()

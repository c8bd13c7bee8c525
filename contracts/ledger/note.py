"""C2SP signed notes with Ed25519, and the checkpoints of tlog-checkpoint written as such notes. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contracts.ledger.tree import HASH

ED25519, COSIGNATURE = b"\x01", b"\x04"
"""Types of keys: plain Ed25519, and timestamped Ed25519 of witnesses (signed-note, "Signature types")."""
_DASH = "— "
MOST_SIGNATURES = 100


class BadNote(ValueError):
    """The text is no signed note, no checkpoint, or its signature does not hold; the message says which."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under the name that it signs with, and the type of its signatures."""

    name: str
    public: bytes
    kind: bytes = ED25519

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name || newline || type || public key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:4]

    def vkey(self) -> str:
        """The verifier-key form `<name>+<key id in hex>+<base64 of the type and the public key>`."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.kind + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class CheckpointText:
    """What a checkpoint says: whose log, how many entries, which root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note text: three lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def verifier_of(name: str, key: Ed25519PrivateKey, kind: bytes = ED25519) -> Verifier:
    """The public half of a signing key under a name; ValueError for a name that notes cannot carry."""
    _check_name(name)
    return Verifier(name, key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), kind)


def parse_vkey(text: str, kind: bytes = ED25519) -> Verifier:
    """Read the verifier-key form; `BadNote` where it is malformed, of another type, or its key id does not fit."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise BadNote("a verifier key is <name>+<key id>+<key>")
    name, key_id, encoded = parts
    raw = _decode(encoded)
    if len(raw) != 33 or raw[:1] != kind:
        raise BadNote("the verifier key is not an Ed25519 key" if kind == ED25519 else "the verifier key is not that of a witness")
    verifier = Verifier(name, raw[1:], kind)
    if verifier.key_id.hex() != key_id:
        raise BadNote("the verifier key's id does not fit its name and key")
    return verifier


def sign(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """The text as a signed note. It ends in a newline and has no other control characters."""
    if not text.endswith("\n") or any(ord(char) < 32 and char != "\n" for char in text):
        raise ValueError("a note's text ends in a newline and has no control characters")
    return f"{text}\n{signature_line(verifier_of(name, key), key.sign(text.encode()))}"


def open_note(note: str, verifiers: Sequence[Verifier]) -> str:
    """The text of a note signed by one of the verifiers.

    Signatures of unknown keys are passed over. Raises `BadNote` where no known key signed or a known key's signature fails.
    """
    text, signatures = parts(note)
    known = {(each.name, each.key_id): each for each in verifiers}
    good = False
    for name, raw in signatures:
        verifier = known.get((name, raw[:4]))
        if verifier is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(verifier.public).verify(raw[4:], text.encode())
        except InvalidSignature as error:
            raise BadNote(f"the signature of {name} does not hold") from error
        good = True
    if not good:
        raise BadNote("no known key signed this")
    return text


def parse_checkpoint(text: str) -> CheckpointText:
    """Read a checkpoint's text (tlog-checkpoint); extension lines are passed over, anything malformed is `BadNote`."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise BadNote("a checkpoint has an origin, a size and a root, each on its line")
    origin, size, root = lines[:3]
    if not (size.isascii() and size.isdigit()) or str(int(size)) != size:
        raise BadNote("the checkpoint's size is not a plain number")
    raw = _decode(root)
    if len(raw) != HASH:
        raise BadNote("the checkpoint's root is not 32 bytes")
    return CheckpointText(origin, int(size), raw)


def open_checkpoint(note: str, verifiers: Sequence[Verifier]) -> CheckpointText:
    """Verify a signed checkpoint and read it."""
    return parse_checkpoint(open_note(note, verifiers))


def signature_line(verifier: Verifier, signature: bytes) -> str:
    """One signature line of a note, with its newline."""
    return f"{_DASH}{verifier.name} {base64.b64encode(verifier.key_id + signature).decode()}\n"


def base64_line(raw: bytes) -> bytes:
    """A hash as a line of a proof."""
    return base64.b64encode(raw) + b"\n"


def parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text of a note and, of each signature line, the name and the bytes: key id, then signature. Checks no signature.

    `BadNote` where the text is no signed note.
    """
    text, gap, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not gap or lines[-1] or not 1 <= len(lines) - 1 <= MOST_SIGNATURES:
        raise BadNote("the note has no signature lines")
    return text + "\n", [_signature(line) for line in lines[:-1]]


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not name or len(encoded) < 8:
        raise BadNote("a signature line is malformed")
    return name, _decode(encoded)


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote("base64 is malformed") from error


def _check_name(name: str) -> None:
    if not name or "+" in name or any(char.isspace() for char in name):
        raise ValueError(f"{name!r} cannot name a key: it is empty or has a space or plus sign")

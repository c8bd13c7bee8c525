#!/usr/bin/env python3
"""Checks a .tlog-proof file with nothing but Python: no Licet, no other library, no network.

    python3 check-proof.py entry.tlog-proof "agora.example/ledger+1a2b3c4d+AQ..."

The second argument is the ledger's public key, which you should have from another place than the proof. Prints the entry and
leaves with 0 where the proof holds; says what does not hold and leaves with 1 otherwise.

What is checked: the checkpoint's Ed25519 signature (RFC 8032 section 5.1.7, C2SP signed-note), and that the path leads from the
entry to the checkpoint's root (RFC 9162 section 2.1.3.2, C2SP tlog-proof).
"""

from __future__ import annotations

import base64
import hashlib
import sys

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def recover_x(y: int, sign: int) -> int:
    """The x of a point on edwards25519 from its y and sign (RFC 8032 section 5.1.3)."""
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        raise ValueError("the signature does not hold")
    return P - x if x & 1 != sign else x


def point(raw: bytes) -> tuple[int, int, int, int]:
    """A point in extended coordinates from its 32 bytes (RFC 8032 section 5.1.3)."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if len(raw) != 32 or y >= P:
        raise ValueError("the signature does not hold")
    x = recover_x(y, sign)
    return (x, y, 1, x * y % P)


def add(p: tuple[int, int, int, int], q: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """The sum of two points (RFC 8032 section 5.1.4)."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(scalar: int, p: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """A point added to itself; not in constant time, since nothing here is secret."""
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, p)
        p, scalar = add(p, p), scalar >> 1
    return total


def same(p: tuple[int, int, int, int], q: tuple[int, int, int, int]) -> bool:
    """Whether two points in extended coordinates are one."""
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def check_signature(public: bytes, signature: bytes, text: bytes) -> None:
    """Ed25519 verification (RFC 8032 section 5.1.7); ValueError where it fails."""
    base_y = 4 * pow(5, P - 2, P) % P
    base = (recover_x(base_y, 0), base_y, 1, recover_x(base_y, 0) * base_y % P)
    scalar = int.from_bytes(signature[32:], "little")
    hashed = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % ORDER
    if len(signature) != 64 or scalar >= ORDER:
        raise ValueError("the signature does not hold")
    if not same(times(scalar, base), add(point(signature[:32]), times(hashed, point(public)))):
        raise ValueError("the signature does not hold")


def check_checkpoint(note: str, vkey: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint signed by the key; ValueError otherwise."""
    name, key_id, encoded = vkey.split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    expected = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if raw[:1] != b"\x01" or len(raw) != 33 or expected.hex() != key_id:
        raise ValueError("the public key is not in verifier-key form")
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, encoded = line.split(" ")
        signature = base64.b64decode(encoded, validate=True)
        if dash == "\u2014" and signer == name and signature[:4] == expected:
            check_signature(raw[1:], signature[4:], text.encode())
            break
    else:
        raise ValueError("the checkpoint is not signed by this key")
    origin, size, root = text.split("\n")[:3]
    if origin != name:
        raise ValueError("the checkpoint is of another log")
    return int(size), base64.b64decode(root, validate=True)


def check_path(index: int, size: int, leaf: bytes, path: list[bytes], root: bytes) -> None:
    """RFC 9162 section 2.1.3.2; ValueError where the path does not lead to the root."""
    here, last = hashlib.sha256(b"\x00" + leaf).digest(), size - 1
    place = index
    for step in path:
        if last == 0:
            raise ValueError("the path is too long")
        if place & 1 or place == last:
            here = hashlib.sha256(b"\x01" + step + here).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            here = hashlib.sha256(b"\x01" + here + step).digest()
        place, last = place >> 1, last >> 1
    if not 0 <= index < size or last or here != root:
        raise ValueError("the path does not lead from this entry to the checkpoint's root")


def check(proof: str, vkey: str) -> tuple[int, int, str]:
    """Index, size of the signed log and the entry itself; ValueError where anything does not hold."""
    head, _, note = proof.partition("\n\n")
    lines = head.split("\n")
    if len(lines) < 3 or lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise ValueError("this is not a proof with its entry")
    leaf, index = base64.b64decode(lines[1][6:], validate=True), int(lines[2][6:])
    size, root = check_checkpoint(note, vkey)
    check_path(index, size, leaf, [base64.b64decode(line, validate=True) for line in lines[3:]], root)
    return index, size, leaf.decode()


def main(arguments: list[str]) -> int:
    """The command; returns its exit code."""
    if len(arguments) != 2:
        sys.stderr.write("usage: check-proof.py FILE PUBLIC-KEY\n")
        return 2
    with open(arguments[0], encoding="utf-8") as file:  # noqa: PTH123 - a script that reads easily in any Python
        proof = file.read()
    try:
        index, size, leaf = check(proof, arguments[1])
    except ValueError as error:
        sys.stdout.write(f"DOES NOT HOLD: {error}\n")
        return 1
    sys.stdout.write(f"{leaf}\n\nHolds: this is entry {index} of the first {size}, signed by {arguments[1].split('+')[0]}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

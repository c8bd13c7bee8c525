#!/usr/bin/env python3
"""Checks what a Licet ledger says, with nothing but Python: no Licet, no other library, no network. Python 3.9 or newer.

    python3 verify_licet.py proof       ENTRY.tlog-proof   KEY
    python3 verify_licet.py checkpoint  CHECKPOINT         KEY
    python3 verify_licet.py consistency KEPT-CHECKPOINT CONSISTENCY KEY
    python3 verify_licet.py export      EXPORT.zip         KEY

KEY is the ledger's public key (agora.example/ledger+1a2b3c4d+AQ...), which you should have from another place than the files.
With `--witness KEY`, as often as you like, a cosignature of each such witness is asked for as well.

Leaves with 0 where everything holds, 1 where something does not (the line says what), 2 where it was called wrongly.

What is checked, and after which text:
  checkpoint   the log's Ed25519 signature (RFC 8032 section 5.1.7, C2SP signed-note and tlog-checkpoint); the witnesses' (C2SP
               tlog-cosignature, cosignature/v1)
  proof        the checkpoint, and that the path leads from the entry to its root (RFC 9162 section 2.1.3.2, C2SP tlog-proof)
  consistency  both checkpoints, and that the newer tree only adds to the one that you kept (RFC 9162 section 2.1.4.2); the second
               file is that of /ledger/consistency/SIZE, in the form of C2SP tlog-witness
  export       the proof of the entry that recorded the export before it was made; the manifest's signature by the key which that
               entry names; every file's SHA-256; and that every exported entry stands at its place in the signed tree
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Wrong(ValueError):
    """Something does not hold; the message says what."""


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
        raise Wrong("the signature does not hold")
    return P - x if x & 1 != sign else x


def point(raw: bytes) -> tuple[int, int, int, int]:
    """A point in extended coordinates from its 32 bytes (RFC 8032 section 5.1.3)."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if len(raw) != 32 or y >= P:
        raise Wrong("the signature does not hold")
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
    """Ed25519 verification (RFC 8032 section 5.1.7); Wrong where it fails."""
    base_y = 4 * pow(5, P - 2, P) % P
    base = (recover_x(base_y, 0), base_y, 1, recover_x(base_y, 0) * base_y % P)
    scalar = int.from_bytes(signature[32:], "little")
    hashed = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % ORDER
    if len(signature) != 64 or scalar >= ORDER or not same(times(scalar, base), add(point(signature[:32]), times(hashed, point(public)))):
        raise Wrong("the signature does not hold")


def decode(text: str) -> bytes:
    """Base64; Wrong where it is malformed."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Wrong("base64 is malformed") from None


def number(text: str) -> int:
    """A plain decimal number; Wrong for anything else."""
    if not (text.isascii() and text.isdigit()) or str(int(text)) != text:
        raise Wrong(f"{text!r} is not a plain number")
    return int(text)


def read_key(vkey: str, kind: bytes) -> tuple[str, bytes, bytes]:
    """Name, key id and raw key of a verifier key; `kind` is 0x01 for a log and 0x04 for a witness."""
    parts = vkey.strip().split("+", 2)
    raw = decode(parts[2]) if len(parts) == 3 else b""
    if len(raw) != 33 or raw[:1] != kind or hashlib.sha256(parts[0].encode() + b"\n" + raw).hexdigest()[:8] != parts[1]:
        raise Wrong("the public key is not in verifier-key form")
    return parts[0], bytes.fromhex(parts[1]), raw[1:]


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text of a signed note and its signatures, each with its signer's name."""
    text, gap, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not gap or lines[-1] or len(lines) < 2:
        raise Wrong("this is not a signed note")
    signatures = []
    for line in lines[:-1]:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if dash != "\u2014" or not name:
            raise Wrong("a signature line is malformed")
        signatures.append((name, decode(encoded)))
    return text + "\n", signatures


def signed_text(note: str, vkey: str) -> str:
    """The text of a note that the key signed."""
    name, key_id, public = read_key(vkey, b"\x01")
    text, signatures = split_note(note)
    for signer, signature in signatures:
        if signer == name and signature[:4] == key_id:
            check_signature(public, signature[4:], text.encode())
            return text
    raise Wrong(f"not signed by the key of {name}")


def cosigned_at(note: str, vkey: str) -> int:
    """When a witness cosigned a checkpoint, in seconds since 1970 (cosignature/v1: the time is part of what is signed)."""
    name, key_id, public = read_key(vkey, b"\x04")
    text, signatures = split_note(note)
    for signer, signature in signatures:
        if signer == name and signature[:4] == key_id and len(signature) == 76:
            when = int.from_bytes(signature[4:12], "big")
            check_signature(public, signature[12:], f"cosignature/v1\ntime {when}\n{text}".encode())
            return when
    raise Wrong(f"not cosigned by {name}")


def check_checkpoint(note: str, vkey: str, witnesses: list[str]) -> tuple[int, bytes]:
    """Size and root of a checkpoint signed by the log and by each witness."""
    lines = signed_text(note, vkey).split("\n")
    if len(lines) < 4 or not all(lines[:3]):
        raise Wrong("this is not a checkpoint")
    if lines[0] != vkey.split("+", maxsplit=1)[0]:
        raise Wrong("the checkpoint is of another log")
    for witness in witnesses:
        cosigned_at(note, witness)
    return number(lines[1]), decode(lines[2])


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def check_path(index: int, size: int, leaf: bytes, path: list[bytes], root: bytes) -> None:
    """RFC 9162 section 2.1.3.2."""
    here, last, place = leaf_hash(leaf), size - 1, index
    for step in path:
        if last == 0:
            raise Wrong("the path is too long")
        if place & 1 or place == last:
            here = node_hash(step, here)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            here = node_hash(here, step)
        place, last = place >> 1, last >> 1
    if not 0 <= index < size or last or here != root:
        raise Wrong("the path does not lead from this entry to the checkpoint's root")


def check_consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> None:
    """RFC 9162 section 2.1.4.2; a tree that grew from nothing contradicts nothing (C2SP tlog-witness)."""
    wrong = Wrong("the newer tree does not contain the one that you kept: entries behind it were changed, removed or added")
    if old > new:
        raise Wrong(f"you kept a checkpoint of {old} entries; the newer one has only {new}")
    if old in (0, new):
        if path or (old == new and old_root != new_root):
            raise wrong
        return
    steps = [old_root, *path] if old & (old - 1) == 0 else path
    if not steps:
        raise wrong
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise wrong
        if place & 1 or place == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, step)
        place, last = place >> 1, last >> 1
    if last or first != old_root or second != new_root:
        raise wrong


class Growing:
    """A tree as the roots of its complete subtrees: takes them from left to right and knows the root."""

    def __init__(self) -> None:
        self.size = 0
        self.roots: list[bytes] = []

    def add(self, root: bytes, height: int) -> None:
        """The next complete subtree, of 2**height entries; the size so far is a multiple of that."""
        place = self.size >> height
        while place & 1:
            root, place = node_hash(self.roots.pop(), root), place >> 1
        self.roots.append(root)
        self.size += 1 << height

    def pass_over(self, end: int, hashes: Iterator[bytes]) -> None:
        """Take the subtrees of what was not exported up to `end` from the hashes."""
        while self.size < end:
            height = (end - self.size).bit_length() - 1
            if self.size:
                height = min(height, (self.size & -self.size).bit_length() - 1)
            root = next(hashes, b"")
            if len(root) != 32:
                raise Wrong("entries.proof is too short or malformed")
            self.add(root, height)

    def root(self) -> bytes:
        """The root over everything so far."""
        here = self.roots[-1] if self.roots else hashlib.sha256(b"").digest()
        for left in reversed(self.roots[:-1]):
            here = node_hash(left, here)
        return here


def check_proof(proof: str, vkey: str, witnesses: list[str]) -> tuple[int, int, bytes]:
    """Index, size of the signed log and the entry of a `.tlog-proof` that carries its entry."""
    head, _, note = proof.partition("\n\n")
    lines = head.split("\n")
    if len(lines) < 3 or lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise Wrong("this is not a proof with its entry")
    leaf, index = decode(lines[1][6:]), number(lines[2][6:])
    size, root = check_checkpoint(note, vkey, witnesses)
    check_path(index, size, leaf, [decode(line) for line in lines[3:]], root)
    return index, size, leaf


def check_consistency(kept: str, newer: str, vkey: str, witnesses: list[str]) -> tuple[int, int]:
    """Both sizes; `newer` is `old SIZE`, the proof's hashes, an empty line and the newer checkpoint (C2SP tlog-witness)."""
    old, old_root = check_checkpoint(kept, vkey, [])
    head, _, note = newer.partition("\n\n")
    lines = head.split("\n")
    if lines[0] != f"old {old}":
        raise Wrong(f"the proof is not from {old} entries, which you kept: fetch /ledger/consistency/{old}")
    size, root = check_checkpoint(note, vkey, witnesses)
    check_consistent(old, size, old_root, root, [decode(line) for line in lines[1:]])
    return old, size


def check_export(path: str, vkey: str, witnesses: list[str]) -> dict[str, Any]:
    """The manifest of an export of which everything holds."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if len(set(names)) != len(names) or not {"export.tlog-proof", "manifest.note"} <= set(names):
            raise Wrong("this is not an export")
        proof = archive.read("export.tlog-proof").decode()
        _, size, leaf = check_proof(proof, vkey, witnesses)
        facts = json.loads(leaf)
        if facts.get("event") != "ledger.exported":
            raise Wrong("the proof is not of an export's entry")
        kind, _, body = signed_text(archive.read("manifest.note").decode(), facts["facts"]["manifest_key"]).partition("\n")
        if kind != "licet-export/v1":
            raise Wrong("this is not a manifest of an export")
        manifest: dict[str, Any] = json.loads(body)
        if manifest["entry"] != facts["id"]:
            raise Wrong("the manifest is of another export")
        if {*manifest["files"], "export.tlog-proof", "manifest.note"} != set(names):
            raise Wrong("the archive has other files than the manifest names")
        for name, told in manifest["files"].items():
            check_file(archive, name, told)
        root = decode(proof.partition("\n\n")[2].split("\n")[2])
        check_entries(archive, manifest, size, root)
    return manifest


def check_file(archive: zipfile.ZipFile, name: str, told: dict[str, Any]) -> None:
    """One file against its length and SHA-256 in the manifest."""
    digest, length = hashlib.sha256(), 0
    with archive.open(name) as file:
        for chunk in iter(lambda: file.read(1 << 16), b""):
            digest.update(chunk)
            length += len(chunk)
    if (length, digest.hexdigest()) != (told["bytes"], told["sha256"]):
        raise Wrong(f"{name} is not the file that the manifest names")


def check_entries(archive: zipfile.ZipFile, manifest: dict[str, Any], size: int, root: bytes) -> None:
    """Every line of entries.jsonl at its place in the tree: with the hashes of what lies between, they give the signed root."""
    tree, count, first, last = Growing(), 0, None, None
    with archive.open("entries.proof") as between, archive.open("entries.jsonl") as file:
        hashes = (decode(line.decode().rstrip("\n")) for line in between)
        for line in file:
            begin, _, entry = line.partition(b',"entry":')
            if not begin.startswith(b'{"index":') or not entry.endswith(b"}\n"):
                raise Wrong(f"line {count + 1} of entries.jsonl is malformed")
            index = number(begin[9:].decode())
            if index < tree.size or index >= size:
                raise Wrong(f"entry {index} stands out of order in entries.jsonl")
            tree.pass_over(index, hashes)
            tree.add(leaf_hash(entry[:-2]), 0)
            count, first, last = count + 1, index if first is None else first, index
        tree.pass_over(size, hashes)
        rest = next(hashes, None)
    if rest is not None or tree.root() != root:
        raise Wrong("an entry of entries.jsonl is not what the ledger signed")
    if (count, first, last) != (manifest["count"], manifest["first"], manifest["last"]):
        raise Wrong("the manifest tells another number of entries than entries.jsonl has")


def read(path: str) -> str:
    """A text file, whole."""
    return Path(path).read_text(encoding="utf-8")


def run(command: str, files: list[str], vkey: str, witnesses: list[str]) -> str:
    """What to print where everything holds."""
    name = vkey.split("+", maxsplit=1)[0]
    seen = f" and cosigned by {len(witnesses)} of your witnesses" if witnesses else ""
    if command == "proof":
        index, size, leaf = check_proof(read(files[0]), vkey, witnesses)
        return f"{leaf.decode()}\n\nHolds: this is entry {index} of the first {size}, signed by {name}{seen}."
    if command == "checkpoint":
        size, root = check_checkpoint(read(files[0]), vkey, witnesses)
        return f"Holds: {size} entries with root {root.hex()}, signed by {name}{seen}."
    if command == "consistency":
        old, size = check_consistency(read(files[0]), read(files[1]), vkey, witnesses)
        return f"Holds: the {size} entries signed by {name}{seen} begin with the {old} that you kept, unchanged."
    told = check_export(files[0], vkey, witnesses)
    asked = json.dumps(told["query"], ensure_ascii=False, sort_keys=True)
    what = f"{told['count']} entries, {len(told['files'])} files, made at {told['made_at']} for {asked}"
    return f"Holds: {what}. Each entry is in the ledger signed by {name}{seen}, and each file is the one that was handed out."


FILES = {"proof": 1, "checkpoint": 1, "consistency": 2, "export": 1}


def main(arguments: list[str]) -> int:
    """The command; returns its exit code."""
    witnesses, rest = [], list(arguments)
    while "--witness" in rest[:-1]:
        at = rest.index("--witness")
        witnesses.append(rest[at + 1])
        del rest[at : at + 2]
    if len(rest) < 3 or len(rest) != FILES.get(rest[0], 0) + 2:
        sys.stderr.write((__doc__ or "").split("\n\n")[1] + "\n")
        return 2
    try:
        told = run(rest[0], rest[1:-1], rest[-1], witnesses)
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        sys.stdout.write(f"DOES NOT HOLD: {error}\n")
        return 1
    sys.stdout.write(told + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The script that outsiders run: real proofs hold, altered ones do not; run as they run it, in a bare Python."""

from __future__ import annotations

import ast
import base64
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from contracts.errors import Refused
from contracts.keys import KeyRing
from contracts.ledger import proofs, tree, verify_licet
from contracts.ledger.consistency import consistency
from contracts.ledger.note import CheckpointText, sign, verifier_of
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.source import latest_checkpoint
from contracts.store.unit import Store
from tests.contracts.ledger.conftest import ORIGIN, fill
from tests.contracts.ledger.test_proofs import proved

IMPORTS = (ast.Import, ast.ImportFrom)
MISSING = "the newer tree does not contain the one that you kept: entries behind it were changed, removed or added"


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
    command = [sys.executable, "-I", "-S", verify_licet.__file__, "proof", str(file), vkey]
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
        (text, other, f"not signed by the key of {ORIGIN}"),
        (text, vkey.replace(ORIGIN, "other.example/ledger"), "the public key is not in verifier-key form"),
        ("rubbish", vkey, "this is not a proof with its entry"),
    ]
    file = tmp_path / "entry.tlog-proof"
    for changed, key, message in cases:
        file.write_text(changed, encoding="utf-8")
        assert verify_licet.main(["proof", str(file), key]) == 1
        assert capsys.readouterr().out == f"DOES NOT HOLD: {message}\n"


def test_what_is_called_wrongly_or_is_not_there_leaves_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "none")
    for arguments in ([], ["proof"], ["proof", "file"], ["burn", "file", "key"], ["proof", "a", "b", "key"], ["consistency", "a", "key"]):
        assert verify_licet.main(arguments) == 2
        assert capsys.readouterr().err.startswith("    python3 verify_licet.py proof ")
    assert verify_licet.main(["proof", missing, "key"]) == 2
    assert (capsys.readouterr().err, "No such file") == (f"[Errno 2] No such file or directory: {missing!r}\n", "No such file")


def test_the_file_is_for_python_3_9_and_imports_the_standard_library_alone() -> None:
    source = Path(verify_licet.__file__).read_text(encoding="utf-8")
    parsed = ast.parse(source, feature_version=(3, 9))
    imported = {
        each.names[0].name if isinstance(each, ast.Import) else each.module for each in ast.walk(parsed) if isinstance(each, IMPORTS)
    }
    assert {str(name).partition(".")[0] for name in imported} <= sys.stdlib_module_names


def cosigned(checkpoint: str, name: str, key: Ed25519PrivateKey, when: int) -> tuple[str, str]:
    """The note with a witness's line as C2SP tlog-cosignature has it, and that witness's verifier key."""
    raw = b"\x04" + verifier_of(name, key).public
    key_id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    text = checkpoint.rpartition("\n\n")[0] + "\n"
    stamp = when.to_bytes(8, "big")
    signature = key.sign(f"cosignature/v1\ntime {when}\n{text}".encode())
    line = f"\u2014 {name} {base64.b64encode(key_id + stamp + signature).decode()}\n"
    return checkpoint + line, f"{name}+{key_id.hex()}+{base64.b64encode(raw).decode()}"


def test_a_witness_must_have_signed_the_checkpoint_with_its_time(
    tmp_path: Path, proof: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    text, vkey, _ = proof
    checkpoint = text.partition("\n\n")[2]
    key = Ed25519PrivateKey.generate()
    seen, witness = cosigned(checkpoint, "archive.example/witness", key, 1_790_000_000)
    assert verify_licet.cosigned_at(seen, witness) == 1_790_000_000
    file = tmp_path / "checkpoint"

    def said(note: str, *keys: str) -> tuple[int, str]:
        file.write_text(note, encoding="utf-8")
        return verify_licet.main(
            ["checkpoint", str(file), vkey, *(each for key in keys for each in ("--witness", key))]
        ), capsys.readouterr().out

    root = base64.b64decode(checkpoint.split("\n")[2]).hex()
    assert said(seen, witness) == (0, f"Holds: 10 entries with root {root}, signed by {ORIGIN} and cosigned by 1 of your witnesses.\n")
    assert said(seen) == (0, f"Holds: 10 entries with root {root}, signed by {ORIGIN}.\n")
    assert said(checkpoint, witness) == (1, "DOES NOT HOLD: not cosigned by archive.example/witness\n")
    head, dash, line = seen.rpartition("\u2014 archive.example/witness ")
    late = bytearray(base64.b64decode(line))
    late[11] ^= 1
    assert said(f"{head}{dash}{base64.b64encode(bytes(late)).decode()}\n", witness) == (1, "DOES NOT HOLD: the signature does not hold\n")


def test_a_tree_that_somebody_kept_must_be_in_the_newer_one(
    store: Store, keys: KeyRing, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sequencer = Sequencer(store, keys, ORIGIN)
    vkey = sequencer.ensure_key()
    kept = []
    for more in (2, 1, 5, 30):
        fill(store, more)
        sequencer.integrate()
        with store.read() as session:
            kept.append(checkpoint_of(session))
    files = [tmp_path / "kept", tmp_path / "newer"]
    for each in kept:
        old = int(each.split("\n")[1])
        with store.read() as session:
            newer = consistency(session, old)
        assert verify_licet.check_consistency(each, newer, vkey, []) == (old, 39)
    with store.read() as session:
        assert consistency(session, 0).startswith("old 0\n\n")
        for wrong in (-1, 40):
            with pytest.raises(Refused, match="no such size"):
                consistency(session, wrong)
        newer = consistency(session, 4)
    forked = Sequencer(store, keys, ORIGIN)
    lines = newer.split("\n")
    cases = [
        (kept[0], newer, "the proof is not from 3 entries, which you kept: fetch /ledger/consistency/3"),
        (kept[1], "\n".join([lines[0], *lines[2:]]), MISSING),
        (kept[1], newer.replace(lines[1], base64.b64encode(b"x" * 32).decode()), MISSING),
        (kept[3], f"old 39\n\n{kept[1]}", "you kept a checkpoint of 39 entries; the newer one has only 4"),
        (other_tree(4, forked, keys), newer, MISSING),
    ]
    for first, second, message in cases:
        files[0].write_text(first, encoding="utf-8")
        files[1].write_text(second, encoding="utf-8")
        assert verify_licet.main(["consistency", *map(str, files), vkey]) == 1
        assert capsys.readouterr().out == f"DOES NOT HOLD: {message}\n"


def checkpoint_of(session: Session) -> str:
    newest = latest_checkpoint(session)
    assert newest is not None
    return newest.note


def other_tree(size: int, sequencer: Sequencer, keys: KeyRing) -> str:
    """A checkpoint of other entries under the same key, as a forked log signs it."""
    root = tree.root_of([tree.leaf_hash(f"other {number}".encode()) for number in range(size)])
    return sign(CheckpointText(ORIGIN, size, root).text(), ORIGIN, sequencer._key())


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 300), st.data())
def test_consistency_is_the_definition_of_rfc_9162(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    hashes = [tree.leaf_hash(str(number).encode()) for number in range(new)]
    tiles = tree.extend({}, 0, hashes)
    path = tree.consistency_proof(Kept(tiles), old, new) if old else []
    verify_licet.check_consistent(old, new, tree.root_of(hashes[:old]), tree.root_of(hashes), path)
    if 0 < old < new:
        with pytest.raises(verify_licet.Wrong):
            verify_licet.check_consistent(old, new, tree.root_of([*hashes[: old - 1], tree.EMPTY_ROOT]), tree.root_of(hashes), path)


class Kept:
    """Tiles in memory."""

    def __init__(self, tiles: dict[tree.TileKey, bytes]) -> None:
        self._tiles = tiles

    def tile(self, level: int, index: int) -> bytes:
        return self._tiles[level, index]


def test_both_checkers_agree(proof: tuple[str, str, str]) -> None:
    from contracts.ledger.note import parse_vkey

    text, vkey, leaf = proof
    checked = proofs.check_proof(text, parse_vkey(vkey))
    assert verify_licet.check_proof(text, vkey, []) == (checked.index, checked.size, leaf.encode())


@settings(deadline=None, max_examples=25)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.integers(0, 63), st.integers(0, 7))
def test_signatures_are_those_of_the_library(seed: bytes, message: bytes, byte: int, bit: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = verifier_of("x", key).public, key.sign(message)
    verify_licet.check_signature(public, signature, message)
    wrong = bytearray(signature)
    wrong[byte] ^= 1 << bit
    with pytest.raises(ValueError, match="the signature does not hold"):
        verify_licet.check_signature(public, bytes(wrong), message)
    with pytest.raises(ValueError, match="the signature does not hold"):
        verify_licet.check_signature(public, signature, message + b"x")

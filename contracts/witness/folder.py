"""A witness's folder: its key, and the largest tree of each log that it cosigned. Never behind what it has signed.

What was cosigned is on the disk before the cosignature leaves: written whole beside the old file, synced, put in its place by one
rename, and the folder synced. One lock on the folder is held from reading to that moment, by threads and by processes alike.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.clock import Clock, rfc3339
from contracts.errors import Misconfigured
from contracts.ledger.cosignature import cosign, witness_of
from contracts.ledger.note import CheckpointText, Verifier
from contracts.witness.decide import Decision, Kept, Outcome, decide

KEY, STATE, LOCK = "witness.key", "cosigned.json", "lock"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the witness answers; `line` is the cosignature where it gave one."""

    decision: Decision
    line: str = ""


class Witness:
    """A witness over its folder. Safe to use from several threads and processes at once."""

    def __init__(self, folder: Path, logs: Mapping[str, Verifier], clock: Clock) -> None:
        """Open a folder that `found` made; `Misconfigured` where the key is there and what it cosigned is not."""
        self._folder, self._logs, self._clock = folder, logs, clock
        self._threads = threading.Lock()
        self._name, self._key = _read_key(folder)
        with self._locked():
            self._kept()

    @property
    def verifier(self) -> Verifier:
        """The witness's public key under its name."""
        return witness_of(self._name, self._key)

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer one request, and keep the checkpoint before its cosignature leaves."""
        with self._locked():
            kept = self._kept()
            decision = decide(self._logs, kept, body)
            if decision.outcome is not Outcome.COSIGN or decision.checkpoint is None:
                return Answer(decision)
            told, now = decision.checkpoint, self._clock.now()
            if kept.get(told.origin) != Kept(told.size, told.root):
                _write(self._folder, {**kept, told.origin: Kept(told.size, told.root)}, rfc3339(now))
            return Answer(decision, cosign(decision.text, self._name, self._key, now))

    def cosigned(self) -> Mapping[str, CheckpointText]:
        """The largest tree of each known log that was cosigned, by origin."""
        with self._locked():
            kept = self._kept()
        return {origin: CheckpointText(origin, each.size, each.root) for origin, each in kept.items() if origin in self._logs}

    def _kept(self) -> dict[str, Kept]:
        try:
            stored = json.loads((self._folder / STATE).read_bytes())["logs"]
            return {origin: Kept(int(each["size"]), base64.b64decode(each["root"], validate=True)) for origin, each in stored.items()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            mend = "Put it back as it was last. If it is lost, end this witness and begin one with another key: it may contradict itself."
            raise Misconfigured(f"{self._folder / STATE}", "does not say what this witness cosigned.", mend) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._threads, _locked(self._folder):
            yield


def found(folder: Path, name: str) -> None:
    """Begin a witness in a folder under a name; leaves one that is there as it is. `Misconfigured` where it has another name."""
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        if not (folder / KEY).exists():
            key = _key_for(name)
            # The key last: a key without what it cosigned is refused, and before it is there nothing was.
            _write(folder, {}, "")
            _replace(folder, KEY, json.dumps({"name": name, "key": base64.b64encode(key.private_bytes_raw()).decode()}).encode())
    known = _read_key(folder)[0]
    if name not in ("", known):
        raise Misconfigured("name", f"is {name}, and the witness in {folder} is {known}.", "Name another folder, or leave the name out.")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The folder to one process at a time; the lock ends with the process."""
    with (folder / LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _key_for(name: str) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    try:
        witness_of(name, key)
    except ValueError as error:
        mend = "Give --name, such as witness.example.org/1: without spaces and plus signs."
        raise Misconfigured("name", "cannot name a witness.", mend) from error
    return key


def _read_key(folder: Path) -> tuple[str, Ed25519PrivateKey]:
    file = folder / KEY
    try:
        stored = json.loads(file.read_bytes())
        return str(stored["name"]), Ed25519PrivateKey.from_private_bytes(base64.b64decode(stored["key"], validate=True))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Misconfigured(str(file), "holds no key of a witness.", "Put it back, or begin a witness in another folder.") from error


def _write(folder: Path, kept: Mapping[str, Kept], at: str) -> None:
    logs = {origin: {"size": each.size, "root": base64.b64encode(each.root).decode()} for origin, each in sorted(kept.items())}
    _replace(folder, STATE, json.dumps({"changed": at, "logs": logs}, indent=1).encode() + b"\n")


def _replace(folder: Path, name: str, content: bytes) -> None:
    """Put a whole file in its place; after a kill at any moment there is the old one or the new."""
    beside = folder / f"{name}.new"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(folder / name)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

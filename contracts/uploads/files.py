"""Where documents lie: under home, outside everything that is served, each in a file named by its hash and its row.

A file is first written beside the others and moved into place when it was found in order, so that a half one is never taken for whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from sqlmodel import col, select

from contracts.errors import refuse
from contracts.store.unit import Store
from contracts.uploads.tables import Evidence

# Older than any request that could still be at work on it.
FORGOTTEN_AFTER = timedelta(hours=1)


class Incoming:
    """A file while it arrives: counted and hashed as it is written. Use it as a context; what is not kept by then is gone."""

    def __init__(self, home: Path, most: int) -> None:
        folder = _folder(home) / "incoming"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path, self.most = folder / secrets.token_hex(16), most
        self.size, self._hash = 0, hashlib.sha256()
        self._handle: BinaryIO | None = None

    def write(self, chunk: bytes) -> bool:
        """Take the next bytes; false where they go beyond what is taken, and then none of them is kept."""
        self.size += len(chunk)
        if self.size > self.most:
            return False
        if self._handle is None:
            self._handle = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._handle.write(chunk)
        self._hash.update(chunk)
        return True

    def finish(self) -> None:
        """Every byte has come: bring them to the disk."""
        if self._handle is None:
            self.path.touch(0o600)
            return
        self._handle.flush()
        os.fsync(self._handle.fileno())
        self._handle.close()

    def drop(self) -> None:
        """Remove what was written, unless it was moved into place."""
        if self._handle is not None:
            self._handle.close()
        self.path.unlink(missing_ok=True)

    @property
    def sha256(self) -> str:
        """The hash of all bytes so far, in hex."""
        return self._hash.hexdigest()


def place(home: Path, incoming: Incoming, evidence_id: str) -> None:
    """Move a finished file to where the row of this id will look for it."""
    target = path_of(home, incoming.sha256, evidence_id)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    incoming.path.replace(target)


def path_of(home: Path, sha256: str, evidence_id: str) -> Path:
    """The file of a document; both parts are the house's own words, none is the name that a person gave."""
    return _folder(home) / sha256[:2] / f"{sha256}.{evidence_id}"


def read(home: Path, evidence: Evidence) -> bytes:
    """The document, byte for byte as it was handed in. Raises `not_found` where the file is gone or was changed on the disk."""
    try:
        content = path_of(home, evidence.sha256, evidence.id).read_bytes()
    except FileNotFoundError:
        content = b""
    if hashlib.sha256(content).hexdigest() != evidence.sha256:
        raise refuse("not_found", "The document’s file is missing or was changed after it was handed in. Ask for it again.")
    return content


def remove(home: Path, sha256: str, evidence_id: str) -> None:
    """Delete a document's file; no fault where it is gone."""
    path_of(home, sha256, evidence_id).unlink(missing_ok=True)


def sweep(store: Store, home: Path) -> int:
    """Delete files that belong to no document, as a crash or a removal leaves them; returns how many. For the worker."""
    if not _folder(home).is_dir():
        return 0
    before = store.clock.now() - FORGOTTEN_AFTER
    old = [each for each in sorted(_folder(home).glob("*/*")) if _is_older(each, before)]
    with store.read() as session:
        ids = [each.name.partition(".")[2] for each in old]
        kept = set(session.exec(select(Evidence.id).where(col(Evidence.id).in_(ids), col(Evidence.removed_at).is_(None))).all())
    dead = [each for each in old if each.name.partition(".")[2] not in kept]
    for each in dead:
        each.unlink(missing_ok=True)
    return len(dead)


def _folder(home: Path) -> Path:
    return home / "evidence"


def _is_older(file: Path, moment: datetime) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return file.stat().st_mtime < moment.timestamp()
    return False

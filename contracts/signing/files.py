"""Files that show a signature made elsewhere: the PDF that was signed, or the scan of the paper. Kept under home by their hash."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from contracts.errors import refuse


def keep(home: Path, content: bytes) -> str:
    """Keep a file, whole or not at all; returns its SHA-256. The same file twice is kept once. Not to be called in a unit of work."""
    sha256 = hashlib.sha256(content).hexdigest()
    target = _path(home, sha256)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    begun = target.with_name(f"{sha256}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    begun.replace(target)
    return sha256


def read(home: Path, sha256: str) -> bytes:
    """The file with this hash; `not_found` where it is gone or was changed on the disk."""
    try:
        content = _path(home, sha256).read_bytes()
    except FileNotFoundError:
        content = b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise refuse("not_found", "The file is missing or was changed after it came. Ask for it again.")
    return content


def _path(home: Path, sha256: str) -> Path:
    return home / "signed" / sha256[:2] / sha256

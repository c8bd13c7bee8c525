"""A zip archive that is sent while it is made, and what is in it: the length and SHA-256 of each file."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime


class _Sink(io.RawIOBase):
    """Takes what the archive writes until it is sent. Knows no way back, so the archive writes sizes behind each file."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # the base takes any buffer, the archive gives bytes
        self._kept += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._kept)
        self._kept.clear()
        return taken


class Archive:
    """Files one after the other. `files` is what a manifest says of those that were put so far."""

    def __init__(self, now: datetime) -> None:
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED)
        self._moment = (now.year, now.month, now.day, now.hour, now.minute, now.second)
        self.files: dict[str, dict[str, str | int]] = {}

    def put(self, name: str, content: Iterable[bytes]) -> Iterator[bytes]:
        """The bytes of the archive that this file makes; each part of the content is asked for when the last was sent."""
        digest, length = hashlib.sha256(), 0
        about = zipfile.ZipInfo(name, self._moment)
        about.compress_type = zipfile.ZIP_DEFLATED
        about.external_attr = 0o644 << 16
        with self._zip.open(about, "w", force_zip64=True) as file:
            for part in content:
                file.write(part)
                digest.update(part)
                length += len(part)
                if sent := self._sink.take():
                    yield sent
        self.files[name] = {"bytes": length, "sha256": digest.hexdigest()}

    def end(self) -> bytes:
        """The last bytes: the list of files."""
        self._zip.close()
        return self._sink.take()

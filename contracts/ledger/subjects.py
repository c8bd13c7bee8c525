"""Keys of those whom personal values are about: in files outside the database, so that none of its backups can open a value.

A subject is whoever a value is about: a person (account, mail address, name that was searched for) or, where no person is known,
a network. Each has a key of its own and a handle, a random number that stands beside its values in the database. Which handle
is whose is known here only, by HMAC-SHA256 of the subject's exact text under a key of this folder. Erasing overwrites tag and key in
place: from then on neither the database nor any copy of it says whose the values were, or what they were.

Records are added at the end of a file under its lock (flock), each before its first use. An overwritten record stays, as zeros: it is
the register of erasures, and names nobody.
"""

from __future__ import annotations

import contextlib
import fcntl
import hmac
import os
import secrets
import threading
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TAG, KEY = 16, 32
RECORD = TAG + KEY
MOST = 1 << 16
"""Records of one file; a full one is followed by another."""
INDEX_KEY = "index.key"
"""The file of the key under which a subject's text is looked up."""
_GONE = bytes(RECORD)
_SLOT_BITS = 32


class Sealing(NamedTuple):
    """A subject's handle and the cipher of its key."""

    handle: int
    cipher: AESGCM


class SubjectKeys:
    """The keys under one folder, for all threads of a process. Raises OSError where the folder cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.RLock()
        self._counted = folder / "erased"
        self._index_key, self._erased = b"", -1
        self._records: dict[int, bytes] = {}
        self._by_tag: dict[bytes, list[int]] = {}
        self._sealing: dict[str, Sealing] = {}
        self._ciphers: dict[int, AESGCM] = {}
        self._read: dict[int, int] = {}

    def sealing(self, subjects: Iterable[str]) -> dict[str, Sealing]:
        """What seals each subject's values now; a new key is on the disk before this returns."""
        self._follow()
        wanted, known = set(subjects), self._sealing
        if not wanted <= known.keys():
            with self._lock:
                self._learn(wanted - self._sealing.keys())
                known = self._sealing
        return {each: known[each] for each in wanted}

    def cipher(self, handle: int) -> AESGCM | None:
        """What opens the values of a handle; None where its key was erased, or is not in this folder."""
        self._follow()
        return self._opened(handle)

    def ciphers(self, handles: Iterable[int]) -> dict[int, AESGCM]:
        """As `cipher` for several at once; those without a key are left out."""
        self._follow()
        return {each: found for each in set(handles) if (found := self._opened(each)) is not None}

    def _opened(self, handle: int) -> AESGCM | None:
        found = self._ciphers.get(handle)
        if found is None:
            record = self._record(handle)
            if record is None or record == _GONE:
                return None
            found = self._ciphers[handle] = AESGCM(record[TAG:])
        return found

    def find(self, subject: str) -> list[int]:
        """Every handle of a subject, by its exact text; none where nothing of it is kept."""
        self._follow()
        with self._lock:
            self._read_all()
            return list(self._by_tag.get(self._tag(subject), ()))

    def erased(self, handle: int) -> bool:
        """Whether the key of a handle was erased here, which a key that is missing was not."""
        self._follow()
        return self._record(handle) == _GONE

    def destroy(self, handles: Sequence[int]) -> None:
        """Overwrite tags and keys in place, on the disk when this returns; every process notices before its next value."""
        for handle in handles:
            number, slot = handle >> _SLOT_BITS, handle & (MOST - 1)
            descriptor = os.open(self._file(number), os.O_WRONLY)
            try:
                os.pwrite(descriptor, _GONE, slot * RECORD)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        with self._counted.open("ab") as counted:
            counted.write(b"." * max(1, len(handles)))
            counted.flush()
            os.fsync(counted.fileno())

    def erasures(self) -> int:
        """How many keys were ever erased here."""
        try:
            return self._counted.stat().st_size
        except FileNotFoundError:
            return 0

    def _follow(self) -> None:
        """Forget everything that was read once a key was erased, by whichever process."""
        size = self.erasures()
        if size == self._erased:
            return
        with self._lock:
            self._read, self._records, self._by_tag, self._sealing, self._ciphers = {}, {}, {}, {}, {}
            self._erased = size

    def _learn(self, unknown: set[str]) -> None:
        tags = {each: self._tag(each) for each in unknown}
        if not self._by_tag.keys() >= set(tags.values()):
            self._add(set(tags.values()))
        found = {each: self._by_tag[tag][-1] for each, tag in tags.items()}
        self._sealing |= {each: Sealing(handle, AESGCM(self._records[handle][TAG:])) for each, handle in found.items()}

    def _add(self, tags: set[bytes]) -> None:
        """Records for those tags that no process has added yet, at the end of the first file that has room; synced once for all."""
        for number in [*self._numbers(), secrets.randbits(63 - _SLOT_BITS)]:
            with open(self._file(number), "ab", opener=_private) as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                self._read_all()
                new = sorted(tags - self._by_tag.keys())
                # A crash can leave the last record unfinished, and nothing refers to it.
                slot = held.truncate(os.fstat(held.fileno()).st_size // RECORD * RECORD) // RECORD
                if slot + len(new) > MOST:
                    continue
                records = [tag + secrets.token_bytes(KEY) for tag in new]
                held.write(b"".join(records))
                held.flush()
                os.fsync(held.fileno())
                if not slot:
                    _sync_folder(self._folder)
                break
        self._read_all()

    def _read_all(self) -> None:
        """Take in what was added since the last look."""
        for number in self._numbers():
            read = self._read.get(number, 0)
            with self._file(number).open("rb") as file:
                file.seek(read * RECORD)
                data = file.read()
            for place in range(len(data) // RECORD):
                self._keep((number << _SLOT_BITS) | (read + place), data[place * RECORD : (place + 1) * RECORD])
            self._read[number] = read + len(data) // RECORD

    def _keep(self, handle: int, record: bytes) -> None:
        self._records[handle] = record
        if record != _GONE:
            self._by_tag.setdefault(record[:TAG], []).append(handle)

    def _record(self, handle: int) -> bytes | None:
        with self._lock:
            if handle not in self._records:
                self._read_all()
            return self._records.get(handle)

    def _tag(self, subject: str) -> bytes:
        if not self._index_key:
            self._index_key = self._made(INDEX_KEY)
        return hmac.digest(self._index_key, subject.encode(), "sha256")[:TAG]

    def _made(self, name: str) -> bytes:
        """The bytes of a key file, which the first process that needs it makes; it appears whole or not at all."""
        file = self._folder / name
        if not file.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = self._folder / f"{name}.{secrets.token_hex(4)}"
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(secrets.token_bytes(KEY))
                handle.flush()
                os.fsync(handle.fileno())
            with contextlib.suppress(FileExistsError):  # another process was first, and its key is the one
                os.link(draft, file)
            draft.unlink()
            _sync_folder(self._folder)
        return file.read_bytes()

    def _numbers(self) -> list[int]:
        return sorted(int(file.stem, 16) for file in self._folder.glob("*.keys"))

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:08x}.keys"


@cache
def keys_in(folder: Path) -> SubjectKeys:
    """The keys of a folder; all stores of a process that name it share them."""
    return SubjectKeys(folder)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

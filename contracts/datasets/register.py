"""The register of erased records: keyed hashes in a file outside the database, so that a backup made before an erasure does not undo it.

A line holds dataset, mark, moment. A mark is HMAC-SHA256 under a key that the file does not hold (`Purpose.INDEX`, derived from the
master key), over "licet/record/v1", the dataset and the record's own key, NUL between: the file names nobody. It lies among the keys
of subjects, which are in no backup. A job keeps it up with the table; `licet restore` and each refresh of a dataset replay it.
"""

from __future__ import annotations

import fcntl
import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from contracts.clock import rfc3339
from contracts.datasets.catalogue import Version, current_versions
from contracts.datasets.load import every_key, keys_of
from contracts.deliveries.ordinals import Ordinals
from contracts.deliveries.queries import erased_of
from contracts.deliveries.service import erase, held
from contracts.keys import KeyRing, Purpose
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.settings import Settings
from contracts.store import epochs
from contracts.store.unit import Store

FILE = "erased.records"
REASON = "Erased before; the database was put back from an older backup."


@dataclass(frozen=True, slots=True)
class Register:
    """The register of an installation."""

    store: Store
    settings: Settings
    keys: KeyRing

    @property
    def file(self) -> Path:
        """Where it lies."""
        return self.settings.subject_folder / FILE

    def mark(self, dataset: str, key: str) -> str:
        """The mark of a record, in hex."""
        message = b"\0".join((b"licet/record/v1", dataset.encode(), key.encode()))
        return hmac.digest(self.keys.derived(Purpose.INDEX), message, "sha256").hex()

    def marks(self, dataset: str) -> set[str]:
        """Every record of a dataset that was ever erased here."""
        if not self.file.exists():
            return set()
        rows = (line.split("\t") for line in self.file.read_text(encoding="ascii").splitlines())
        return {row[1] for row in rows if len(row) == 3 and row[0] == dataset}

    def follow(self) -> int:
        """Add what the table has and the register lacks; returns how many records. A record stands there at most twice, which is no harm."""
        added = 0
        with self.store.read() as session:
            versions = current_versions(session.connection(), self.settings.datasets)
            erased = {dataset: self._erased(session, version) for dataset, version in versions.items()}
        for dataset, keys in erased.items():
            lacking = {self.mark(dataset, key) for key in keys} - self.marks(dataset)
            if lacking:
                self._add(dataset, lacking, self.store.clock.now())
            added += len(lacking)
        return added

    def replay(self, dataset: str, version: str = "") -> int:
        """Erase again what the register has of a dataset and the table lacks, and tell its holders; returns how many records.

        In the current version, or in one that is named: before that is current, so that nothing of it is ever served.
        """
        lost = self.marks(dataset)
        if not lost:
            return 0
        with self.store.read() as session:
            current = current_versions(session.connection(), [dataset]).get(dataset)
            lost -= {self.mark(dataset, key) for key in (self._erased(session, current) if current else ())}
        name = version or (current.version if current else "")
        if not lost or not name:
            return 0
        found = Ordinals(ordinal for key, ordinal in every_key(self.settings, dataset, name) if self.mark(dataset, key) in lost)
        with self.store.read() as session:
            found -= erased_of(session, dataset)
            what = held(session, dataset, found)
        if found:
            with self.store.write("erasure") as unit:
                erase(unit, self._operator(), what, REASON)
        return len(found)

    def _erased(self, session: Session, version: Version) -> list[str]:
        ordinals = erased_of(session, version.dataset)
        return keys_of(self.settings, version, ordinals) if ordinals else []

    def _add(self, dataset: str, marks: Iterable[str], at: datetime) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX)
            opened.writelines(f"{dataset}\t{each}\t{rfc3339(at)}\n" for each in sorted(marks))
            opened.flush()
            os.fsync(opened.fileno())

    def _operator(self) -> Actor:
        roles = frozenset({Role.COMPLIANCE})
        return Actor("operator", "", "Operator", "", roles, second_factor_at=self.store.clock.now())


class RegisterFollower:
    """Keeps the register up with the table: at the start, and whenever records were erased since."""

    def __init__(self, register: Register) -> None:
        self._register, self._seen = register, -1

    def tick(self) -> int:
        """Follow where there may be something new; always 0, because nothing is left to do at once."""
        with self._register.store.read() as session:
            seen = epochs.current(session.connection()).erasures
        if seen != self._seen:
            self._register.follow()
            self._seen = seen
        return 0

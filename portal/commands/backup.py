"""`licet backup` and `licet restore`: the database and the files of home in one archive, without the keys that open personal values.

The keys of subjects and the master key stay out, so that whoever was erased is erased from every archive at once. Restoring
replays the erasures that were made since: rows whose key is gone are removed, and records of datasets erased, before anything is served.
"""

from __future__ import annotations

import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from contracts.datasets.register import Register
from contracts.errors import Misconfigured
from contracts.keys import KeyRing, master_key
from contracts.ledger.erasing import sweep
from contracts.settings import Settings
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.alone import is_served
from portal.commands.init import prepare
from portal.ground import clock_of

DATABASE = "database.sqlite"
_FILES = "home"
_APART = ("master.key", "serving.lock")


def back_up(settings: Settings, file: Path) -> int:
    """Write the archive while the house may be serving; returns how many files of home are in it beside the database.

    Raises `Misconfigured` where the file is there already, and for PostgreSQL, whose own tools do this.
    """
    if file.exists():
        raise Misconfigured(str(file), "is there already.", "Name another file.")
    database = _database(settings)
    with tempfile.TemporaryDirectory(dir=file.parent) as beside:
        copy, draft, count = Path(beside) / DATABASE, Path(beside) / "archive", 0
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        with tarfile.open(draft, "w:gz") as archive:
            archive.add(copy, DATABASE)
            for path in _files(settings, database):
                archive.add(path, f"{_FILES}/{path.relative_to(settings.home).as_posix()}", recursive=False)
                count += 1
        draft.chmod(0o600)
        draft.rename(file)
    return count


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was erased since the archive was made, and is again: rows under so many keys, so many records of datasets."""

    keys: int
    records: int


def restore(settings: Settings, file: Path | None) -> Replayed:
    """Put an archive back where there is no database, bring it to this version, and replay later erasures of values and of records.

    Without a file only the erasures are replayed, over a database that other tools put back. Raises `Misconfigured` where the house is
    being served, or a database is there already.
    """
    if is_served(settings.home):
        raise Misconfigured(str(settings.home), "is being served.", "End that process first.")
    if file is not None:
        _unpack(settings, file)
    prepare(settings)
    engine = open_engine(settings.database_url, settings.subject_folder)
    try:
        store = Store(engine, clock_of(settings), settings.node)
        register = Register(store, settings, KeyRing(master_key(settings)))
        return Replayed(sweep(store), sum(register.replay(dataset) for dataset in settings.datasets))
    finally:
        engine.dispose()


def _database(settings: Settings) -> Path:
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite":
        mend = "Use pg_dump and pg_restore, then `licet restore` without a file before you serve."
        raise Misconfigured("database", "is not a file that this command can copy.", mend)
    return Path(str(url.database))


def _files(settings: Settings, database: Path) -> Iterator[Path]:
    """Every plain file of home but the database's own and the keys."""
    for place, folders, names in os.walk(settings.home):
        folders[:] = [each for each in folders if Path(place, each) != settings.subject_folder]
        for path in sorted(Path(place, name) for name in names):
            own = path.name.startswith(database.name) and path.parent == database.parent
            if path.is_file() and not own and path.name not in _APART:
                yield path


def _unpack(settings: Settings, file: Path) -> None:
    database = _database(settings)
    # A log that a crash left would be read into the database that is put back beside it.
    for own in (database, database.with_name(f"{database.name}-wal")):
        if own.exists():
            raise Misconfigured(str(own), "is there already.", "Move it away first; nothing was changed.")
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=settings.home) as beside:
        with tarfile.open(file) as archive:
            archive.extractall(beside, filter="data")
        for path in sorted(Path(beside, _FILES).rglob("*")):
            if path.is_file():
                target = settings.home / path.relative_to(Path(beside, _FILES))
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                path.replace(target)
        # Last, so that a restoration that was cut off can be begun again.
        Path(beside, DATABASE).replace(database)

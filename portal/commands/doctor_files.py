"""`licet doctor` on the files without which the database says less: keys of those whom values are about, and versions of datasets."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Engine

from contracts.datasets.catalogue import current_versions
from contracts.datasets.files import lines_file, version_file
from contracts.errors import Misconfigured
from contracts.ledger.lost import standing
from contracts.ledger.subjects import INDEX_KEY, SubjectKeys
from contracts.settings import Settings
from contracts.store.unit import Store
from portal.commands.finding import Finding
from portal.ground import clock_of

WHERE = "personal values"


def check_values(engine: Engine, settings: Settings) -> str:
    """Whether the ledger's personal values are sealed, and can be opened and found."""
    folder = settings.subject_folder
    with Store(engine, clock_of(settings)).read() as session:
        # Keys as they lie there now: what this process may have read before does not count.
        found = standing(session, SubjectKeys(folder))
    if found.plain:
        raise Misconfigured(WHERE, f"stand in clear in the database: {found.plain:,} of them.", "Run `licet migrate`.")
    if found.lost:
        said = f"cannot all be read: of {found.keys:,} keys that they are sealed under, {found.lost:,} are not in {folder}."
        raise Misconfigured(WHERE, said, "Put the copy of that folder back, or set subject_keys to where it lies.")
    if not found.keys:
        return "none yet"
    if not (folder / INDEX_KEY).exists():
        said = f"cannot be found by whose they are, and so not be erased: {INDEX_KEY} is not in {folder}."
        raise Misconfigured(WHERE, said, "Put the copy of that folder back.")
    return f"sealed, and every key is in {folder}"


def incomplete(engine: Engine, settings: Settings) -> Iterator[Finding]:
    """Each current version of a dataset that lacks a file. Without its lines it is served all the same."""
    own = {name: each for name, each in settings.datasets.items() if each.engine == "duckdb"}
    with engine.connect() as connection:
        current = current_versions(connection, own)
    for name, version in current.items():
        file = version_file(settings.home, name, version.version)
        if not file.exists():
            said = f"{version.version} is current, and its file is not there: {file}."
            yield Finding(f"version of {name}", False, said, "Put home back from its backup.")
        elif own[name].lines and not lines_file(file).exists():
            said = f"version {version.version} has none yet, so most of its pages take longer; `licet dataset refresh {name}` writes them"
            yield Finding(f"lines of {name}", True, said)

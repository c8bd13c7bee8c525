"""`licet dataset describe` and `licet dataset refresh`."""

from __future__ import annotations

import re
import tomllib
from functools import partial
from pathlib import Path

from contracts.datasets.describe import proposal
from contracts.datasets.load import refresh
from contracts.datasets.pseudonyms import build_all
from contracts.datasets.register import Register
from contracts.datasets.remembered import remember
from contracts.errors import Misconfigured
from contracts.keys import KeyRing, master_key
from contracts.settings import Settings
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.ground import clock_of

_ID = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def describe(file: Path, name: str, folder: Path) -> str:
    """The section of `licet.toml` in `folder` for a file; its id is the file's name in letters, digits and _.

    The file's place is written relative to the folder where it lies below. `Misconfigured` for an id that settings do not take,
    and where they have it already, because the same section twice is not TOML.
    """
    slug = name or re.sub(r"[^a-z0-9]+", "_", file.stem.lower()).strip("_") or "data"
    slug = slug if slug[0].isalpha() else f"d_{slug}"
    if not _ID.fullmatch(slug):
        raise Misconfigured(f"name {slug!r}", "is no id of a dataset.", "Use lower-case letters, digits, _ and -, a letter first.")
    settings = folder / "licet.toml"
    if settings.exists() and slug in tomllib.loads(settings.read_text(encoding="utf-8")).get("datasets", {}):
        raise Misconfigured(f"dataset {slug}", f"is in {settings.name} already.", "Edit it there, or give another id with --name.")
    whole = file.resolve()
    shown = whole.relative_to(folder.resolve()) if whole.is_relative_to(folder.resolve()) else whole
    return "\n" + proposal(whole, slug, shown.as_posix())


def refresh_dataset(settings: Settings, name: str) -> str:
    """Load a new version and build its pseudonyms; returns its name. A running portal serves it within two seconds."""
    engine, keys = open_engine(settings.database_url, settings.subject_folder), KeyRing(master_key(settings))
    store = Store(engine, clock_of(settings), settings.node)
    try:
        keep, register = partial(remember, store, keys, settings), Register(store, settings, keys)

        def before_current(version: str) -> None:
            register.replay(name, version)
            build_all(store, keys, settings, name, version)

        return refresh(store, settings, name, before_current=before_current, before_gone=keep)
    finally:
        engine.dispose()

"""`licet dataset describe` and `licet dataset refresh`."""

from __future__ import annotations

import re
from pathlib import Path

from contracts.datasets.describe import proposal
from contracts.datasets.load import refresh
from contracts.settings import Settings
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.serve import clock_of


def describe(file: Path, name: str) -> str:
    """The section of `licet.toml` for a file; its id is the file's name in letters, digits and _."""
    slug = re.sub(r"[^a-z0-9]+", "_", file.stem.lower()).strip("_")
    return "\n" + proposal(file.resolve(), name or slug)


def refresh_dataset(settings: Settings, name: str) -> str:
    """Load a new version; returns its name. A running portal serves it within two seconds."""
    engine = open_engine(settings.database_url)
    try:
        return refresh(Store(engine, clock_of(settings), settings.node), settings, name)
    finally:
        engine.dispose()

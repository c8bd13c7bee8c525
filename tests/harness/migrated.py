"""An SQLite file that was migrated once in this process, for everything that needs an empty database of today."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from contracts.store.engine import open_engine
from contracts.store.schema import upgrade


@cache
def template() -> Path:
    """The file; nobody writes to it."""
    folder = Path(tempfile.mkdtemp(prefix="licet-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "licet.db"
    migrate(f"sqlite:///{file}")
    return file


def copy_to(file: Path) -> Path:
    """A migrated file of a test's own."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copy(template(), file)
    return file


def migrate(url: str) -> None:
    """Run every migration on a database."""
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()

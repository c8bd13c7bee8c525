"""SQLite's write-ahead log is folded into its file by a job, so that no request's commit has to do it.

Commits go on meanwhile. Where the job does not run (a command) or does not keep up, the commit that finds `MOST_PAGES` folds
(https://sqlite.org/wal.html, section 2.1).
"""

from __future__ import annotations

from typing import Literal

from contracts.store.engine import BUSY
from contracts.store.unit import Store

PATIENCE = 100
"""Milliseconds for which emptying the log waits for those who read; nobody can write meanwhile."""


def fold(store: Store, mode: Literal["PASSIVE", "TRUNCATE"]) -> bool:
    """Bring the log into the file, and with TRUNCATE empty it; says whether nothing stood in the way. Only for SQLite."""
    with store.engine.connect() as connection:
        # A checkpoint cannot run inside a transaction, which SQLAlchemy would begin.
        raw = connection.connection.driver_connection
        if raw is None:
            return False
        raw.execute(f"PRAGMA busy_timeout={PATIENCE}")
        try:
            return not raw.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()[0]
        finally:
            raw.execute(f"PRAGMA busy_timeout={BUSY}")


def tick(store: Store) -> int:
    """Fold what was written since the last time; always 0, because nothing is left to do at once."""
    if store.is_sqlite:
        fold(store, "PASSIVE")
    return 0

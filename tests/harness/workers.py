"""An installation of several processes: real PostgreSQL, real Valkey, `licet serve --workers 2`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness import valkey
from tests.harness.installation import Installation, install
from tests.harness.server import free_port, start


@contextmanager
def two_workers(folder: Path, database: str, **terms: object) -> Iterator[Installation]:
    """Make it and serve it from two processes while the block runs."""
    with valkey.running() as server:
        place = install(folder, free_port(), database=database, extra=f'[shared]\nurl = "{valkey.address(server)}"\n', **terms)
        running = start(folder, ["serve", "--workers", "2"], {}, place.settings.port)
        try:
            yield place
        finally:
            running.stop()

"""Election: of all processes over one database, one does a thing at a time.

On PostgreSQL the one whose session holds an advisory lock; the server frees the lock when that session ends, however it ends. On SQLite
there is one process. An election spares work and proves nothing: what must not happen twice is fenced by rows.
"""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from contracts.store.unit import Store

# Numbers of the locks in this database; never reuse one.
SEQUENCER = 6_962_001
HOLDS = 6_962_002
APPEALS = 6_962_003


class Leader:
    """A candidate. Use it from one thread."""

    def __init__(self, store: Store, lock: int) -> None:
        self._store, self._lock = store, lock
        self._connection: Connection | None = None

    def leads(self) -> bool:
        """Whether this process leads now, standing for election where nobody does. Raises where the store does not answer."""
        if self._store.is_sqlite:
            return True
        try:
            return self._still_holds() or self._stands()
        except SQLAlchemyError:
            self.resign()
            raise

    def resign(self) -> None:
        """Let another lead."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _still_holds(self) -> bool:
        if self._connection is None:
            return False
        self._connection.execute(text("SELECT 1"))
        return True

    def _stands(self) -> bool:
        connection = self._store.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        # Out of the pool: closing it must end the session, and with it the lock.
        connection.detach()
        try:
            won = bool(connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": self._lock}).scalar_one())
        except SQLAlchemyError:
            connection.close()
            raise
        if won:
            self._connection = connection
        else:
            connection.close()
        return won

"""What the fake remembers, in a SQLite database of its own: it must survive a restart of the demo, as Stripe would."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS object (kind TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS event (identifier TEXT PRIMARY KEY, meter TEXT, customer TEXT, value INTEGER, at INTEGER);
CREATE TABLE IF NOT EXISTS reply (key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER, body TEXT NOT NULL);
"""


class Shelf:
    """Objects by kind and id, counted meter events, and answers by idempotency key. Callers take turns."""

    def __init__(self, file: Path | None = None) -> None:
        self._database = sqlite3.connect(str(file or ":memory:"), isolation_level=None, check_same_thread=False)
        self._database.executescript(_SCHEMA)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What happens in the block is remembered whole or not at all."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:  # whatever went wrong, nothing of the block stays
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def put(self, kind: str, body: dict[str, Any]) -> None:
        """Store or replace an object by its `id`."""
        self._database.execute("INSERT OR REPLACE INTO object VALUES (?, ?, ?)", (kind, body["id"], json.dumps(body)))

    def get(self, kind: str, object_id: str) -> dict[str, Any] | None:
        """One object."""
        row = self._database.execute("SELECT body FROM object WHERE kind = ? AND id = ?", (kind, object_id)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind, newest first."""
        rows = self._database.execute("SELECT body FROM object WHERE kind = ? ORDER BY rowid DESC", (kind,)).fetchall()
        return [dict(json.loads(row[0])) for row in rows]

    def count(self, identifier: str, meter: str, customer: str, value: int, at: int) -> bool:
        """Remember a meter event; false where its identifier was counted before."""
        row = (identifier, meter, customer, value, at)
        return self._database.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?)", row).rowcount == 1

    def total(self, meter: str, customer: str, start: int, end: int) -> int:
        """The sum of a customer's events from `start` until before `end`, in seconds since 1970."""
        query = "SELECT coalesce(sum(value), 0) FROM event WHERE meter = ? AND customer = ? AND at >= ? AND at < ?"
        return int(self._database.execute(query, (meter, customer, start, end)).fetchone()[0])

    def reply(self, key: str) -> tuple[str, int, dict[str, Any]] | None:
        """The request, status and body of the answer given before under an idempotency key."""
        row = self._database.execute("SELECT request, status, body FROM reply WHERE key = ?", (key,)).fetchone()
        return None if row is None else (row[0], row[1], json.loads(row[2]))

    def keep_reply(self, key: str, request: str, status: int, body: dict[str, Any]) -> None:
        """Remember an answer under its idempotency key."""
        self._database.execute("INSERT OR IGNORE INTO reply VALUES (?, ?, ?, ?)", (key, request, status, json.dumps(body)))

    def close(self) -> None:
        """Close the database."""
        self._database.close()

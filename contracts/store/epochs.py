"""Epochs: counters that every process polls, so that a suspension bites everywhere within two seconds.

`grants` moves with every change of a contract, its terms or credentials; `erasures` with every record erased; `gate` with
every change of the gate's mode, policy and bans.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Field, SQLModel, col

from contracts.store.driver import Ready
from contracts.store.unit import Store, Unit

NAMES = ("grants", "erasures", "gate")
POLL_SECONDS = 0.5
STALE_SECONDS = 2.0


class Epoch(SQLModel, table=True):
    """One counter; a missing row counts as 0."""

    name: str = Field(primary_key=True)
    value: int = Field(default=0, sa_type=BigInteger)


# Built once: building a statement costs more than running it.
_HELD = Ready(select(col(Epoch.name), col(Epoch.value)).with_for_update(read=True))


@dataclass(frozen=True, slots=True)
class Epochs:
    """The counters at one moment."""

    grants: int = 0
    erasures: int = 0
    gate: int = 0


def bump(unit: Unit, name: str) -> None:
    """Move a counter in this unit of work; the watches of this process look as soon as it is durable."""
    if name not in NAMES:
        raise KeyError(name)
    for look in unit.news:
        unit.after_commit(look)
    move = update(Epoch).where(col(Epoch.name) == name).values(value=col(Epoch.value) + 1)
    if unit.connection.execute(move).rowcount == 0:
        ensure(unit.connection)
        unit.connection.execute(move)


def ensure(connection: Connection) -> None:
    """Make the counters' rows where they are missing. Of several processes that start at once one makes them; the others wait for it."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(Epoch).on_conflict_do_nothing(), [{"name": name, "value": 0} for name in NAMES])


def current(connection: Connection) -> Epochs:
    """The counters as this transaction sees them."""
    rows = connection.execute(select(col(Epoch.name), col(Epoch.value))).all()
    return Epochs(**{name: value for name, value in rows if name in NAMES})


def held(unit: Unit) -> Epochs:
    """The counters, which no other unit of work moves before this one ends."""
    return Epochs(**{name: value for name, value in _HELD.run(unit.connection).fetchall() if name in NAMES})


class EpochWatch:
    """Polls the counters in a thread and knows how old its knowledge is.

    A commit of this process is looked at as soon as it is durable, those of others within half a second. `fresh()` is false once
    the store could not be read for two seconds; the hot path then refuses data. `on_change` is called in the thread that looked,
    with the epochs before and after.
    """

    def __init__(self, store: Store, poll_seconds: float = POLL_SECONDS, stale_seconds: float = STALE_SECONDS) -> None:
        self._store, self._poll, self._stale = store, poll_seconds, stale_seconds
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._listeners: list[Callable[[Epochs, Epochs], None]] = []
        self.epochs = Epochs()
        self._read_at = float("-inf")
        store.news.append(self.look)

    def on_change(self, listener: Callable[[Epochs, Epochs], None]) -> None:
        """Call the listener whenever a counter has moved."""
        self._listeners.append(listener)

    def fresh(self) -> bool:
        """Whether the counters were read within the last two seconds."""
        return time.monotonic() - self._read_at <= self._stale

    def poll(self) -> Epochs:
        """Read the counters now and tell listeners of a change."""
        started = time.monotonic()
        with self._store.engine.connect() as connection:
            seen = current(connection)
        with self._lock:
            # Two looks at once may end in either order, but no counter ever goes back.
            before, self.epochs = self.epochs, _newer(self.epochs, seen)
            after, self._read_at = self.epochs, max(self._read_at, started)
        if after != before:
            for listener in self._listeners:
                listener(before, after)
        return after

    def look(self) -> None:
        """Poll where a failure may wait: after a commit of this process, which stands whether or not it can be read now."""
        try:
            self.poll()
        except SQLAlchemyError:
            return  # the thread looks again within half a second, and `fresh()` turns false by itself

    def start(self) -> None:
        """Poll in a thread until `stop`."""
        self.poll()
        self._thread = threading.Thread(target=self._run, name="epochs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._poll):
            self.look()


def _newer(one: Epochs, other: Epochs) -> Epochs:
    return Epochs(*(max(getattr(one, name), getattr(other, name)) for name in NAMES))

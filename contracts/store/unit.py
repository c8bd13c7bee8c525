"""The store and its unit of work: one request is one transaction, committed here and nowhere else."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, SQLModel

from contracts.clock import Clock
from contracts.errors import StoreUnavailable, refuse

Row = TypeVar("Row", bound=SQLModel)


@dataclass(slots=True)
class Unit:
    """One write transaction: its connection and session, its moment and the node that numbers its ledger entries.

    `news` are those in this process who want to hear at once that an epoch moved (`contracts.store.epochs.bump`).
    """

    connection: Connection
    now: datetime
    node: str
    news: Sequence[Callable[[], None]] = ()
    _session: Session | None = None
    _last: dict[Callable[[Unit, list[Any]], None], list[Any]] = field(default_factory=dict)
    _after: list[Callable[[], None]] = field(default_factory=list)

    @property
    def session(self) -> Session:
        """The transaction's session, made where it is first asked for: the hot path's batches need none."""
        if self._session is None:
            self._session = Session(self.connection, expire_on_commit=False)
        return self._session

    def lock(self, table: type[Row], key: object) -> Row:
        """The row, locked until the end of this unit; `not_found` where there is none."""
        row = self.session.get(table, key, with_for_update=True, populate_existing=True)
        if row is None:
            raise refuse("not_found", "There is no such thing here.")
        return row

    def at_the_end(self, act: Callable[[Unit, list[Any]], None], thing: object) -> None:
        """Give a thing to an act that takes all that it was given at once, right before the commit.

        For what others wait for: a row that every unit changes is then locked for as short as can be, and always last.
        """
        self._last.setdefault(act, []).append(thing)

    def end(self) -> None:
        """Write what the session holds, then do what was left for the end; for the store."""
        self._flush()
        for act, things in self._last.items():
            act(self, things)
        self._flush()

    def close(self) -> None:
        """Let the rows go; for the store."""
        if self._session is not None:
            self._session.close()

    def _flush(self) -> None:
        if self._session is not None:
            self._session.flush()

    def after_commit(self, act: Callable[[], None]) -> None:
        """Do something in this process once the transaction is durable (wake a thread); never an effect outside."""
        self._after.append(act)


@dataclass(frozen=True, slots=True)
class Hold:
    """How long one unit held the write lock, for the test and the metric that watch it.

    `busy` is how much of that its thread computed; the rest it waited for the disk, or for others on this machine.
    """

    label: str
    seconds: float
    busy: float = 0.0


class Store:
    """The database with its clock. Reads see one snapshot; writes are serialised on SQLite, row-locked on PostgreSQL."""

    def __init__(self, engine: Engine, clock: Clock, node: str = "main") -> None:
        self.engine, self.clock, self.node = engine, clock, node
        self._writing = engine.execution_options(licet_begin="IMMEDIATE") if self.is_sqlite else engine
        self.holds: deque[Hold] = deque(maxlen=10_000)
        self.news: list[Callable[[], None]] = []
        # SQLite's own busy wait polls; a lock in the process hands over at once and never times out.
        self._writer = threading.Lock()
        self._thread = threading.local()
        self._kept: Connection | None = None
        event.listen(engine, "engine_disposed", self._let_go)

    @property
    def is_sqlite(self) -> bool:
        """Whether writes are serialised in this process."""
        return self.engine.dialect.name == "sqlite"

    @property
    def writing(self) -> bool:
        """Whether the calling thread is inside a unit of work, where whatever takes long makes everyone wait."""
        return getattr(self._thread, "writing", False)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading; whatever it changes is thrown away."""
        with Session(self.engine, expire_on_commit=False) as session:
            try:
                yield session
            finally:
                # A rollback would expire what was read; let go first, so that rows stay usable after the block.
                session.expunge_all()
                session.rollback()

    @contextmanager
    def write(self, label: str = "control") -> Iterator[Unit]:
        """A unit of work: committed when the block ends, rolled back when it raises.

        Render, hash and upload before this block, send after it: on SQLite it holds the only write lock. Raises
        `StoreUnavailable` where the database did not take the write; nothing has happened then.
        """
        with self._locked(label), self._connected() as connection:
            unit = Unit(connection, self.clock.now(), self.node, self.news)
            try:
                with connection.begin():
                    yield unit
                    unit.end()
            except OperationalError as error:
                raise StoreUnavailable(str(error.orig)) from error
            finally:
                unit.close()
        for act in unit._after:
            act()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection to write over; on SQLite always the same one, under the lock.

        The pages and statements that it remembers are then those of the last unit, and nothing has to be taken from the pool and reset.
        """
        if not self.is_sqlite:
            with self._writing.connect() as connection:
                yield connection
            return
        if self._kept is None or self._kept.closed or self._kept.invalidated:
            self._kept = self._writing.connect()
            # Out of the pool: closing it then closes the file.
            self._kept.detach()
        try:
            yield self._kept
        except BaseException:  # whatever went wrong, it may have left a transaction behind
            self._kept.close()
            raise

    def _let_go(self, _engine: Engine) -> None:
        """The engine gives up its connections, and this one with them, unless a unit is at work over it."""
        if self._kept is not None and self._writer.acquire(blocking=False):
            try:
                self._kept.close()
            finally:
                self._writer.release()

    @contextmanager
    def _locked(self, label: str) -> Iterator[None]:
        if self.writing:
            raise RuntimeError(f"the unit {label!r} begins inside another one of its thread, which could never end")
        if not self.is_sqlite:
            with self._marked():
                yield
            return
        with self._writer, self._marked():
            start, busy = time.perf_counter(), time.thread_time()
            try:
                yield
            finally:
                self.holds.append(Hold(label, time.perf_counter() - start, time.thread_time() - busy))

    @contextmanager
    def _marked(self) -> Iterator[None]:
        self._thread.writing = True
        try:
            yield
        finally:
            self._thread.writing = False

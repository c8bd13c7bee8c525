"""How long one statement on a dataset may take. One thread a process looks after all that run, and stops those that are over.

A test such as `contains` has no index, so a query that nobody's records meet reads a whole dataset, and costs its asker nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from contracts.errors import Refused, refuse

TICK_SECONDS = 0.05
FOREVER = float("inf")


@dataclass(slots=True)
class Running:
    """One statement: until when it may run (monotonic seconds), what stops it, and whether that was done."""

    seconds: float
    until: float
    stop: Callable[[], object]
    stopped: bool = False
    ended: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, now: float) -> None:
        """Stop it where it is over; said again until it ends, because what was between two statements did not hear it."""
        with self.lock:
            if now > self.until and not self.ended:
                self.stopped = True
                self.stop()

    def failed(self, otherwise: Refused) -> Refused:
        """Why the statement ended without an answer: `query_too_slow` where it was stopped, else the other refusal."""
        return too_slow(self.seconds) if self.stopped else otherwise


class Deadlines:
    """Looks after statements. Safe for threads; its own thread begins with the first statement and never holds the process up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, Running] = {}
        self._some = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def within(self, seconds: float, stop: Callable[[], object]) -> Iterator[Running]:
        """Run the block's statement for so many seconds at most; `query_too_slow` where it took longer and ended well all the same.

        `stop` is called from another thread, never after the block, and makes the statement fail.
        """
        running = Running(seconds, time.monotonic() + seconds, stop)
        with self._lock:
            self._running[id(running)] = running
            self._look_on()
        self._some.set()
        try:
            yield running
        finally:
            with running.lock:
                running.ended = True
            with self._lock:
                del self._running[id(running)]
        if time.monotonic() > running.until:
            raise too_slow(seconds)

    def _look_on(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
            self._thread.start()

    def _watch(self) -> None:
        while True:
            self._some.wait()
            time.sleep(TICK_SECONDS)
            self._look()

    def _look(self) -> None:
        """One look at all that run. A method of its own, so that this thread keeps nothing of what has ended."""
        with self._lock:
            if not self._running:
                self._some.clear()
            running = list(self._running.values())
        for each in running:
            each.look(time.monotonic())


def too_slow(seconds: float) -> Refused:
    """The refusal of a statement that took longer."""
    reason = f"The query takes longer than {seconds:g} seconds. Narrow it by time, or by a field that is compared and not searched in."
    return refuse("query_too_slow", reason, seconds=seconds)


DEADLINES = Deadlines()

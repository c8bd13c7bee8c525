"""Seconds as a process feels them that has to share the machine: the measure for what must happen within so many seconds.

Where other processes take the machine's time, whoever must act in time and whoever looks both come late, and nothing is wrong with either.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_BEAT = 0.05


class Felt:
    """A clock that counts a beat once a thread that slept for one has run again."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._count, name="felt", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Count no further."""
        self._ended.set()
        self._thread.join()

    def _count(self) -> None:
        while not self._ended.wait(_BEAT):
            self.seconds += _BEAT


@contextmanager
def felt() -> Iterator[Felt]:
    """Counts from now on, while the block runs."""
    clock = Felt()
    try:
        yield clock
    finally:
        clock.end()


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold within so many seconds; asked at least once more when they are over."""
    with felt() as clock:
        while clock.seconds < seconds:
            if holds():
                return True
            time.sleep(0.005)
    return holds()

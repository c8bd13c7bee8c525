"""How slow this machine computes now, so that a limit in milliseconds means the same work everywhere.

A shared core runs at a half or a third of its speed while its neighbours are busy, and that is counted as our own time.
"""

from __future__ import annotations

import copy
import time

# Many small objects, as in a unit of work; a loop over numbers would not notice that caches are shared.
_WORK = {str(number): [number, {"a": number, "b": (number,)}] for number in range(400)}
REFERENCE = 0.0019
"""Seconds that a core of a server of 2023 needs for a copy of `_WORK` in CPython 3.11 while nobody else wants it."""


def slowness(tries: int = 2) -> float:
    """How many times longer than the reference this thread needs for the same work now; 1 on a core as fast or faster."""
    return max(1.0, min(_taken() for _ in range(tries)) / REFERENCE)


def work(times: int = 1) -> None:
    """Compute as long as the reference says, so many times over."""
    for _ in range(times):
        copy.deepcopy(_WORK)


def _taken() -> float:
    begin = time.thread_time()
    work()
    return time.thread_time() - begin

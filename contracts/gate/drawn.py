"""Ids of decisions that let pass, drawn some at a time: one draw from the kernel would cost as much as a look at a budget."""

from __future__ import annotations

import time

from contracts.ids import new_ids

AT_ONCE = 64
FRESH_SECONDS = 1.0


class DecisionIds:
    """Ids drawn within the last second. Safe from any thread: two that draw at once waste a few, and never share one."""

    def __init__(self) -> None:
        self._made: list[str] = []
        self._until = 0.0

    def next(self) -> str:
        """An id that nobody has."""
        now = time.monotonic()
        if now > self._until:
            self._until, self._made = now + FRESH_SECONDS, []
        try:
            return self._made.pop()
        except IndexError:
            made = new_ids("dec", AT_ONCE)
            self._made = made[1:]
            return made[0]

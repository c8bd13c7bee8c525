"""Gathering: what an event loop brings at about the same time goes to the writer together.

A batch costs as much as twenty entries, and the writer's thread and the loop's compete for the interpreter. So the loop hands over
what it has once it has turned without bringing more: a request that is alone goes at once, a crowd as one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")

# A request that the loop has just read brings its item in the next turn, or in the one after.
QUIET_TURNS = 2
MOST = 64


class Gathering(Generic[Item]):
    """What one loop has not handed over yet. Used in that loop alone."""

    def __init__(self, hand_over: Callable[[list[Item]], None]) -> None:
        self._hand_over = hand_over
        self._items: list[Item] = []

    def add(self, loop: asyncio.AbstractEventLoop, item: Item) -> None:
        """Take an item; it is handed over after `QUIET_TURNS` turns of the loop without another, or as one of `MOST`."""
        self._items.append(item)
        if len(self._items) == 1:
            loop.call_soon(self._turn, loop, 1, 1)

    def _turn(self, loop: asyncio.AbstractEventLoop, before: int, turn: int) -> None:
        here = len(self._items)
        if here < MOST and (here > before or turn < QUIET_TURNS):
            loop.call_soon(self._turn, loop, here, 1 if here > before else turn + 1)
            return
        items, self._items = self._items, []
        self._hand_over(items)

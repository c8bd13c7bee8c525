"""Items of one loop go to the writer together, and a single one does not wait."""

from __future__ import annotations

import asyncio
from itertools import chain

from contracts.access.gathering import MOST, QUIET_TURNS, Gathering


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_single_item_goes_after_the_quiet_turns() -> None:
    async def act() -> list[list[list[str]]]:
        handed: list[list[str]] = []
        Gathering(handed.append).add(asyncio.get_running_loop(), "a")
        seen = []
        for _ in range(QUIET_TURNS + 1):
            await _turns(1)
            seen.append(list(handed))
        return seen

    assert asyncio.run(act()) == [[]] * (QUIET_TURNS - 1) + [[["a"]]] * 2


def test_what_comes_turn_after_turn_goes_together() -> None:
    async def act() -> list[list[int]]:
        handed: list[list[int]] = []
        gathering = Gathering(handed.append)
        for number in range(20):
            gathering.add(asyncio.get_running_loop(), number)
            await _turns(number % QUIET_TURNS + 1)
        await _turns(QUIET_TURNS + 1)
        gathering.add(asyncio.get_running_loop(), 20)
        await _turns(QUIET_TURNS + 1)
        return handed

    together = asyncio.run(act())
    assert ([*chain.from_iterable(together)], together[-1], len(together) <= 3) == (list(range(21)), [20], True)


def test_a_crowd_without_end_goes_in_parts() -> None:
    async def act() -> list[int]:
        handed: list[list[int]] = []
        gathering = Gathering(handed.append)
        for number in range(3 * MOST):
            gathering.add(asyncio.get_running_loop(), number)
            await _turns(1)
        await _turns(QUIET_TURNS + 1)
        return [len(each) for each in handed]

    sizes = asyncio.run(act())
    assert (sum(sizes), min(sizes) >= MOST // 2, max(sizes) <= MOST + 1) == (3 * MOST, True, True)

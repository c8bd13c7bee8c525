"""Budgets that several gate processes share: exact, without a question for each page, and in equal parts while the store is gone."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from pydantic import SecretStr

from contracts.gate.lending import SharedBudget
from contracts.sections import Shared
from tests.harness import valkey

PROCESS = Path(__file__).with_name("lending_process.py")


@pytest.fixture
def store() -> Iterator[Any]:
    with valkey.running() as server:
        yield server


@contextmanager
def stopped(store: Any) -> Iterator[None]:
    """Nobody answers within the block."""
    store.stop()
    try:
        yield
    finally:
        store.start()


def counted(address: str, budget: int, tries: int, processes: int = 2) -> list[dict[str, int]]:
    """What each of several processes let pass, all of them at once."""
    with ExitStack() as stack:
        command = [sys.executable, str(PROCESS), address, str(budget), str(tries)]
        root = Path(__file__).parents[3]
        begun = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root, env={"PYTHONPATH": str(root)})
            )
            for _ in range(processes)
        ]
        for each in begun:
            assert each.stdin is not None
            each.stdin.write("begin\n")
            each.stdin.flush()
        told = [json.loads(each.stdout.readline()) for each in begun if each.stdout is not None]
        for each in begun:
            each.communicate("end\n", timeout=60)
        return told


@pytest.mark.parametrize("budget", [1_000, 2_500])
def test_a_large_budget_is_exact_to_two_percent_without_a_question_a_page(store: Any, budget: int) -> None:
    told = counted(valkey.address(store), budget, budget)
    total = sum(each["passed"] for each in told)
    assert 0.98 * budget <= total <= 1.02 * budget, told
    stats = redis.Redis(port=store.port).info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] < total / 3


@pytest.mark.parametrize("budget", [1, 100])
def test_a_small_budget_is_overshot_by_at_most_one_a_process(store: Any, budget: int) -> None:
    total = sum(each["passed"] for each in counted(valkey.address(store), budget, budget + 50))
    assert 0.98 * budget <= total <= budget + 2


def test_while_the_store_is_gone_each_process_gives_its_part(store: Any) -> None:
    shared = Shared(url=SecretStr(valkey.address(store)))
    several = [SharedBudget(shared, "pages", 90) for _ in range(3)]
    for each in several:
        each.take("known", 0.0)
        each.exchange()
    several[0].exchange()
    several[1].exchange()
    with stopped(store):
        for each in several:
            each.take("asked", 0.0)
            each.exchange()
        told = [[each.room("who", here, 0.0) for here in (0, 29, 30, 89)] for each in several]
    assert told == [[True, True, False, False]] * 3


def test_a_page_waits_for_the_answer_that_decides_it(store: Any) -> None:
    async def told(budget: SharedBudget) -> list[bool | None]:
        found = [budget.room("who", 0, 0.0)]
        budget.take("who", 0.0)
        found.append(budget.room("who", 1, 0.0))
        await budget.settled()
        return [*found, budget.room("who", 1, 0.0)]

    budget = SharedBudget(Shared(url=SecretStr(valkey.address(store))), "pages", 1)
    try:
        assert asyncio.run(told(budget)) == [True, None, False]
    finally:
        budget.stop()

"""Two gates over one store and one Valkey: visitors have one budget at both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from contracts.clock import FixedClock
from contracts.gate.facts import Facts
from contracts.sections import Shared
from contracts.store.unit import Store
from tests.harness import valkey
from tests.harness.gates import GateParts, gate_over, gate_settings

BUDGET = 40


@pytest.fixture
def server() -> Iterator[Any]:
    with valkey.running() as started:
        yield started


@pytest.fixture
def gates(sqlite_store: Store, clock: FixedClock, tmp_path: Path, server: Any) -> Iterator[list[GateParts]]:
    shared = Shared(url=SecretStr(valkey.address(server)))
    settings = gate_settings(tmp_path, budget=BUDGET).model_copy(update={"shared": shared})
    made = [gate_over(sqlite_store, clock, settings) for _ in range(2)]
    yield made
    for each in made:
        each.gate.close()


def page(number: int, address: str = "192.0.2.1") -> Facts:
    return Facts("GET", "127.0.0.1:8401", f"/members/{number}", address, "Reader/1.0")


def test_a_visitor_has_one_budget_at_all_gates(gates: list[GateParts]) -> None:
    turns = cycle(gates)
    told = [(each, number, each.decide(page(number)).reason) for number, each in zip(range(BUDGET + 20), turns, strict=False)]
    passed = [(each, number) for each, number, reason in told if reason == "within_budget"]
    assert BUDGET <= len(passed) <= BUDGET + len(gates)
    assert {reason for _, _, reason in told} == {"within_budget", "budget_exceeded"}
    assert {each.decide(page(number)).reason for each, number in passed} == {"within_budget"}, "what was read before takes nothing"
    assert [each.decide(page(1, "198.51.100.7")).reason for each in gates] == ["within_budget"] * 2


def test_what_a_gate_did_not_use_is_left_to_the_others(gates: list[GateParts]) -> None:
    first, second = gates
    assert first.decide(page(0)).reason == "within_budget"
    first.gate.close()
    passed = [second.decide(page(number)).reason for number in range(1, BUDGET + 10)].count("within_budget")
    assert BUDGET - 1 <= passed <= BUDGET


def test_while_the_store_is_gone_each_gate_gives_half(gates: list[GateParts], server: Any) -> None:
    first, second = gates
    # The second page of a visitor waits for the store's answer, which tells how many gates there are.
    for number, each in enumerate((first, second, first)):
        assert [each.decide(page(at, f"203.0.{number}.9")).reason for at in range(2)] == ["within_budget"] * 2
    server.stop()
    try:
        told = [[each.decide(page(at, "198.51.100.7")).reason for at in range(BUDGET)].count("within_budget") for each in gates]
    finally:
        server.start()
    assert told == [BUDGET // 2] * 2

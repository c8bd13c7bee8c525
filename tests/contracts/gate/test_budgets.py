"""Distinct pages over a sliding hour, bounded in memory; pace with a second's burst."""

from __future__ import annotations

from contracts.gate.budgets import Pace, PageBudget, Standing


def test_pages_count_once_and_leave_after_an_hour() -> None:
    budget = PageBudget()
    for page in ("/a", "/b", "/a"):
        budget.add(budget.of("v"), page, 0)
    assert budget.look(budget.of("v"), "/a", 0) == Standing(2, True, 3660)
    assert budget.look(budget.of("v"), "/c", 1800) == Standing(2, False, 1860)
    budget.add(budget.of("v"), "/c", 1800)
    assert budget.look(budget.of("v"), "/a", 3659) == Standing(3, True, 1)
    assert budget.look(budget.of("v"), "/a", 3660) == Standing(1, False, 1800)
    assert budget.size == (1, 1)


def test_asking_counts_nothing() -> None:
    budget = PageBudget()
    assert budget.look(budget.of("v"), "/a", 0) == Standing(0, False, 0)
    assert budget.size == (0, 0)


def test_memory_is_bounded_and_the_quiet_are_forgotten_first() -> None:
    budget = PageBudget(most_identities=3, most_pages=100)
    for who in ("a", "b", "c"):
        budget.add(budget.of(who), "/1", 0)
    budget.look(budget.of("a"), "/2", 1)
    budget.add(budget.of("d"), "/1", 2)
    assert [budget.look(budget.of(who), "/1", 2).pages for who in ("a", "b", "c", "d")] == [1, 0, 1, 1]
    full = PageBudget(most_identities=100, most_pages=10)
    for number in range(50):
        full.add(full.of(f"v{number % 5}"), f"/{number}", number)
    assert full.size[1] <= 10


def test_pace_allows_a_second_at_once_then_one_at_a_time() -> None:
    pace = Pace()
    passed = []
    for moment in (0, 0, 0, 0, 0.5, 0.9, 1.0):
        wait = pace.wait("ctr", 2, moment)
        passed.append(wait)
        if wait == 0:
            pace.take("ctr", 2, moment)
    assert passed == [0, 0, 0.5, 0.5, 0, 0.1, 0]

"""Leases against a model: whatever is asked, answered and lost in whatever order, a budget is overshot by one page a process at most."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from contracts.gate.leases import EMPTY_SECONDS, UNUSED_SECONDS, Leases, Want, piece


class Model:
    """The store's side: what was lent of one budget."""

    def __init__(self, budget: int) -> None:
        self.budget, self.lent = budget, 0

    def answer(self, want: Want) -> int:
        if want.want < 0:
            self.lent += want.want
            return 0
        beyond = max(0, min(want.want, self.budget - self.lent - want.owed))
        self.lent += want.owed + beyond
        return beyond


@given(
    budget=st.integers(1, 400),
    steps=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["page", "ask", "answer", "lose", "wait"])), max_size=400),
)
def test_a_budget_is_overshot_by_one_page_a_process_at_most(budget: int, steps: list[tuple[int, str]]) -> None:
    store, processes, passed, now = Model(budget), [Leases() for _ in range(3)], 0, 1_000.0
    asked: list[deque[Want]] = [deque() for _ in processes]
    for number, step in steps:
        leases = processes[number]
        match step:
            case "page" if leases.room("who", now):
                leases.take("who", now, budget)
                passed += 1
            case "ask":
                asked[number].extend(leases.due(budget))
            case "answer" if asked[number]:
                want = asked[number].popleft()
                leases.granted(want, store.answer(want), now)
            case "lose" if asked[number]:
                leases.lost(asked[number].popleft())
            case "wait":
                now += 40.0
                for back in leases.unused(now):
                    store.answer(back)
        assert passed <= budget + len(processes)


def test_half_a_lease_asks_for_the_next() -> None:
    leases, now = Leases(), 1_000.0
    assert leases.room("who", now) is True
    leases.take("who", now, 1_000)
    (first,) = leases.due(1_000)
    assert (first, leases.is_due) == (Want("who", 1, 10), False)
    leases.granted(first, 10, now)
    for _ in range(4):
        leases.take("who", now, 1_000)
    assert not leases.is_due
    leases.take("who", now, 1_000)
    assert leases.due(1_000) == [Want("who", 0, 10)]


def test_nothing_passes_once_nothing_is_left_until_the_store_says_otherwise() -> None:
    leases, now = Leases(), 1_000.0
    leases.take("who", now, 10)
    (want,) = leases.due(10)
    leases.granted(want, 0, now)
    assert (leases.room("who", now), leases.is_due) == (False, False)
    later = now + EMPTY_SECONDS
    assert (leases.room("who", later), leases.due(10)) == (None, [Want("who", 0, piece(10))])
    assert leases.unused(later + UNUSED_SECONDS) == []
    leases.granted(Want("who", 0, 1), 1, later)
    assert leases.room("who", later) is True


def test_a_lease_that_lies_unused_goes_back() -> None:
    leases, now = Leases(), 6_000.0
    leases.take("who", now, 1_000)
    (want,) = leases.due(1_000)
    leases.granted(want, 10, now)
    assert leases.unused(now + UNUSED_SECONDS - 1) == []
    assert leases.unused(now + UNUSED_SECONDS) == [Want("who", 0, -10, 100)]
    assert leases.unused(now + UNUSED_SECONDS) == []


def test_identities_are_forgotten_beyond_the_most() -> None:
    leases = Leases(most=2)
    for who in "abc":
        leases.take(who, 1_000.0, 10)
    assert [each.who for each in leases.due(10)] == ["b", "c"]

"""Counters of pace in memory: never more than the limit in any window, and what is forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st
from limits import parse
from limits.strategies import SlidingWindowCounterRateLimiter

from contracts.store import windows
from contracts.store.windows import MemoryWindows


class Seconds:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_the_limit_then_nothing_then_a_share_as_the_window_slides() -> None:
    seconds = Seconds()
    limiter = SlidingWindowCounterRateLimiter(MemoryWindows(seconds))
    ten = parse("10/minute")
    assert [limiter.hit(ten, "a") for _ in range(12)] == [True] * 10 + [False] * 2
    assert (limiter.test(ten, "a"), limiter.test(ten, "b"), limiter.hit(ten, "b")) == (False, True, True)
    seconds.now += 60 + 30  # half of the ten still count
    assert [limiter.hit(ten, "a") for _ in range(6)] == [True] * 5 + [False]
    seconds.now += 120
    assert [limiter.hit(ten, "a") for _ in range(11)] == [True] * 10 + [False]


@given(st.lists(st.floats(0, 40), max_size=200))
def test_no_more_than_the_limit_pass_in_any_minute_that_begins_with_a_window(pauses: list[float]) -> None:
    seconds = Seconds()
    limiter = SlidingWindowCounterRateLimiter(MemoryWindows(seconds))
    five, passed = parse("5/minute"), []
    for pause in pauses:
        seconds.now += pause
        if limiter.hit(five, "a"):
            passed.append(seconds.now)
    # A sliding counter takes the requests of the window before as evenly spread, so two windows together bound what passes.
    assert all(sum(start <= each < start + 60 for each in passed) <= 10 for start in passed)


def test_parallel_requests_take_exactly_the_limit() -> None:
    limiter, hundred = SlidingWindowCounterRateLimiter(MemoryWindows()), parse("100/minute")
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: limiter.hit(hundred, "a"), range(400))) == 100


def test_keys_that_nobody_used_for_two_windows_are_forgotten() -> None:
    seconds = Seconds()
    storage = MemoryWindows(seconds)
    limiter, one = SlidingWindowCounterRateLimiter(storage), parse("1/minute")
    for number in range(windows.SWEEP_AT):
        limiter.hit(one, str(number))
    seconds.now += 121
    limiter.hit(one, "new")
    assert storage.reset() == 1


def test_a_cleared_key_begins_anew() -> None:
    storage = MemoryWindows()
    limiter, one = SlidingWindowCounterRateLimiter(storage), parse("1/minute")
    limiter.hit(one, "a")
    limiter.clear(one, "a")
    assert (limiter.hit(one, "a"), limiter.hit(one, "a"), storage.check()) == (True, False, True)

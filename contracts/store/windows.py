"""Counters of pace in this process's memory, for `limits`: sliding windows that begin with a key's first request.

The storage that comes with the library starts a thread for whatever it has to forget, which costs more than the counting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from limits.storage import Storage
from limits.storage.base import SlidingWindowCounterSupport

SWEEP_AT = 4_096


@dataclass(slots=True)
class _Window:
    """Since when the present window runs (seconds), what it counted, and what the one before it counted."""

    since: float
    count: int
    before: int
    expiry: int


class MemoryWindows(Storage, SlidingWindowCounterSupport):
    """Sliding window counters; safe for threads. The time is in seconds from any moment, and never goes back."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds, self._lock = seconds, threading.Lock()
        self._windows: dict[str, _Window] = {}
        self._sweep_at = SWEEP_AT

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` requests where the window, with its share of the one before, has room for them."""
        with self._lock:
            now = self._seconds()
            window = self._window(key, expiry, now)
            if int(window.before * _share(window, now) + window.count) + amount > limit:
                return False
            window.count += amount
            return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """What the window before counted and the seconds it still weighs, what this one counted and the seconds until it is forgotten."""
        with self._lock:
            now = self._seconds()
            known = self._windows.get(key)
            if known is None:
                return 0, 0.0, 0, float(2 * expiry)
            window = _moved(known, now)
            left = _share(window, now) * expiry
            return window.before, left if window.before else 0.0, window.count, left + expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget a key."""
        self.clear(key)

    def clear(self, key: str) -> None:
        """Forget a key."""
        with self._lock:
            self._windows.pop(key, None)

    def reset(self) -> int:
        """Forget everything; returns how many keys there were."""
        with self._lock:
            count = len(self._windows)
            self._windows.clear()
            return count

    def check(self) -> bool:
        """Memory is always there."""
        return True

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing of the store's own can go wrong."""
        return MemoryError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Fixed windows are not counted here."""
        raise NotImplementedError

    def get(self, key: str) -> int:
        """Fixed windows are not counted here."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        """Fixed windows are not counted here."""
        raise NotImplementedError

    def _window(self, key: str, expiry: int, now: float) -> _Window:
        known = self._windows.get(key)
        if known is not None:
            return _moved(known, now)
        if len(self._windows) >= self._sweep_at:
            self._windows = {name: each for name, each in self._windows.items() if now < each.since + 2 * each.expiry}
            self._sweep_at = max(SWEEP_AT, 2 * len(self._windows))
        return self._windows.setdefault(key, _Window(now, 0, 0, expiry))


def _moved(window: _Window, now: float) -> _Window:
    """The window that runs now: the same, the one after it, or a fresh one."""
    over = now - window.since
    if over >= 2 * window.expiry:
        window.since, window.count, window.before = now, 0, 0
    elif over >= window.expiry:
        window.since, window.count, window.before = window.since + window.expiry, 0, window.count
    return window


def _share(window: _Window, now: float) -> float:
    """How much of the window before still lies within one length of now."""
    return 1 - (now - window.since) / window.expiry

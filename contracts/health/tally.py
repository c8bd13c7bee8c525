"""How requests ended, counted in the memory of the process that answered them: a request costs an addition and no row."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Outcome = Literal["answered", "refused", "failed"]


def outcome_of(status: int) -> Outcome:
    """Failed are errors of ours, refused is what the caller can mend (RFC 9110 sections 15.5 and 15.6)."""
    return "failed" if status >= 500 else "refused" if status >= 400 else "answered"


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted up to a moment, by contract and outcome."""

    at: datetime
    ends: Mapping[tuple[str, Outcome], int]


class Tally:
    """Written by requests, emptied by one job; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: Counter[tuple[str, Outcome]] = Counter()
        self._waiting: deque[Counted] = deque()

    def count(self, contract_id: str, outcome: Outcome) -> None:
        """Count a request; the contract is empty where the request failed before it was known.

        A request that was refused before its contract was known is nobody's, and is not counted: a flood of them must not make our
        errors look rare.
        """
        if contract_id or outcome == "failed":
            with self._lock:
                self._ends[contract_id, outcome] += 1

    def hand_over(self, now: datetime, write: Callable[[Counted], None]) -> None:
        """Have everything written, what came first before the rest. What raises stays, with its moment, for the next time."""
        with self._lock:
            if self._ends:
                self._waiting.append(Counted(now, dict(self._ends)))
                self._ends.clear()
        while self._waiting:
            write(self._waiting[0])
            self._waiting.popleft()

"""What the gate has seen and not yet written: bounded, in memory, handed over in one piece."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from contracts.terms.model import Terms

OUTCOMES: dict[str, str] = {
    "visitor": "Passed without a licence, within the budgets.",
    "licensed": "Passed under a contract.",
    "open": "Passed uncounted: the path is open to everyone or is no page, or a search engine's crawler asks.",
    "stopped": "Stopped.",
    "would_stop": "Passed in shadow; enforcement would have stopped it.",
}

MOST_FETCHES = 20_000
MOST_STOPS = 10_000
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Fetch:
    """One fetch under a verified token, for the ledger. `network` is the prefix of the address.

    `terms` are those that it was decided under: its quotas and price. Without them it costs nothing.
    """

    contract_id: str
    contract_version: int
    terms_sha256: str
    organisation_id: str
    client_id: str
    allowed: bool
    reason: str
    path: str
    network: str
    terms: Terms | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StopKey:
    """Whom, why and to what effect; what is summed up in one row."""

    identity: str
    reason: str
    effect: str


@dataclass(slots=True)
class Stop:
    """The sum over the stops of one key since the last flush."""

    network: str
    agent: str
    contract_id: str
    first_at: datetime
    last_at: datetime
    requests: int = 0
    pages: int = 0
    last_decision: str = ""

    def merge(self, later: Stop) -> None:
        """Take in what came later."""
        self.first_at, self.last_at = min(self.first_at, later.first_at), max(self.last_at, later.last_at)
        self.requests, self.pages = self.requests + later.requests, max(self.pages, later.pages)
        self.last_decision = later.last_decision or self.last_decision


@dataclass(slots=True)
class Sums:
    """Counts by (minute, outcome) and stops by key."""

    counts: Counter[tuple[datetime, str]] = field(default_factory=Counter)
    stops: dict[StopKey, Stop] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.counts or self.stops)

    def parts(self, most: int) -> list[Sums]:
        """The same in pieces of at most so many stops; the first has every count. At least one piece."""
        stops = list(self.stops.items())
        pieces = [dict(stops[start : start + most]) for start in range(0, len(stops), most)] or [{}]
        return [Sums(self.counts if place == 0 else Counter(), piece) for place, piece in enumerate(pieces)]

    def stop(self, key: StopKey, stop: Stop) -> None:
        """Sum up a stop; above 10,000 identities at once the rest are summed as `others`."""
        if key not in self.stops and len(self.stops) >= MOST_STOPS:
            key, stop.network, stop.agent = StopKey(OTHERS, key.reason, key.effect), "", OTHERS
        known = self.stops.setdefault(key, stop)
        if known is not stop:
            known.merge(stop)


class Tally:
    """Written by the request path, taken by the flushing jobs; safe between threads.

    `patience` is for how many seconds the ledger may leave fetches that were handed to it without an answer.
    """

    def __init__(self, patience: float = 2.0) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._minute = (datetime.max.replace(tzinfo=UTC),) * 2
        self._fetches: list[Fetch] = []
        self._sums = Sums()
        self._passed: dict[str, int] = {}
        self._refused, self._handed_over = False, 0.0

    @property
    def behind(self) -> bool:
        """Whether no more fetches may be taken: the ledger refused the last ones or does not answer, or 20,000 wait for it."""
        waits = self._handed_over
        return self._refused or len(self._fetches) >= MOST_FETCHES or (waits > 0 and time.monotonic() - waits > self._patience)

    def fetch(self, fetch: Fetch) -> None:
        """Note a licensed fetch."""
        with self._lock:
            self._fetches.append(fetch)

    def count(self, moment: datetime, outcome: str, key: StopKey | None = None, stop: Stop | None = None) -> None:
        """Count a request, and sum up its stop where it was or would have been stopped."""
        with self._lock:
            self._sums.counts[moment.replace(second=0, microsecond=0), outcome] += 1
            if key is not None and stop is not None:
                self._sums.stop(key, stop)

    def count_passed(self, moment: datetime, outcome: str) -> None:
        """As `count`, for a request that passes, which most do: summed up by outcome until the minute is over."""
        minute, ends = self._minute
        with self._lock:
            if not minute <= moment < ends:
                self._fold()
                minute = moment.replace(second=0, microsecond=0)
                self._minute = minute, minute + timedelta(minutes=1)
            self._passed[outcome] = self._passed.get(outcome, 0) + 1

    def take_fetches(self) -> list[Fetch]:
        """Everything noted since the last call, to be written; say by `give_back` what became of it."""
        with self._lock:
            taken, self._fetches = self._fetches, []
            self._handed_over = time.monotonic() if taken else 0.0
        return taken

    def give_back(self, fetches: Sequence[Fetch]) -> None:
        """Put fetches back that could not be written, before newer ones; none where all were."""
        with self._lock:
            self._fetches[:0] = fetches
            self._refused, self._handed_over = bool(fetches), 0.0

    def take_sums(self) -> Sums:
        """Counts and stops since the last call."""
        with self._lock:
            self._fold()
            taken, self._sums = self._sums, Sums()
        return taken

    def give_sums_back(self, older: Sums) -> None:
        """Put sums back that could not be written."""
        with self._lock:
            newer, self._sums = self._sums, older
            self._sums.counts.update(newer.counts)
            for key, stop in newer.stops.items():
                self._sums.stop(key, stop)

    def _fold(self) -> None:
        """Count what passed within the minute; the lock is held."""
        for outcome, requests in self._passed.items():
            self._sums.counts[self._minute[0], outcome] += requests
        self._passed = {}

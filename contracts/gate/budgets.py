"""What the gate remembers of the last hour, in this process's memory and bounded: distinct pages per identity, pace per contract."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

WINDOW_MINUTES = 60


@dataclass(slots=True)
class Standing:
    """How one identity stands: distinct pages in the last hour, whether this one is among them, seconds until the oldest leaves."""

    pages: int
    known: bool
    frees_in: int


@dataclass(slots=True)
class Seen:
    """Pages of one identity: hash of the page to the minute in which it was first fetched, oldest first.

    `kept` is whether a budget has it, `moved` the minute in which it was last made the newest there.
    """

    who: str
    pages: dict[int, int] = field(default_factory=dict)
    kept: bool = False
    moved: int = 0


class PageBudget:
    """Distinct pages of each identity over a sliding hour, exact to the minute.

    A page counts from the minute of its first fetch for 60 to 61 minutes, however often it is fetched. Pages are kept as 64-bit
    keyed hashes. Beyond `most_identities` or `most_pages` the identities that were quiet longest are forgotten, so that a flood of
    invented identities costs memory only up to a bound (about 100 bytes a page).

    What is asked takes what `of` gave. Whoever holds on to that asks `of` again once it is no longer `kept`.
    """

    def __init__(self, most_identities: int = 200_000, most_pages: int = 2_000_000) -> None:
        self._seen: OrderedDict[str, Seen] = OrderedDict()
        self._total = 0
        self._most_identities, self._most_pages = most_identities, most_pages

    def of(self, who: str) -> Seen:
        """The pages of an identity; one of whom nothing is kept has none, and is kept from its first page on."""
        return self._seen.get(who) or Seen(who)

    def has(self, seen: Seen, key: int, minute: int) -> bool:
        """Whether the identity fetched the page within the hour; what most requests ask, and all that a page read before needs.

        `key` is the page's hash and `minute` the whole minutes since 1970, which is worked out once for all who are asked.
        """
        first = seen.pages.get(key)
        if first is None or minute - first > WINDOW_MINUTES:
            return False
        # Once a minute: to move it costs more than to find it.
        if seen.moved != minute:
            seen.moved = minute
            self._seen.move_to_end(seen.who)
        return True

    def look(self, seen: Seen, page: str, now: float) -> Standing:
        """How the identity stands before this page; changes nothing that counts."""
        if not seen.kept:
            return Standing(0, False, 0)
        # One who only asks and is refused must not look quiet, or the bound would give back its budget.
        self._seen.move_to_end(seen.who)
        minute = int(now // 60)
        self._expire(seen, minute)
        oldest = next(iter(seen.pages.values()), minute)
        return Standing(len(seen.pages), hash(page) in seen.pages, int((oldest + WINDOW_MINUTES + 1) * 60 - now))

    def add(self, seen: Seen, page: str, now: float) -> None:
        """Count a page for an identity."""
        if not seen.kept:
            seen.kept = True
            self._seen[seen.who] = seen
        key = hash(page)
        if key not in seen.pages:
            seen.pages[key] = int(now // 60)
            self._total += 1
            self._bound()

    @property
    def size(self) -> tuple[int, int]:
        """Identities and pages now kept."""
        return len(self._seen), self._total

    def _expire(self, seen: Seen, minute: int) -> None:
        oldest = next(iter(seen.pages.values()), minute)
        if minute - oldest > WINDOW_MINUTES:
            kept = {page: first for page, first in seen.pages.items() if minute - first <= WINDOW_MINUTES}
            self._total -= len(seen.pages) - len(kept)
            seen.pages = kept

    def _bound(self) -> None:
        while len(self._seen) > self._most_identities or (self._total > self._most_pages and len(self._seen) > 1):
            _who, quiet = self._seen.popitem(last=False)
            self._total -= len(quiet.pages)
            # Whoever still holds it must not count on it.
            quiet.kept, quiet.pages = False, {}


class Pace:
    """Requests per second of each contract: the generic cell rate algorithm with one second's worth of burst.

    Counts in whole microseconds: seconds since 1970 as a float lose the last fetch of a burst to rounding.
    """

    def __init__(self) -> None:
        self._due: dict[str, int] = {}

    def wait(self, contract_id: str, rate: int, now: float) -> float:
        """Seconds until the next request is within the pace; 0 where it is now."""
        moment, each = _microseconds(now), _interval(rate)
        return max(0, self._due.get(contract_id, moment) - (rate - 1) * each - moment) / 1_000_000

    def take(self, contract_id: str, rate: int, now: float) -> None:
        """Count a request."""
        moment = _microseconds(now)
        self._due[contract_id] = max(moment, self._due.get(contract_id, moment)) + _interval(rate)


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _interval(rate: int) -> int:
    return -(-1_000_000 // rate)

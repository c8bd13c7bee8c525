"""What one process may still count of each identity's budget, where several processes share it. Pure: `lending` asks the store.

The budget is handed out in small pieces (leases), asked for before the last is used up, so that no request waits for the store. A
process without a lease lets one page pass and owes it: below 1,000 pages, where a piece is a handful, that is all by which a budget is
overshot. A lease that lies unused for a minute goes back, so that what is left of a budget is where it is asked for.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

PIECES = 100
"""A lease is this part of a budget, asked for when half of the one before is left: two processes leave a budget exact to 1.5 %."""
EMPTY_SECONDS = 1.0
"""After an answer that nothing is left, the store is asked again at most once a second."""
UNUSED_SECONDS = 60.0
FORGOTTEN_SECONDS = 3_660.0
MOST = 50_000


def piece(budget: int) -> int:
    """How many pages are asked for at once."""
    return max(1, budget // PIECES)


class Want(NamedTuple):
    """What is asked of the store for an identity: a lease of so many pages, and to count those that passed before one was there.

    `want` is negative where a lease goes back; it was granted in the minute `since`.
    """

    who: str
    owed: int
    want: int
    since: int = 0


@dataclass(slots=True)
class _Lease:
    """`again_at` is when the store may be asked again, where it said that nothing is left; 0 where it did not."""

    left: int = 0
    owed: int = 0
    since: int = 0
    asked: bool = False
    again_at: float = 0.0
    used_at: float = 0.0


class Leases:
    """The leases of one budget. Not safe for threads: its owner holds a lock. `now` is in seconds since 1970.

    Identities beyond `most` are forgotten, quiet ones first; what they had left comes free again in the store within the hour.
    """

    def __init__(self, most: int = MOST) -> None:
        self._of: OrderedDict[str, _Lease] = OrderedDict()
        self._due: dict[str, None] = {}
        self._most = most

    @property
    def is_due(self) -> bool:
        """Whether the store has to be asked for something."""
        return bool(self._due)

    def room(self, who: str, now: float) -> bool | None:
        """Whether one more page may be counted; None where the answer is on its way.

        Once the store said that nothing is left, nothing passes before it says otherwise.
        """
        lease = self._of.get(who)
        if lease is None or lease.left:
            return True
        if not lease.again_at:
            return None if lease.asked and lease.owed else True
        if lease.asked:
            return None
        if lease.again_at > now:
            return False
        self._ask(who, lease)
        return None

    def take(self, who: str, now: float, budget: int) -> None:
        """Count a page, and ask for more where half of a lease is left."""
        lease = self._of.get(who)
        if lease is None:
            lease = self._of[who] = _Lease()
            if len(self._of) > self._most:
                self._due.pop(self._of.popitem(last=False)[0], None)
        self._of.move_to_end(who)
        lease.used_at = now
        if lease.left:
            lease.left -= 1
        else:
            lease.owed += 1
        if lease.left <= piece(budget) // 2 and not lease.asked:
            self._ask(who, lease)

    def due(self, budget: int) -> list[Want]:
        """What has to be asked of the store now; each is told once, and `granted` or `lost` has to follow."""
        due, self._due = self._due, {}
        return [Want(who, self._of[who].owed, piece(budget)) for who in due if who in self._of]

    def granted(self, asked: Want, pages: int, now: float) -> None:
        """The store counted what was owed, and lends so many pages; none says that the budget is used up."""
        lease = self._of.get(asked.who)
        if lease is None:
            return
        # What passed meanwhile was owed too, and is taken from what is lent.
        owed = lease.owed - asked.owed
        paid = min(owed, pages)
        lease.asked, lease.owed, lease.since = False, owed - paid, int(now // 60)
        lease.left += pages - paid
        lease.again_at = 0.0 if pages else now + EMPTY_SECONDS

    def lost(self, asked: Want) -> None:
        """The store did not answer; it is asked again with the next page."""
        lease = self._of.get(asked.who)
        if lease is not None:
            lease.asked = False

    def unused(self, now: float) -> list[Want]:
        """The leases that nobody used for a minute, which end here and go back."""
        found = []
        for who, lease in list(self._of.items()):
            quiet = now - lease.used_at
            if quiet < UNUSED_SECONDS:
                break
            if lease.left:
                found.append(Want(who, 0, -lease.left, lease.since))
                lease.left = 0
            # Who has used up a budget would get a page for being forgotten.
            if not lease.owed and not lease.asked and (not lease.again_at or quiet > FORGOTTEN_SECONDS):
                del self._of[who]
        return found

    def _ask(self, who: str, lease: _Lease) -> None:
        lease.asked = True
        self._due[who] = None

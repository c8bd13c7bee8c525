"""What waits to be let out, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from contracts.credentials.spent import Once
from contracts.credentials.tokens import IssuedToken
from contracts.datasets.plan import Page
from contracts.deliveries.ordinals import fingerprint, pack
from contracts.errors import Refusal
from contracts.ledger.receipt import Receipt
from contracts.ledger.stage import Entry
from contracts.quotas.service import Account
from contracts.quotas.standing import Standing
from contracts.store.epochs import Epochs
from contracts.terms.grant import Grant


@dataclass(frozen=True, slots=True)
class Portion:
    """The first rows of a page, ready to leave: JSON objects with commas between, and their ordinals packed."""

    count: int
    data: bytes
    ordinals: bytes
    lowest: int
    highest: int
    records_hash: str


def portion(page: Page, count: int) -> Portion:
    """The first `count` rows of a page."""
    ordinals = page.ordinals[:count]
    packed = pack(ordinals) if count else b""
    return Portion(
        count=count,
        data=",".join(page.rows[:count]).encode(),
        ordinals=packed,
        lowest=min(ordinals, default=0),
        highest=max(ordinals, default=0),
        records_hash=fingerprint(packed) if count else "",
    )


def fitting_bytes(page: Page, whole: Portion, most: int) -> int:
    """How many of a page's rows, in order, leave with at most so many bytes, commas between them counted."""
    if len(whole.data) <= most:
        return whole.count
    size = -1
    for count, row in enumerate(page.rows):
        size += len(row.encode()) + 1
        if size > most:
            return count
    return whole.count


@dataclass(frozen=True, slots=True)
class Charge:
    """What an answer takes from: the contract's records of one day, and, where the terms cap them, its records of the period, its
    different ones, and their bytes of the day and of the period.
    """

    contract_id: str
    day: date
    cap: int
    starts: date = date.min
    period_cap: int | None = None
    version: int = 0
    distinct_cap: int | None = None
    bytes_cap: int | None = None
    period_bytes_cap: int | None = None

    @property
    def is_over_period(self) -> bool:
        """Whether anything is capped from the contract's first day to its last."""
        return self.period_cap is not None or self.period_bytes_cap is not None

    @property
    def is_capped_further(self) -> bool:
        """Whether more is capped than the day's records."""
        return self.is_over_period or self.distinct_cap is not None or self.bytes_cap is not None

    @property
    def period(self) -> Account:
        """What is counted over the period: the contract from its first day on."""
        return self.contract_id, self.starts


@dataclass(frozen=True, slots=True)
class Delivered:
    """Records that may leave once their entry is durable, if nothing of `seen` has moved.

    `entry` lacks only what the transaction decides: count, bytes, hash and quota. The page is cut to what the quota leaves. `proof`
    is used up with it; where it was used before, nothing leaves. `repeat` tells the same request within ten minutes, which is free.
    """

    entry: Entry
    page: Page
    whole: Portion
    grant: Grant
    charge: Charge
    seen: Epochs
    proof: Once | None = None
    repeat: bytes | None = None

    @property
    def told(self) -> Sequence[Entry]:
        """The entries as they are handed in."""
        return (self.entry,)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Entries of answers without records, of refusals, tokens and fetches. They depend on no epoch.

    `proof` is used up with them; where it was used before, they are written as refusals.
    """

    entries: Sequence[Entry]
    proof: Once | None = None

    @property
    def told(self) -> Sequence[Entry]:
        """The entries as they are handed in."""
        return self.entries


class Issued(NamedTuple):
    """An access token that may leave once it is kept with its entry, if the epoch `grants` has not moved since `grants`."""

    entry: Entry
    token: IssuedToken
    grants: int

    @property
    def told(self) -> Sequence[Entry]:
        """The entries as they are handed in."""
        return (self.entry,)


Item = Delivered | Recorded | Issued

# Refusals of quotas that begin anew with each day.
FREED_DAILY = frozenset({"quota_exhausted", "bytes_exhausted"})


class Committed(NamedTuple):
    """What is durable now. `refusal` is that of a quota where nothing was left, `dpop_proof_invalid` where the proof was used before;

    its entry is the one named here. `new_records` counts those that had not left before, where the contract counts them. `free` is
    said of an answer that repeats an earlier one. `standings` are those of every quota but that of the day's records. `receipt` is what
    an answer carries of its entry. A tuple, like `Issued`, because each request makes two.
    """

    entry_ids: tuple[str, ...]
    at: datetime
    portion: Portion | None = None
    quota_before: int = 0
    quota_after: int = 0
    refusal: Refusal | None = None
    new_records: int | None = None
    free: bool = False
    standings: tuple[Standing, ...] = ()
    receipt: Receipt | None = None

    def told(self, entry_ids: tuple[str, ...], receipt: Receipt | None) -> Committed:
        """The same with the ids of its entries, and what is carried of the first."""
        return Committed(entry_ids, *self[1:-1], receipt)

    @property
    def entry_id(self) -> str:
        """The entry of the answer."""
        return self.entry_ids[0]

"""Limits of the API: the contract's pace, kept with `limits.aio` (`contracts.store.counters` says where), and how limits are told.

`RateLimit` and `RateLimit-Policy` are structured fields (draft-ietf-httpapi-ratelimit-headers-11, RFC 9651); a 429 carries
`Retry-After` (RFC 9110 section 10.2.3), which wins over both.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import http_sf
from http_sf.types import BareItemType, ListType, ParamsType
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from contracts.access.answers import FREED_DAILY
from contracts.access.request import Quotas
from contracts.errors import Refusal
from contracts.quotas.standing import DAILY, Term
from contracts.sections import Shared
from contracts.store import counters

DAY_SECONDS = 86_400
# Requests without a usable token from one network in a minute; each is recorded, and a flood must not fill the ledger.
UNKNOWN_PER_MINUTE = 120
POLICIES: dict[Term, str] = {
    "records_per_day": "records",
    "bytes_per_day": "bytes",
    "records_in_period": "records-in-period",
    "distinct_records": "distinct-records",
    "bytes_in_period": "bytes-in-period",
}
"""What the headers call each quota, by its term. Those of the period have no window: waiting frees none of them."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a contract stands in its pace: requests a second, how many are left, seconds until it frees."""

    rate: int
    left: int
    seconds: int
    allowed: bool = True

    def refusal(self) -> Refusal | None:
        """`rate_exceeded` where nothing was left."""
        if self.allowed:
            return None
        reason = f"The contract allows {self.rate} requests in a second. Wait as `Retry-After` says, and spread requests out."
        return Refusal("rate_exceeded", reason, {"limit": self.rate, "window_seconds": 1})


class Paces:
    """Counts requests by contract, and those without a usable token by network. `StoreUnavailable` where they cannot be counted."""

    def __init__(self, shared: Shared) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(counters.for_loop(shared, "api"))
        self._unknown = RateLimitItemPerMinute(UNKNOWN_PER_MINUTE)
        self._told = RateLimitItemPerMinute(1)

    async def take(self, contract_id: str, rate: int) -> Standing:
        """Count one request of a contract that allows `rate` a second. Refused requests are not counted."""
        item = RateLimitItemPerSecond(rate)
        with counters.counting():
            allowed = await self._limiter.hit(item, "contract", contract_id)
            stats = await self._limiter.get_window_stats(item, "contract", contract_id)
        return Standing(rate, stats.remaining, max(1, math.ceil(stats.reset_time - time.time())), allowed)

    async def unknown(self, network: str) -> bool:
        """Count one request without a usable token; false where its network sent too many."""
        with counters.counting():
            return await self._limiter.hit(self._unknown, "unknown", network)

    async def first_of_a_minute(self, network: str) -> bool:
        """Whether a network's flood is to be recorded, once a minute."""
        with counters.counting():
            return await self._limiter.hit(self._told, "told", network)


def told(standing: Standing | None, quotas: Quotas | None) -> dict[str, str]:
    """The limits as headers: the policies that hold, and what is left of each."""
    policies: ListType = []
    left: ListType = []
    if standing is not None:
        policies.append(_member("requests", q=standing.rate, w=1))
        left.append(_member("requests", r=standing.left, t=standing.seconds))
    for each in () if quotas is None else quotas.standings:
        window = {"w": DAY_SECONDS} if each.term in DAILY else {}
        frees = {"t": quotas.seconds} if quotas is not None and each.term in DAILY else {}
        policies.append(_member(POLICIES[each.term], q=each.limit, **window))
        left.append(_member(POLICIES[each.term], r=each.left, **frees))
    return {"ratelimit-policy": http_sf.ser(policies), "ratelimit": http_sf.ser(left)} if policies else {}


def retry_after(refusal: Refusal, standing: Standing | None, quotas: Quotas | None) -> dict[str, str]:
    """When to try again, for refusals that time alone mends."""
    if refusal.code in FREED_DAILY and quotas is not None:
        return {"retry-after": str(quotas.seconds)}
    if refusal.code == "rate_exceeded" and standing is not None:
        return {"retry-after": str(standing.seconds)}
    waits = {
        "store_unavailable": "2",
        "grant_unverified": "2",
        "dataset_unavailable": "30",
        "too_many_requests": "60",
        "too_many_at_once": "1",
    }
    return {"retry-after": waits[refusal.code]} if refusal.code in waits else {}


def _member(name: str, **numbers: int) -> tuple[BareItemType, ParamsType]:
    return name, {**numbers}

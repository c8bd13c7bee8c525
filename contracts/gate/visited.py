"""Distinct pages of visitors, counted for each identity and for its network: in this process alone, or under budgets that are lent to
several processes by the store that they share.

A page that two of these processes meet counts in both; a proxy that asks the same one for the same address (`docs/gate`) keeps that rare.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from contracts.gate.budgets import PageBudget, Standing
from contracts.gate.lending import SharedBudget
from contracts.gate.policy import Policy
from contracts.sections import Shared


class Visited:
    """Not safe for threads but for `settled` and `close`: the gate holds a lock."""

    def __init__(self, shared: Shared, policy: Policy, now: Callable[[], float]) -> None:
        """`now` gives seconds since 1970, as the calls do."""
        self._own, self._network = PageBudget(), PageBudget()
        self._lent = (
            None
            if shared.url is None
            else (SharedBudget(shared, "own", policy.anonymous_budget, now), SharedBudget(shared, "network", policy.network_budget, now))
        )

    def knows(self, who: str, network: str, page: str, seconds: float) -> bool:
        """Whether both have read the page within the hour, so that it takes nothing."""
        return self._own.has(who, page, seconds) and self._network.has(network, page, seconds)

    def decides(self, who: str, network: str, page: str, seconds: float) -> bool:
        """Whether this process can say if a page passes; else `settled` is waited for."""
        if self._lent is None or self.knows(who, network, page, seconds):
            return True
        own, shared = self._own.look(who, page, seconds), self._network.look(network, page, seconds)
        return None not in (self._lent[0].room(who, own.pages, seconds), self._lent[1].room(network, shared.pages, seconds))

    async def settled(self) -> None:
        """Wait until the store has answered what was asked of it."""
        for each in self._lent or ():
            await each.settled()

    def standings(self, who: str, network: str, page: str, seconds: float) -> tuple[Standing, Standing]:
        """How the identity and its network stand before this page. One to whom nothing is lent stands at the whole budget."""
        own, shared = self._own.look(who, page, seconds), self._network.look(network, page, seconds)
        if self._lent is None:
            return own, shared
        return _under(self._lent[0], who, own, seconds), _under(self._lent[1], network, shared, seconds)

    def add(self, who: str, network: str, page: str, seconds: float) -> None:
        """Count a page for both; one that either has read takes nothing of its budget."""
        for budget, lent, key in zip((self._own, self._network), self._lent or (None, None), (who, network), strict=True):
            if lent is not None and not budget.has(key, page, seconds):
                lent.take(key, seconds)
            budget.add(key, page, seconds)

    def follow(self, policy: Policy) -> None:
        """Go by other budgets from now on."""
        if self._lent is not None:
            self._lent[0].budget, self._lent[1].budget = policy.anonymous_budget, policy.network_budget

    def close(self) -> None:
        """Give back what is lent."""
        for each in self._lent or ():
            each.stop()


def _under(lent: SharedBudget, key: str, here: Standing, seconds: float) -> Standing:
    if here.known:
        return here
    full = lent.room(key, here.pages, seconds) is False
    return replace(here, pages=lent.budget if full else min(here.pages, lent.budget - 1))

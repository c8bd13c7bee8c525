"""Distinct pages of visitors, counted for each identity and for its network: in this process alone, or under budgets that are lent to
several processes by the store that they share.

A page that two of these processes meet counts in both; a proxy that asks the same one for the same address (`docs/gate`) keeps that rare.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from contracts.gate.budgets import PageBudget, Seen, Standing
from contracts.gate.facts import MAX_AGENT, Facts, network_of
from contracts.gate.identity import Identity
from contracts.gate.lending import SharedBudget
from contracts.gate.policy import Policy
from contracts.networks import VISITORS
from contracts.sections import Shared


@dataclass(slots=True)
class Seat:
    """A visitor, with all that is asked of one at hand: its own pages and its network's, and at which state of the bans none met it."""

    identity: Identity
    network: str
    own: Seen
    shared: Seen
    unbanned: int = -1


class Visited:
    """Not safe for threads but for `settled` and `close`: the gate holds a lock."""

    def __init__(self, shared: Shared, policy: Policy, now: Callable[[], float]) -> None:
        """`now` gives seconds since 1970, as the calls do."""
        self._own, self._network = PageBudget(), PageBudget()
        self.is_shared = shared.url is not None
        """Whether budgets are shared with other processes, so that `decides` has to be asked."""
        self._seats: dict[tuple[str, str], Seat] = {}
        self._lent = (
            None
            if shared.url is None
            else (SharedBudget(shared, "own", policy.anonymous_budget, now), SharedBudget(shared, "network", policy.network_budget, now))
        )

    def remembered(self, facts: Facts) -> Seat | None:
        """The seat of a visitor who came before and shows nothing but address and user agent: nothing else can make it somebody."""
        # Not by `shows_something`: each visitor's request comes by here.
        if facts.authorization or facts.cookie or facts.signature is not None:
            return None
        return self._seats.get((facts.address, facts.user_agent))

    def seat(self, identity: Identity, address: str) -> Seat:
        """A seat for whoever asks now."""
        network = network_of(address)
        return Seat(identity, network, self._own.of(identity.key), self._network.of(network))

    def known(self, facts: Facts, identity: Identity) -> Seat:
        """The seat of whoever is known to ask, remembered where it is a visitor."""
        seat = self.seat(identity, facts.address)
        if identity.kind == "anonymous" and not facts.shows_something and len(facts.user_agent) <= MAX_AGENT:
            if len(self._seats) >= VISITORS:
                self._seats = {}
            self._seats[facts.address, facts.user_agent] = seat
        return seat

    def knows(self, seat: Seat, page: str, seconds: float) -> bool:
        """Whether both have read the page within the hour, so that it takes nothing."""
        if not (seat.own.kept and seat.shared.kept):
            self._find_again(seat)
        key, minute = hash(page), int(seconds // 60)
        return self._own.has(seat.own, key, minute) and self._network.has(seat.shared, key, minute)

    def decides(self, seat: Seat, page: str, seconds: float) -> bool:
        """Whether this process can say if a page passes; else `settled` is waited for."""
        if self._lent is None or self.knows(seat, page, seconds):
            return True
        own, shared = self._own.look(seat.own, page, seconds), self._network.look(seat.shared, page, seconds)
        rooms = (self._lent[0].room(seat.own.who, own.pages, seconds), self._lent[1].room(seat.network, shared.pages, seconds))
        return None not in rooms

    async def settled(self) -> None:
        """Wait until the store has answered what was asked of it."""
        for each in self._lent or ():
            await each.settled()

    def standings(self, seat: Seat, page: str, seconds: float) -> tuple[Standing, Standing]:
        """How the identity and its network stand before this page. One to whom nothing is lent stands at the whole budget."""
        self._find_again(seat)
        own, shared = self._own.look(seat.own, page, seconds), self._network.look(seat.shared, page, seconds)
        if self._lent is None:
            return own, shared
        return _under(self._lent[0], seat.own.who, own, seconds), _under(self._lent[1], seat.network, shared, seconds)

    def add(self, seat: Seat, page: str, seconds: float) -> None:
        """Count a page for both; one that either has read takes nothing of its budget."""
        self._find_again(seat)
        if self._lent is not None:
            key, minute = hash(page), int(seconds // 60)
            for budget, lent, seen in zip((self._own, self._network), self._lent, (seat.own, seat.shared), strict=True):
                if not budget.has(seen, key, minute):
                    lent.take(seen.who, seconds)
        self._own.add(seat.own, page, seconds)
        self._network.add(seat.shared, page, seconds)

    def follow(self, policy: Policy) -> None:
        """Go by other budgets from now on."""
        if self._lent is not None:
            self._lent[0].budget, self._lent[1].budget = policy.anonymous_budget, policy.network_budget

    def close(self) -> None:
        """Give back what is lent."""
        for each in self._lent or ():
            each.stop()

    def _find_again(self, seat: Seat) -> None:
        """What was not kept yet when the seat was taken, or is no longer, may be kept now by another's doing."""
        if not seat.own.kept:
            seat.own = self._own.of(seat.own.who)
        if not seat.shared.kept:
            seat.shared = self._network.of(seat.network)


def _under(lent: SharedBudget, key: str, here: Standing, seconds: float) -> Standing:
    if here.known:
        return here
    full = lent.room(key, here.pages, seconds) is False
    return replace(here, pages=lent.budget if full else min(here.pages, lent.budget - 1))

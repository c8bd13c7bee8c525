"""Visitors without a licence against what stops them: bans, then the budgets of the identity and of its network."""

from __future__ import annotations

import threading
from typing import NamedTuple

from contracts.gate.bans import Bans
from contracts.gate.budgets import Standing
from contracts.gate.claimed import softened
from contracts.gate.decide import Verdict, for_banned, for_visitor
from contracts.gate.policy import Policy
from contracts.gate.visited import Seat, Visited


class Halt(NamedTuple):
    """Why a visitor does not get a page. `identity` is whose stops it is summed up with; empty for those of the network."""

    verdict: Verdict
    identity: str
    standing: Standing | None = None


class Visitors:
    """Safe from any thread."""

    def __init__(self, bans: Bans, visited: Visited) -> None:
        self._bans, self._visited = bans, visited
        self._lock = threading.Lock()

    def halt(self, seat: Seat, page: str, seconds: float, policy: Policy) -> Halt | None:
        """Why a visitor does not get a page; None where it does, and the page is counted then."""
        if seat.unbanned != self._bans.state and (banned := self._banned(seat, seconds)) is not None:
            return banned
        with self._lock:
            if self._visited.knows(seat, page, seconds):
                return None
            own, shared = self._visited.standings(seat, page, seconds)
            verdict = softened(for_visitor(own, shared, policy), seat.identity)
            if not verdict.stops:
                self._visited.add(seat, page, seconds)
                return None
        # One over the network's budget is summed up by network: whoever invents user agents must not write a row for each.
        return Halt(verdict, seat.identity.key if verdict.reason == "budget_exceeded" else "", own)

    def _banned(self, seat: Seat, seconds: float) -> Halt | None:
        state, key = self._bans.state, seat.identity.key
        ban = self._bans.find(key, seat.network, seconds)
        if ban is None:
            seat.unbanned = state
            return None
        return Halt(softened(for_banned(ban, seconds), seat.identity), "" if ban.of_network else key)

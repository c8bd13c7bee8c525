"""Token requests that come again in the same words, as a program asks for all of its tokens.

A grant to a client for itself is decided by the words of the request, the caller's address, the day, the client and its contract's
grant, and nothing else. So it holds for the same words while the rest is the same; only the token is made anew. What has to be looked
at each time is not decided here: the pace, and the epoch, which the transaction of the token's entry checks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from contracts.credentials.directory import Directory, KnownClient
from contracts.credentials.tokens import Plan
from contracts.ledger.stage import Entry

MOST = 4_096


@dataclass(frozen=True, slots=True)
class Standing:
    """A decision to give a client a token for itself, as of a day and an epoch.

    `body` is the answer without its token, `entry` the ledger's without its subject.
    """

    known: KnownClient
    day: date
    network: str
    plan: Plan
    body: Mapping[str, Any] = field(repr=False)
    entry: Entry


class Remembered:
    """The latest such decisions by words and address. Used in one event loop alone."""

    def __init__(self, directory: Directory, today: Callable[[], date], most: int = MOST) -> None:
        self._directory, self._today, self._most = directory, today, most
        self._standing: OrderedDict[tuple[bytes, str], Standing] = OrderedDict()

    def find(self, words: bytes, address: str) -> Standing | None:
        """The decision, where all that it was made by is as it was."""
        found = self._standing.get((words, address))
        if found is None:
            return None
        if self._directory.kept(found.known.facts.client_id) is not found.known or found.day != self._today():
            del self._standing[words, address]
            return None
        return found

    def keep(self, words: bytes, address: str, standing: Standing) -> None:
        """Remember a decision; not one by a secret that ends at a moment of its own."""
        if standing.known.facts.earlier_until is not None:
            return
        self._standing[words, address] = standing
        if len(self._standing) > self._most:
            self._standing.popitem(last=False)

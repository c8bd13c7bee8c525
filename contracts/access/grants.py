"""Grants in memory: compiled once, dropped when the epoch `grants` moves, looked at anew each second.

The second look is what finds a terms row that was edited in the database past every service: the seal no longer fits, the
contract is closed and an incident opened.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from contracts.access.decide import Decided
from contracts.clock import Clock
from contracts.datasets.catalogue import Dataset, Version, current_versions
from contracts.errors import Refusal
from contracts.incidents.service import is_open, open_incident
from contracts.keys import KeyRing
from contracts.sandbox.grant import compile_sandbox, versions_of
from contracts.sandbox.marks import is_sandbox
from contracts.store import epochs
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from contracts.terms.grant import Grant, compile_grant, still_holds

KEPT_SECONDS = 1.0
# Where fetches of the site are decided, a look at the seal each second would cost more than the deciding, and waiting for one would
# take longer: a job looks every ten seconds, and only what it has not looked at for a minute waits.
LOOK_SECONDS = 10.0
REMEMBERED_SECONDS = 60.0
# Between two looks of that job: each takes milliseconds of the interpreter, and what is asked meanwhile should wait for one at most.
PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Held:
    """A contract's grant, or why there is none, with its datasets' current versions, all as of one epoch `grants`.

    `decided` is what was decided of queries by this grant alone, for whoever asks the same while it is held.
    """

    grant: Grant | Refusal
    versions: Mapping[str, Version]
    epoch: int
    loaded_at: float
    decided: Decided = field(default_factory=dict, compare=False, repr=False)


class GrantCache:
    """Looks grants up by contract. Safe from any thread and loop; one load a contract at a time."""

    def __init__(self, store: Store, keys: KeyRing, clock: Clock, watch: EpochWatch, datasets: Sequence[Dataset] = ()) -> None:
        """`datasets` are those that sandboxes invent rows of; without any there is no sandbox."""
        self._datasets = tuple(datasets)
        self._store, self._keys, self._clock, self._watch = store, keys, clock, watch
        self._held: dict[str, Held] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._remembered: set[str] = set()

    async def get(self, contract_id: str) -> Grant | Refusal:
        """The grant, or `not_found`, `contract_not_active` or `seal_broken`. Dates and networks are the grant's own to check."""
        return (await self.held(contract_id)).grant

    def remembered(self, contract_id: str) -> Grant | Refusal | None:
        """The grant from memory alone, of the present epoch and looked at within a minute; None where the store has to be asked."""
        self._remembered.add(contract_id)
        held = self._within(contract_id, REMEMBERED_SECONDS)
        return None if held is None else held.grant

    def look_again(self) -> None:
        """Look at the seals of the contracts that were remembered since the last call, where that is ten seconds ago. For a job."""
        used, self._remembered = self._remembered, set()
        due = [contract_id for contract_id in used if self._within(contract_id, LOOK_SECONDS) is None]
        for contract_id in due:
            self._looked_at(contract_id)
            time.sleep(min(PAUSE_SECONDS, LOOK_SECONDS / 2 / len(due)))

    async def looked_at(self, contract_id: str) -> Grant | Refusal:
        """The grant of the present epoch, its seal looked at now. May wait, in a thread.

        Every change of a credential moves the epoch, so those of a grant that memory has are not read again.
        """
        return await asyncio.to_thread(self._looked_at, contract_id)

    async def held(self, contract_id: str) -> Held:
        """The grant with the epoch that it holds for; loads in a thread where memory does not have it."""
        known = self._fresh(contract_id)
        return known if known is not None else await asyncio.to_thread(self.held_now, contract_id)

    def held_now(self, contract_id: str) -> Held:
        """As `held`, in the calling thread, which may wait for the store."""
        with self._locks.setdefault(contract_id, threading.Lock()):
            known = self._fresh(contract_id)
            if known is not None:
                return known
            held = self._load(contract_id)
            self._held[contract_id] = held
        if isinstance(held.grant, Refusal) and held.grant.code == "seal_broken":
            self._report(contract_id, held.grant)
        return held

    def _looked_at(self, contract_id: str) -> Grant | Refusal:
        with self._locks.setdefault(contract_id, threading.Lock()):
            known, started = self._within(contract_id, float("inf")), time.monotonic()
            if known is not None and isinstance(known.grant, Grant) and not known.grant.sandbox:
                if self._fresh(contract_id) is not None:
                    return known.grant
                with self._store.read() as session:
                    if still_holds(self._keys, session, known.grant):
                        self._held[contract_id] = replace(known, loaded_at=started)
                        return known.grant
        return self.held_now(contract_id).grant

    def forget(self, contract_id: str) -> None:
        """Drop a contract's grant, so that the next look is at the store."""
        self._held.pop(contract_id, None)

    def _fresh(self, contract_id: str) -> Held | None:
        return self._within(contract_id, KEPT_SECONDS)

    def _within(self, contract_id: str, seconds: float) -> Held | None:
        held = self._held.get(contract_id)
        if held is None or held.epoch < self._watch.epochs.grants or time.monotonic() - held.loaded_at > seconds:
            return None
        return held

    def _load(self, contract_id: str) -> Held:
        started = time.monotonic()
        with self._store.read() as session:
            # The epoch first: a change after it makes this grant look older than it is, never newer.
            epoch = epochs.current(session.connection()).grants
            if is_sandbox(contract_id):
                return Held(compile_sandbox(session, self._datasets, contract_id), versions_of(self._datasets), epoch, started)
            grant = compile_grant(self._keys, session, contract_id)
            named = [] if isinstance(grant, Refusal) else [each.dataset for each in grant.terms.datasets]
            versions = current_versions(session.connection(), named)
        return Held(grant, MappingProxyType(versions), epoch, started)

    def _report(self, contract_id: str, refusal: Refusal) -> None:
        with self._store.read() as session:
            if is_open(session, "seal_broken", contract_id):
                return
        with self._store.write("incident") as unit:
            # Whatever else was kept of the contract, here or elsewhere, holds until an epoch moves; an edit in the database moves none.
            epochs.bump(unit, "grants")
            open_incident(unit, "seal_broken", "A contract's terms do not fit its seal", dict(refusal.facts), contract_id)

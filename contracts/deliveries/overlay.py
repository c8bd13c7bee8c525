"""Erased records in memory, kept as of one epoch `erasures`."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

from contracts.deliveries.ordinals import Ordinals
from contracts.deliveries.queries import erased_of
from contracts.store import epochs
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store


@dataclass(frozen=True, slots=True)
class Erased:
    """Every record of a dataset that was erased, as of one epoch."""

    ordinals: Ordinals
    epoch: int


class ErasureOverlay:
    """Looks erased records up by dataset; loaded again when the epoch has moved."""

    def __init__(self, store: Store, watch: EpochWatch) -> None:
        self._store, self._watch = store, watch
        self._erased: dict[str, Erased] = {}
        self._lock = threading.Lock()

    async def of(self, dataset: str) -> Erased:
        """The erased records with the epoch that they hold for."""
        known = self._fresh(dataset)
        return known if known is not None else await asyncio.to_thread(self.of_now, dataset)

    def of_now(self, dataset: str) -> Erased:
        """As `of`, in the calling thread."""
        with self._lock:
            known = self._fresh(dataset)
            if known is None:
                known = self._load(dataset)
                self._erased[dataset] = known
            return known

    def _fresh(self, dataset: str) -> Erased | None:
        known = self._erased.get(dataset)
        return None if known is None or known.epoch < self._watch.epochs.erasures else known

    def _load(self, dataset: str) -> Erased:
        with self._store.read() as session:
            # The epoch first, so that these records are never taken for newer than they are.
            epoch = epochs.current(session.connection()).erasures
            return Erased(erased_of(session, dataset), epoch)

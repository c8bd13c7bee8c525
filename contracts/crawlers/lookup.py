"""Which contract a crawler's key stands for: every proved key in memory, read anew when the epoch `grants` moves."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import col, select

from contracts.crawlers.tables import CrawlerKey
from contracts.store import epochs
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store


@dataclass(frozen=True, slots=True)
class Crawler:
    """A proved key. `x` is its public part, `directory_url` where it was found, empty for one given by value."""

    id: str
    contract_id: str
    x: str
    directory_url: str


class CrawlerKeys:
    """Finds crawlers by the thumbprint that a signature names as `keyid`. One a process, safe from any thread."""

    def __init__(self, store: Store, watch: EpochWatch) -> None:
        self._store, self._watch = store, watch
        self._lock = threading.Lock()
        self._known: tuple[Mapping[str, Crawler], int] = ({}, -1)

    def find(self, thumbprint: str) -> Crawler | None:
        """The crawler; None for a key that nobody proved. Only the first look after an epoch has moved reads the store.

        Whether its contract lets it fetch now is the grant's to say (`contracts.access.grants`).
        """
        known, _ = self._known if self._holds() else self._look()
        return known.get(thumbprint)

    def _holds(self) -> bool:
        return self._watch.fresh() and self._known[1] >= self._watch.epochs.grants

    def _look(self) -> tuple[Mapping[str, Crawler], int]:
        with self._lock:
            if not self._holds():
                self._known = self._read()
            return self._known

    def _read(self) -> tuple[Mapping[str, Crawler], int]:
        with self._store.read() as session:
            # The epoch first: what is read after it can only be newer.
            epoch = epochs.current(session.connection()).grants
            rows = session.exec(select(CrawlerKey).where(col(CrawlerKey.live_thumbprint).is_not(None))).all()
        return {row.thumbprint: Crawler(row.id, row.contract_id, row.x, row.directory_url) for row in rows}, epoch

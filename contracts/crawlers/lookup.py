"""Which contract a crawler's key stands for: every proved key in memory, read anew when the epoch `grants` moves."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from contracts.crawlers.decide import opened
from contracts.crawlers.identifiers import identifier
from contracts.crawlers.key_sets import PublishedKey, opened_jwk
from contracts.crawlers.tables import CrawlerDirectory, CrawlerKey
from contracts.store import epochs
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store


@dataclass(frozen=True, slots=True)
class Crawler:
    """A key that stands for a contract. `id` is the credential's; `directory_url` where the key was found, empty for one given by value."""

    id: str
    contract_id: str
    directory_url: str
    key: PublishedKey = field(compare=False)


# The key set that a request names, empty for keys given by value, and the thumbprint: a name alone says nothing.
Pair = tuple[str, str]


class CrawlerKeys:
    """Finds crawlers by the key set that a request names and the thumbprint that it gives as `keyid`. One a process, safe from any thread.

    A directory in which one contract alone proved keys is followed (`contracts.crawlers.follow`): what it publishes now counts, and a
    key that it no longer lists does not. Keys of a directory that two contracts share stand for themselves alone.
    """

    def __init__(self, store: Store, watch: EpochWatch) -> None:
        self._store, self._watch = store, watch
        self._lock = threading.Lock()
        self._known: tuple[Mapping[Pair, Crawler], int] = ({}, -1)

    def find(self, thumbprint: str, keys_at: str = "") -> Crawler | None:
        """The crawler whose key stands in the set named `keys_at`, or that was given by value; None for a key that nobody proved.

        Only the first look after an epoch has moved reads the store. Whether its contract lets it fetch now is the grant's to say
        (`contracts.access.grants`).
        """
        known, _ = self._known if self._holds() else self._look()
        return known.get((keys_at, thumbprint)) or known.get(("", thumbprint))

    async def found(self, thumbprint: str, keys_at: str) -> Crawler | None:
        """As `find`, in a loop, which never waits for the store."""
        return self.find(thumbprint, keys_at) if self._holds() else await asyncio.to_thread(self.find, thumbprint, keys_at)

    def _holds(self) -> bool:
        return self._watch.fresh() and self._known[1] >= self._watch.epochs.grants

    def _look(self) -> tuple[Mapping[Pair, Crawler], int]:
        with self._lock:
            if not self._holds():
                self._known = self._read()
            return self._known

    def _read(self) -> tuple[Mapping[Pair, Crawler], int]:
        with self._store.read() as session:
            # The epoch first: what is read after it can only be newer.
            epoch = epochs.current(session.connection()).grants
            return dict(_pairs(session)), epoch


def followed(rows: Sequence[CrawlerKey]) -> dict[str, list[CrawlerKey]]:
    """The directories that one contract alone proved keys of, by identifier, each with these keys, the newest last; `rows` are live."""
    by_set: dict[str, list[CrawlerKey]] = defaultdict(list)
    for row in sorted(rows, key=lambda each: each.id):
        if row.directory_url:
            by_set[identifier(row.directory_url)].append(row)
    return {name: owned for name, owned in by_set.items() if name and len({each.contract_id for each in owned}) == 1}


def live(session: Session) -> list[CrawlerKey]:
    """Every key that is proved and not revoked."""
    return list(session.exec(select(CrawlerKey).where(col(CrawlerKey.live_thumbprint).is_not(None))).all())


def _pairs(session: Session) -> Iterator[tuple[Pair, Crawler]]:
    rows = live(session)
    sets = {each.id: each for each in session.exec(select(CrawlerDirectory)).all()}
    newest = {name: owned[-1] for name, owned in followed(rows).items() if _fetched(sets.get(name), owned[-1])}
    for row in rows:
        name = identifier(row.directory_url) if row.directory_url else ""
        if name not in newest:
            yield (name, row.thumbprint), Crawler(row.id, row.contract_id, row.directory_url, PublishedKey(row.thumbprint, opened(row.x)))
    if newest:
        own = {each.thumbprint: each for each in rows}
        ended = set(session.exec(select(CrawlerKey.thumbprint).where(col(CrawlerKey.revoked_at).is_not(None))).all()) - own.keys()
        for name, row in newest.items():
            yield from _of_set(name, sets[name], row, own, ended)


def _fetched(known: CrawlerDirectory | None, row: CrawlerKey) -> bool:
    return known is not None and known.contract_id == row.contract_id and known.fetched_at is not None


def _of_set(
    name: str, known: CrawlerDirectory, newest: CrawlerKey, own: Mapping[str, CrawlerKey], ended: set[str]
) -> Iterator[tuple[Pair, Crawler]]:
    """What a directory publishes, without keys that were revoked here or that stand for another contract."""
    for jwk in known.keys.values():
        key = opened_jwk(jwk)
        if key is None or key.thumbprint in ended:
            continue
        row = own.get(key.thumbprint, newest)
        if row.contract_id == newest.contract_id:
            yield (name, key.thumbprint), Crawler(row.id, row.contract_id, newest.directory_url, key)

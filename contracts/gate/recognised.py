"""Whom the gate recognises beside holders of tokens, put together from the settings."""

from __future__ import annotations

from contracts.clock import Clock
from contracts.crawlers.lookup import CrawlerKeys
from contracts.gate.account import Accounts
from contracts.gate.identity import Verifier
from contracts.gate.reverse_names import Dns, ReverseNames
from contracts.gate.search_crawlers import SearchCrawlers
from contracts.gate.signatures.nonces import nonces_of
from contracts.gate.signatures.verifier import Signatures
from contracts.keys import KeyRing, Purpose
from contracts.settings import Settings
from contracts.store.epochs import EpochWatch
from contracts.store.jobs import Job
from contracts.store.unit import Store

RANGES_SECONDS = 60.0


class Recognised:
    """Crawlers that sign, search engines' crawlers and people signed in at the site, in the order in which they are looked for."""

    def __init__(self, store: Store, watch: EpochWatch, keys: KeyRing, settings: Settings, clock: Clock) -> None:
        gate = settings.gate
        domains = tuple(sorted({each for known in gate.search_crawlers.values() for each in known.domains}))
        self._search = SearchCrawlers(gate.search_crawlers, settings.home, ReverseNames(Dns(domains, gate.resolver or "")))
        self.verifiers: tuple[Verifier, ...] = (
            Signatures(CrawlerKeys(store, watch), nonces_of(settings.shared, clock.now)),
            self._search,
            Accounts(gate.accounts, keys.derived(Purpose.ACCOUNT)),
        )

    def jobs(self) -> list[Job]:
        """What keeps it up to date."""
        return [Job("gate-ranges", RANGES_SECONDS, self._search.refresh)]

    def close(self) -> None:
        """Ask nothing more of others."""
        self._search.close()

"""Parts for tests of the gate: real tokens and sealed-looking grants without the way through application and contract."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from contracts.clock import Clock
from contracts.credentials.tokens import ClientFacts, Tokens
from contracts.errors import Refusal
from contracts.gate.decide import Decision
from contracts.gate.facts import Facts
from contracts.gate.recognised import Recognised
from contracts.gate.service import Gate
from contracts.gate.settings import Gate as GateSettings
from contracts.keys import KeyRing
from contracts.settings import Platform, Settings
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from contracts.terms.grant import Grant
from contracts.terms.model import CrawlTerms, DatasetTerms, Terms
from tests.harness.tokens import issued

SITE = "http://127.0.0.1:8401"
PORTAL = "http://127.0.0.1:8400"

CRAWL = CrawlTerms(hosts=("127.0.0.1",), paths=("/posts/",), requests_per_second=5)
TERMS = Terms(
    datasets=(DatasetTerms(dataset="posts", fields=("id",)),),
    purposes=("research",),
    requests_per_second=5,
    records_per_day=1000,
    crawl=CRAWL,
    starts=date(2026, 11, 1),
    ends=date(2027, 10, 31),
    retention_days=30,
)
GRANT = Grant("ctr_1", 1, 3, "org_1", "ab" * 32, "active", TERMS, {"cli_1": frozenset({"site:fetch"})})
CLIENT = ClientFacts("cli_1", "ctr_1", "org_1", "site", frozenset({"site:fetch"}))
API_CLIENT = ClientFacts("cli_2", "ctr_1", "org_1", "api", frozenset({"records:read"}))


@dataclass
class FixedGrants:
    """A grant cache that knows what it is given; an error among it is raised, as by a store that cannot be read.

    While it hangs, a look at the store never comes to an end.
    """

    known: dict[str, Grant | Refusal | Exception] = field(default_factory=lambda: {"ctr_1": GRANT})
    hanging: bool = False

    def remembered(self, contract_id: str) -> Grant | Refusal | None:
        found = self.known.get(contract_id)
        return None if self.hanging or isinstance(found, Exception) else found

    def look_again(self) -> None:
        """Nothing of it has a seal."""

    async def looked_at(self, contract_id: str) -> Grant | Refusal:
        if self.hanging:
            await asyncio.Event().wait()
        found = self.known.get(contract_id, Refusal("not_found", "There is no such contract."))
        if isinstance(found, Exception):
            raise found
        return found


@dataclass
class GateParts:
    """A gate with everything that it stands on."""

    gate: Gate
    store: Store
    watch: EpochWatch
    tokens: Tokens
    grants: FixedGrants
    settings: Settings

    def decide(self, facts: Facts) -> Decision:
        """The gate's decision, waited for."""
        return asyncio.run(self.gate.decide(facts))

    def token(self, client: ClientFacts = CLIENT) -> str:
        """A fresh token of a client, with all its scopes."""
        return issued(self.tokens, self.store, client).token

    def crawl(self, **changes: object) -> None:
        """Change the crawl terms of the one contract."""
        terms = TERMS.model_copy(update={"crawl": CRAWL.model_copy(update=changes)})
        self.grants.known["ctr_1"] = replace(GRANT, terms=terms)


def gate_settings(home: Path, mode: str = "enforce", budget: int = 5, site: str = SITE, portal: str = PORTAL) -> Settings:
    """Settings of a test installation whose gate has a small budget."""
    gate = GateSettings.model_validate({"mode": mode, "anonymous_budget": budget})
    return Settings(profile="test", home=home, base_url=portal, platform=Platform(site=site), gate=gate)


def gate_over(store: Store, clock: Clock, settings: Settings, *, recognising: bool = False) -> GateParts:
    """A gate over a store; its epochs are read once and must be polled by the test. `recognising`: not only tokens."""
    watch, grants, keys = EpochWatch(store), FixedGrants(), KeyRing(b"k" * 32)
    tokens = Tokens(keys, store, clock, settings.base_url, settings.platform.site)
    tokens.prepare()
    watch.poll()
    recognised = Recognised(store, watch, keys, settings, clock) if recognising else None
    gate = Gate(store, watch, tokens, grants, settings, clock, keys, recognised)
    gate.deadline_seconds = 60.0  # how long a look-up takes says how busy the machine is; tests of the deadline set their own
    return GateParts(gate, store, watch, tokens, grants, settings)

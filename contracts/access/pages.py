"""Pages as a contract sees them: the plan of what was allowed, the engine that reads it, and what has to be there before."""

from __future__ import annotations

from contracts.access.decide import Allowed
from contracts.access.formats import CHUNK
from contracts.access.query import Sampled
from contracts.access.withheld import WithheldCounts
from contracts.datasets import pseudonyms
from contracts.datasets.catalogue import Catalogue, Version
from contracts.datasets.coarse import Span
from contracts.datasets.engines.chosen import ChosenEngines
from contracts.datasets.plan import Engine, Mark, Page, Plan
from contracts.datasets.samples import Sample, sample_of
from contracts.datasets.shuffle import Shuffle, shuffle_of
from contracts.deliveries.ordinals import Ordinals
from contracts.deliveries.overlay import Erased
from contracts.keys import KeyRing
from contracts.sandbox.engine import SandboxEngine
from contracts.settings import Settings
from contracts.store.unit import Store
from contracts.terms.grant import Grant


class Pages:
    """Reads pages of real records, and of invented ones for sandboxes. Safe for threads; call it in one."""

    def __init__(self, store: Store, settings: Settings, keys: KeyRing, catalogue: Catalogue) -> None:
        self._store, self._settings, self._keys = store, settings, keys
        self._engines = ChosenEngines(settings)
        self._real, self._invented = _Rows(self._engines), _Rows(SandboxEngine(catalogue.all()))
        self._contract_keys: dict[str, bytes] = {}
        self._built: set[tuple[str, ...]] = set()

    def page_of(self, allowed: Allowed, grant: Grant, version: Version, erased: Erased, mark: Mark | None, limit: int) -> Page:
        """A page as its contract sees it, after a mark. Nothing of it may leave before its delivery is committed."""
        plan = Plan(
            dataset=allowed.dataset.id,
            version=version.version,
            contract_id=grant.contract_id,
            columns=allowed.columns,
            tests=allowed.tests,
            limit=min(limit, CHUNK),
            pseudonyms=allowed.pseudonyms,
            after=mark,
            excluded=Ordinals() if grant.sandbox else erased.ordinals,
            sample=None if allowed.sample is None else self._sample(allowed.sample, grant),
            shuffle=self._shuffle(allowed.order, grant),
        )
        if not grant.sandbox:
            self._ensure_pseudonyms(plan, allowed)
        return self._rows(grant).engine.page(plan)

    def withheld(self, allowed: Allowed, grant: Grant, version: Version) -> bytes:
        """What the contract does not see of the version, as its answers tell it."""
        return self._rows(grant).withheld.of(allowed, grant, version)

    def close(self) -> None:
        """Close what is open of databases."""
        self._engines.close()

    def _rows(self, grant: Grant) -> _Rows:
        return self._invented if grant.sandbox else self._real

    def _sample(self, asked: Sampled, grant: Grant) -> Sample:
        return sample_of(asked.millionths, asked.seed, self._key(grant))

    def _shuffle(self, order: Span | None, grant: Grant) -> Shuffle | None:
        return None if order is None else shuffle_of(order, self._key(grant))

    def _key(self, grant: Grant) -> bytes:
        """The contract's key; a sandbox's is no secret, as nothing real stands behind it."""
        key = self._contract_keys.get(grant.contract_id)
        if key is None:
            key = grant.contract_id.encode() if grant.sandbox else pseudonyms.key_of(self._store, self._keys, grant.contract_id)
            self._contract_keys[grant.contract_id] = key
        return key

    def _ensure_pseudonyms(self, plan: Plan, allowed: Allowed) -> None:
        """Build a table that activation or refresh has not built yet; looked for once a contract and version."""
        known = (plan.contract_id, plan.dataset, plan.version, *plan.pseudonyms)
        if plan.pseudonyms and known not in self._built:
            home = self._settings.home
            pseudonyms.ensure(self._store, self._keys, home, allowed.dataset, allowed.terms, plan.version, plan.contract_id)
            self._built.add(known)


class _Rows:
    """An engine and what is counted with it."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.withheld = engine, WithheldCounts(engine)

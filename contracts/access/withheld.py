"""What a contract does not see of a dataset's version: rules, fields and counts. Never computed for a query's filter."""

from __future__ import annotations

import orjson

from contracts.access.decide import Allowed
from contracts.datasets.catalogue import Dataset, Version
from contracts.datasets.plan import Engine, Withheld
from contracts.terms.grant import Grant
from contracts.terms.model import DatasetTerms

FLOOR = 10
_MOST = 4_096


class WithheldCounts:
    """Counts by contract and version, kept as the JSON that answers carry."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[tuple[str, int, str, str, str], bytes] = {}

    def of(self, allowed: Allowed, grant: Grant, version: Version) -> bytes:
        """The member `withheld` of an answer: `{"rows": {rule: count}, "fields": [name]}`; counts under ten are "<10".

        Where fields of the contract are generalised, `generalised` has the grain of each.
        """
        key = (grant.contract_id, grant.version, grant.terms_sha256, version.dataset, version.version)
        known = self._known.get(key)
        if known is None:
            counts = self._engine.withheld(version.dataset, version.version, allowed.contract_tests, version.records)
            fields = [name for name in allowed.dataset.fields if name not in allowed.terms.fields]
            known = to_json(counts, fields, grains_of(allowed.dataset, allowed.terms))
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = known
        return known


def grains_of(dataset: Dataset, terms: DatasetTerms) -> dict[str, str]:
    """The contract's fields that are generalised, each with its grain."""
    told = {name: dataset.coarse(name, terms) for name in dataset.fields if name in terms.fields}
    return {name: coarse.grain for name, coarse in told.items() if coarse is not None}


def to_json(counts: Withheld, fields: list[str], grains: dict[str, str] | None = None) -> bytes:
    """Counts as an answer tells them. Nought is told as 0: that nothing is withheld says nothing about anyone."""
    rows = {name: getattr(counts, name) for name in ("outside_contract", "deleted", "objecting")}
    told = {name: count if count >= FLOOR or count == 0 else f"<{FLOOR}" for name, count in rows.items()}
    return orjson.dumps({"rows": told, "fields": fields, **({"generalised": grains} if grains else {})})

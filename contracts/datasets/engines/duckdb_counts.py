"""Counts records with DuckDB, for estimates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from contracts.datasets.engines.deadline import FOREVER
from contracts.datasets.engines.duckdb import MEMORY, DuckEngine
from contracts.datasets.plan import Condition
from contracts.deliveries.ordinals import Ordinals


class DuckCounts:
    """Counts in version files, through an engine of its own, so that long counts hold up no page."""

    def __init__(self, home: Path, seconds: float = FOREVER, memory: str = MEMORY) -> None:
        self._engine = DuckEngine(home, seconds, memory)

    def of(self, dataset: str, version: str, tests: Sequence[Condition], excluded: Ordinals) -> int:
        """How many records meet every test, none of them on a pseudonym, and are not excluded."""

        def query(records: str, where: str) -> str:
            return f"SELECT count(*) FROM {records} r WHERE {where} AND r._ord NOT IN (SELECT unnest(?::UINTEGER[]))"

        return int(self._engine.select(dataset, version, tests, query, ((), [list(excluded)]))[0][0])

"""Every dataset's engine, as the settings name it."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.datasets.engines.duckdb import DuckEngine
from contracts.datasets.engines.duckdb_counts import DuckCounts
from contracts.datasets.engines.inplace import InPlaceEngine
from contracts.datasets.engines.lines import LinePages
from contracts.datasets.engines.postgresql import PostgresEngine
from contracts.datasets.plan import Condition, Engine, Page, Plan, Test, Withheld
from contracts.deliveries.ordinals import Ordinals
from contracts.settings import Settings

_KINDS = {"postgresql": PostgresEngine, "sqlalchemy": InPlaceEngine}


def in_place(settings: Settings, *, pooled: bool = False) -> dict[str, InPlaceEngine]:
    """The engines of datasets that are read where they lie. Those that are not `pooled` need not be closed."""
    return {
        name: _KINDS[described.engine](settings.home, name, described, settings.statement_seconds, pooled=pooled)
        for name, described in settings.datasets.items()
        if described.engine in _KINDS
    }


class ChosenEngines:
    """Hands each plan to the engine of its dataset; an engine itself. A dataset that no setting names has versions of files at most."""

    def __init__(self, settings: Settings) -> None:
        self._lines = LinePages(settings.home)
        self._files = DuckEngine(settings.home, settings.statement_seconds, settings.engine_memory)
        self._placed = in_place(settings, pooled=True)

    def page(self, plan: Plan) -> Page:
        """The page, from the dataset's engine; of a version of files from its lines, where they can answer."""
        placed = self._placed.get(plan.dataset)
        return placed.page(plan) if placed is not None else self._lines.page(plan) or self._files.page(plan)

    def withheld(self, dataset: str, version: str, tests: Sequence[Test], records: int) -> Withheld:
        """The counts, from the dataset's engine."""
        return self._of(dataset).withheld(dataset, version, tests, records)

    def _of(self, dataset: str) -> Engine:
        return self._placed.get(dataset) or self._files

    def close(self) -> None:
        """Close the connections to databases that datasets lie in."""
        for engine in self._placed.values():
            engine.close()


class ChosenCounts:
    """Counts records, through engines of its own, so that long counts hold up no page."""

    def __init__(self, settings: Settings) -> None:
        self._files = DuckCounts(settings.home, settings.statement_seconds, settings.engine_memory)
        self._placed = in_place(settings)

    def of(self, dataset: str, version: str, tests: Sequence[Condition], excluded: Ordinals) -> int:
        """How many records meet every test, none of them on a pseudonym, and are not excluded."""
        placed = self._placed.get(dataset)
        return self._files.of(dataset, version, tests, excluded) if placed is None else placed.count(version, tests, excluded)

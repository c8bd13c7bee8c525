"""Every dataset's engine, as the settings name it."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.datasets.engines.duckdb import DuckEngine
from contracts.datasets.engines.inplace import InPlaceEngine
from contracts.datasets.engines.postgresql import PostgresEngine
from contracts.datasets.plan import Engine, Page, Plan, Test, Withheld
from contracts.settings import Settings


class ChosenEngines:
    """Hands each plan to the engine of its dataset; an engine itself. A dataset that no setting names has versions of files at most."""

    def __init__(self, settings: Settings) -> None:
        self._files = DuckEngine(settings.home, settings.statement_seconds)
        kinds = {"postgresql": PostgresEngine, "sqlalchemy": InPlaceEngine}
        self._placed: dict[str, InPlaceEngine] = {
            name: kinds[described.engine](settings.home, name, described, settings.statement_seconds)
            for name, described in settings.datasets.items()
            if described.engine in kinds
        }

    def page(self, plan: Plan) -> Page:
        """The page, from the dataset's engine."""
        return self._of(plan.dataset).page(plan)

    def withheld(self, dataset: str, version: str, tests: Sequence[Test], records: int) -> Withheld:
        """The counts, from the dataset's engine."""
        return self._of(dataset).withheld(dataset, version, tests, records)

    def _of(self, dataset: str) -> Engine:
        return self._placed.get(dataset) or self._files

    def close(self) -> None:
        """Close the connections to databases that datasets lie in."""
        for engine in self._placed.values():
            engine.close()

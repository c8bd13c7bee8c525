"""What counts the cells of each dataset: versions of files, a table where it lies, or the invented rows of sandboxes."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.aggregates.plan import Cell, CellEngine, CellPlan
from contracts.datasets.catalogue import Catalogue
from contracts.datasets.engines.chosen import in_place
from contracts.datasets.engines.duckdb_cells import DuckCells
from contracts.datasets.engines.inplace_cells import InPlaceCells
from contracts.sandbox.cells import SandboxCells
from contracts.settings import Settings

_KEPT = 64


class ChosenCells:
    """Hands each table to the engine of its dataset. A table of files is counted once, for it is the same however often it is asked for."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self._files = DuckCells(settings.home, settings.statement_seconds, settings.engine_memory)
        self._placed: dict[str, CellEngine] = {name: InPlaceCells(engine) for name, engine in in_place(settings).items()}
        self._invented = SandboxCells(catalogue.all())
        self._tables: dict[object, Sequence[Cell]] = {}

    def cells(self, plan: CellPlan, erasures: int, *, sandbox: bool) -> Sequence[Cell]:
        """The cells, from the dataset's engine, or of the sandbox; `erasures` is the epoch that the plan's exclusions hold for."""
        if sandbox:
            return self._invented.cells(plan)
        placed = self._placed.get(plan.dataset)
        return self._of_files(plan, erasures) if placed is None else placed.cells(plan)

    def _of_files(self, plan: CellPlan, erasures: int) -> Sequence[Cell]:
        known = (plan.dataset, plan.version, plan.by, plan.sums, plan.tests, erasures)
        cells = self._tables.get(known)
        if cells is None:
            cells = self._files.cells(plan)
            if len(self._tables) >= _KEPT:
                self._tables.pop(next(iter(self._tables)))
            self._tables[known] = cells
        return cells

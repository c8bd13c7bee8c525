"""Counts invented rows, one by one, by the rules that every engine of counts keeps. There is nobody whom a digest could tell apart."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import combinations

from contracts.aggregates.plan import At, Axes, Cell, CellPlan, Clamped, Measure
from contracts.datasets.catalogue import Dataset
from contracts.sandbox.engine import SandboxEngine
from contracts.sandbox.rows import Row


class SandboxCells:
    """The cells of a sandbox. Thread-safe, as its rows never change."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self._engine = SandboxEngine(datasets)

    def cells(self, plan: CellPlan) -> Sequence[Cell]:
        """The cells of every table that have rows; `dataset_unavailable` where the version is not the sandbox's."""
        tables: dict[tuple[Axes, At], list[Row]] = defaultdict(list)
        width = range(len(plan.by))
        for row in self._engine.matching(plan.dataset, plan.version, plan.tests):
            at = [each.of(row.values[each.column.name]) for each in plan.by]
            for axes in (axes for size in range(len(at) + 1) for axes in combinations(width, size)):
                tables[axes, tuple(at[place] for place in axes)].append(row)
        return [_cell(axes, at, rows, plan) for (axes, at), rows in tables.items()]


def _cell(axes: Axes, at: At, rows: Sequence[Row], plan: CellPlan) -> Cell:
    whom = [row.values[plan.subject] for row in rows]
    sums = tuple(_measure(rows, plan.subject, [_clamped(row, each) for row in rows]) for each in plan.sums)
    return Cell(axes, at, _measure(rows, plan.subject, [1] * len(rows)), _digest(whom), sums)


def _clamped(row: Row, each: Clamped) -> float:
    value = row.values[each.column.name]
    return min(max(value, each.least), each.most) if isinstance(value, int | float) else 0


def _measure(rows: Sequence[Row], subject: str, values: Sequence[float]) -> Measure:
    people: dict[Hashable, float] = defaultdict(float)
    for row, value in zip(rows, values, strict=True):
        people[row.values[subject]] += value
    first, second = sorted([0.0, 0.0, *map(abs, people.values())])[:-3:-1]
    total = sum(map(abs, people.values()))
    return Measure(len(people), len(rows), sum(values), total, first, second, _digest([row.ordinal for row in rows]))


def _digest(values: Iterable[Hashable]) -> str:
    return hashlib.sha256("\0".join(sorted(set(map(str, values)))).encode()).hexdigest()[:32]

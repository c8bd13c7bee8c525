"""What an engine is asked for aggregates and what it answers: exact cells, which never leave before `hide` and `blur`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from contracts.aggregates.buckets import Bucketed
from contracts.datasets.plan import Column, Condition
from contracts.deliveries.ordinals import Ordinals

At = tuple[str, ...]
Axes = tuple[int, ...]

# Of a table and every coarser one together.
MOST_CELLS = 30_000


@dataclass(frozen=True, slots=True)
class Clamped:
    """A number that is summed, each value moved to the nearer bound where it lies outside."""

    column: Column
    least: int | float
    most: int | float


@dataclass(frozen=True, slots=True)
class CellPlan:
    """One table with every coarser one: the cells of all rows that meet every test, by each selection of the fields."""

    dataset: str
    version: str
    subject: str
    by: tuple[Bucketed, ...]
    sums: tuple[Clamped, ...]
    tests: tuple[Condition, ...]
    excluded: Ordinals = field(default_factory=Ordinals)


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a cell with what decides whether it may be told.

    `people` are those who contribute, `total` what they contribute without its sign, `first` and `second` what the two largest
    contributors do. `value` is the number itself, `records` how many records it is of, `digest` tells one set of them from another.
    """

    people: int
    records: int
    value: float
    total: float
    first: float
    second: float
    digest: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination of buckets: its records, which people they are of, and the sums in the plan's order.

    `axes` are the places in the plan of the fields that its table goes by, `at` the buckets in them.
    """

    axes: Axes
    at: At
    records: Measure
    who: str
    sums: tuple[Measure, ...]


class CellEngine(Protocol):
    """Counts exactly. Thread-safe; called from worker threads."""

    def cells(self, plan: CellPlan) -> Sequence[Cell]:
        """The cells of every table that have records, at most `MOST_CELLS` and one more.

        Raises `dataset_unavailable` where the version cannot be read.
        """
        ...

"""What an engine is asked and what it answers. A plan is already narrowed to the contract; an engine widens nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from contracts.datasets.values import Value
from contracts.deliveries.ordinals import Ordinals

Op = Literal["eq", "in", "gte", "gt", "lte", "lt"]


@dataclass(frozen=True, slots=True)
class Column:
    """One field of the answer, in the type of the settings, or as the contract's pseudonym."""

    name: str
    type: str
    pseudonym: bool = False


@dataclass(frozen=True, slots=True)
class Test:
    """One condition that every row of the answer meets. `in` has a tuple of values, every other operator one."""

    __test__ = False  # tells pytest that this is no test

    column: Column
    op: Op
    value: Value | tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """The last row of a page: its place in a version, and time and ordinal, which hold in every version."""

    version: str
    pos: int
    time: int
    ordinal: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One page: the columns of rows that meet every test, after a mark, in order of time and ordinal."""

    dataset: str
    version: str
    contract_id: str
    columns: tuple[Column, ...]
    tests: tuple[Test, ...]
    limit: int
    pseudonyms: tuple[str, ...] = ()
    after: Mark | None = None
    excluded: Ordinals = field(default_factory=Ordinals)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as JSON objects, each with its ordinal and mark; `more` where further rows follow."""

    rows: Sequence[str]
    ordinals: Sequence[int]
    marks: Sequence[tuple[int, int]]
    version: str
    more: bool

    def mark(self, count: int) -> Mark:
        """The mark after the first `count` rows, at least one."""
        pos, time = self.marks[count - 1]
        return Mark(self.version, pos, time, self.ordinals[count - 1])


@dataclass(frozen=True, slots=True)
class Withheld:
    """How many rows of a version a contract does not see, and why. Counts of the version, never of a query."""

    outside_contract: int
    deleted: int
    objecting: int


class Engine(Protocol):
    """Reads versions. Thread-safe; called from worker threads."""

    def page(self, plan: Plan) -> Page:
        """The page; raises `dataset_unavailable` where the version cannot be read."""
        ...

    def withheld(self, dataset: str, version: str, tests: Sequence[Test], records: int) -> Withheld:
        """What a contract with these tests does not see of a version with so many records."""
        ...

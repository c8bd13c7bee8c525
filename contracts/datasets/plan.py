"""What an engine is asked and what it answers. A plan is already narrowed to the contract; an engine widens nothing."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar, Union

from contracts.datasets.coarse import Coarse
from contracts.datasets.samples import Sample
from contracts.datasets.shuffle import Shuffle
from contracts.datasets.values import Value
from contracts.deliveries.ordinals import Ordinals

Op = Literal["eq", "in", "gte", "gt", "lte", "lt", "prefix", "contains"]
L = TypeVar("L")
M = TypeVar("M")

_RULES: dict[Op, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "in": lambda value, bound: value in bound,
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
    "prefix": lambda value, bound: value.startswith(bound),
    "contains": operator.contains,
}


@dataclass(frozen=True, slots=True)
class Column:
    """One field of the answer, in the type of the settings, as the contract's pseudonym, or generalised and in the type of that."""

    name: str
    type: str
    pseudonym: bool = False
    coarse: Coarse | None = None

    def seen(self, value: Any) -> Any:
        """A value of the field as the contract sees it, where no pseudonym stands for it."""
        return value if self.coarse is None else self.coarse.of(value)


@dataclass(frozen=True, slots=True)
class Test:
    """One condition on one field. `in` has a tuple of values, every other operator one; a row without a value meets none."""

    __test__ = False  # tells pytest that this is no test

    column: Column
    op: Op
    value: Value | tuple[Value, ...]

    def met_by(self, value: Any) -> bool:
        """Whether a row with this value meets the condition: the rule that every engine keeps. None is no value."""
        bound: Any = self.value
        return value is not None and bool(_RULES[self.op](value, bound))


@dataclass(frozen=True, slots=True)
class All(Generic[L]):
    """Met by rows that meet every part."""

    parts: tuple[Tree[L], ...]


@dataclass(frozen=True, slots=True)
class AnyOf(Generic[L]):
    """Met by rows that meet at least one part."""

    parts: tuple[Tree[L], ...]


@dataclass(frozen=True, slots=True)
class Not(Generic[L]):
    """Met by exactly the rows that do not meet the part; so by those without a value where the part is one test."""

    part: Tree[L]


Tree: TypeAlias = Union[L, All[L], AnyOf[L], Not[L]]  # noqa: UP007 - a union of a type variable and strings has no other form
Condition: TypeAlias = Tree[Test]


def leaves(trees: Iterable[Tree[L]]) -> Iterator[L]:
    """What the trees are made of, from left to right: the order in which an engine binds values."""
    for tree in trees:
        match tree:
            case All(parts) | AnyOf(parts):
                yield from leaves(parts)
            case Not(part):
                yield from leaves((part,))
            case _:
                yield tree


def replaced(tree: Tree[L], by: Callable[[L], M]) -> Tree[M]:
    """The same tree of other leaves."""
    match tree:
        case All(parts):
            return All(tuple(replaced(part, by) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(replaced(part, by) for part in parts))
        case Not(part):
            return Not(replaced(part, by))
        case _:
            return by(tree)


@dataclass(frozen=True, slots=True)
class Mark:
    """The last row of a page: its place in a version, and time and ordinal, which hold in every version."""

    version: str
    pos: int
    time: int
    ordinal: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One page: the columns of rows that meet every one of `tests`, after a mark, in order of time and ordinal; of a sample alone where one is named.

    With a shuffle the order is the shuffle's, and so is the time of marks: when the row's day or month began.
    """

    dataset: str
    version: str
    contract_id: str
    columns: tuple[Column, ...]
    tests: tuple[Condition, ...]
    limit: int
    pseudonyms: tuple[str, ...] = ()
    after: Mark | None = None
    excluded: Ordinals = field(default_factory=Ordinals)
    sample: Sample | None = None
    shuffle: Shuffle | None = None


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

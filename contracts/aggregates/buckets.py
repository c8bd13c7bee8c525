"""Buckets: the fixed parts into which one field's values fall. Aggregates group and filter by nothing else."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date

from contracts.datasets.coarse import Coarse
from contracts.datasets.plan import Column
from contracts.errors import refuse
from contracts.sections import OTHER, Buckets

_LENGTHS = {"year": 4, "month": 7, "day": 10}
_MOMENTS = {"year": r"\d{4}", "month": r"\d{4}-(0[1-9]|1[0-2])", "day": r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"}


@dataclass(frozen=True, slots=True)
class Bucketed:
    """One field by its buckets, each with a name. Values that are missing, and texts that no bucket names, are in `other`."""

    column: Column
    values: tuple[str, ...] = ()
    edges: tuple[int | float, ...] = ()
    every: str = ""

    @property
    def ranges(self) -> tuple[str, ...]:
        """The names of a number's buckets, lowest first: each from its edge to below the next."""
        inner = [f"{low}..{high}" for low, high in zip(self.edges, self.edges[1:], strict=False)]
        return (f"..{self.edges[0]}", *inner, f"{self.edges[-1]}..")

    @property
    def names(self) -> tuple[str, ...]:
        """Every bucket's name; for times only `other`, because theirs are as many as there are months or days."""
        if self.edges:
            return (*self.ranges, OTHER)
        return (*(("true", "false") if self.column.type == "boolean" else self.values), OTHER)

    def of(self, value: object) -> str:
        """The name of the bucket that a value falls into."""
        value = self.column.seen(value)
        if value is None:
            return OTHER
        if self.every and isinstance(value, date):
            return f"{value:%Y-%m-%d}"[: _LENGTHS[self.every]]
        if self.edges and isinstance(value, int | float):
            return self.ranges[bisect_right(self.edges, value)]
        name = str(value).lower() if isinstance(value, bool) else str(value)
        return name if name in self.names else OTHER

    def has(self, name: str) -> bool:
        """Whether it is the name of a bucket, with records in it or without."""
        return name in self.names or bool(self.every and re.fullmatch(_MOMENTS[self.every], name))


def bucketed(name: str, kind: str, buckets: Buckets, coarse: Coarse | None = None) -> Bucketed:
    """A field's buckets as the settings have them, of its values or, where it is generalised, of what is told in their place.

    Raises `filter_not_possible` where a bucket would tell more than that. One that is as long as the grain, or longer, is the same of both.
    """
    if coarse is None or coarse.span is None:
        column = Column(name, kind if coarse is None else coarse.type, coarse=coarse)
        return Bucketed(column, tuple(buckets.values), tuple(buckets.edges), buckets.every)
    if coarse.grain == "month" and buckets.every == "day":
        raise refuse("filter_not_possible", f"The contract has {name} by month, and its buckets are days.", field=name)
    return Bucketed(Column(name, kind), every=buckets.every)

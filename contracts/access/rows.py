"""Whether conditions on rows can be met together: pure, by field. Finds requests that ask only for what a contract leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from contracts.datasets.plan import All, Condition, Test
from contracts.datasets.values import Value


def outside(contract: Sequence[Test], asked: Sequence[Condition]) -> str | None:
    """The first field whose conditions could be met, but not within the contract's rows; None where there is none.

    Conditions by pseudonym are left to the engine: only it knows the value behind one. So are those by a generalised value, which has
    many behind it, and what stands below an `or` or a `not`.
    """
    plain = [test for test in _certain(asked) if not test.column.pseudonym and test.column.coarse is None]
    for field in {test.column.name: None for test in plain}:
        of_field = [test for test in plain if test.column.name == field]
        bounds = [test for test in contract if test.column.name == field]
        if bounds and possible(of_field) and not possible([*bounds, *of_field]):
            return field
    return None


def possible(tests: Sequence[Test]) -> bool:
    """Whether some value of one field meets every test; may say yes where only gaps, or parts of a text, are left."""
    listed = [_values(test) for test in tests if test.op in ("eq", "in")]
    others = [test for test in tests if test.op not in ("eq", "in")]
    if listed:
        common = [value for value in listed[0] if all(value in values for values in listed[1:])]
        return any(all(test.met_by(value) for test in others) for value in common)
    lows = [test for test in others if test.op in ("gte", "gt")]
    highs = [test for test in others if test.op in ("lte", "lt")]
    return all(_overlap(low, high) for low in lows for high in highs)


def _certain(conditions: Sequence[Condition]) -> Iterator[Test]:
    """The tests that every row of an answer meets."""
    for each in conditions:
        if isinstance(each, Test):
            yield each
        elif isinstance(each, All):
            yield from _certain(each.parts)


def _values(test: Test) -> tuple[Value, ...]:
    return test.value if isinstance(test.value, tuple) else (test.value,)


def _overlap(low: Test, high: Test) -> bool:
    if low.op == "gte" and high.op == "lte":
        return bool(low.value <= high.value)  # type: ignore[operator]  # values of one field have one type, which has an order
    return bool(low.value < high.value)  # type: ignore[operator]  # as above

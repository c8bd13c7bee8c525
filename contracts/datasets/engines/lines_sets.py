"""Which places of a version's lines meet a condition: unions of the sets of values that meet it, and stretches of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from operator import and_

from contracts.datasets.engines.lines_file import Lines
from contracts.datasets.marks import to_mark
from contracts.datasets.plan import All, AnyOf, Condition, Not, Test
from contracts.datasets.shuffle import NO_TIME
from contracts.deliveries.ordinals import Ordinals

_REMEMBERED = 256_000_000

Meeting = Callable[[Condition], Ordinals | None]


def remembering(lines: Lines) -> Meeting:
    """`meeting` of a version, with the sets of the last conditions kept: 32 MB of them at most, but four of any version."""
    # A set takes a bit for each record at most.
    return lru_cache(maxsize=max(4, _REMEMBERED // max(1, lines.rows)))(lambda tree: meeting(lines, tree))


def meeting(lines: Lines, tree: Condition) -> Ordinals | None:
    """The places of records that meet a condition; None where it tests something else than times and fields of few values."""
    match tree:
        case All(parts):
            return together([meeting(lines, part) for part in parts], lines.rows)
        case AnyOf(parts):
            found = [meeting(lines, part) for part in parts]
            return Ordinals.union(Ordinals(), *(each or Ordinals() for each in found)) if None not in found else None
        case Not(part):
            met = meeting(lines, part)
            return None if met is None else everywhere(lines.rows) - met
        case Test():
            return _tested(lines, tree)


def together(sets: Sequence[Ordinals | None], rows: int) -> Ordinals | None:
    """The places that are in every set, of a version of so many; None where one is None."""
    known = [each for each in sets if each is not None]
    if len(known) < len(sets):
        return None
    return reduce(and_, sorted(known, key=len)) if known else everywhere(rows)


def everywhere(rows: int) -> Ordinals:
    """All places."""
    return Ordinals(range(rows))


def _tested(lines: Lines, test: Test) -> Ordinals | None:
    column = test.column
    if column.pseudonym or column.coarse is not None or lines.types.get(column.name) != column.type:
        return None
    if column.name == lines.time:
        return _timed(lines, test)
    values = lines.values(column.name)
    if values is None:
        return None
    met = [lines.having(start, size) for value, start, size in values if test.met_by(value)]
    return Ordinals.union(Ordinals(), *met)


def _timed(lines: Lines, test: Test) -> Ordinals:
    """Records without a time lie before all others, and meet no test."""
    first, found = lines.since(NO_TIME + 1), Ordinals()
    for value in test.value if isinstance(test.value, tuple) else (test.value,):
        moment = to_mark(value)
        low = first if test.op in ("lte", "lt") else lines.since(moment + (test.op == "gt"))
        high = lines.rows if test.op in ("gte", "gt") else lines.since(moment + (test.op != "lt"))
        found.add_range(max(first, low), high)
    return found

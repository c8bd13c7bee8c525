"""Counts the cells of a table that is read where it lies, in one statement, so that every number is of one moment.

First what each person adds to each cell, then each cell; nothing of it names a person. Digests are sums of numbers that arithmetic
makes of ordinals, because hashes are another in every database; a person's number is that of their first record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Double,
    Integer,
    Select,
    and_,
    case,
    cast,
    extract,
    func,
    null,
    or_,
    select,
    union_all,
)

from contracts.aggregates.buckets import Bucketed
from contracts.aggregates.plan import MOST_CELLS, Axes, Cell, CellPlan, Clamped, Measure
from contracts.datasets.engines.inplace import InPlaceEngine
from contracts.datasets.engines.inplace_coarse import value_of
from contracts.datasets.place import Place
from contracts.datasets.samples import mixed, sample_of
from contracts.sections import OTHER

_NUMBERS = tuple(sample_of(0, seed, b"licet/cells").numbers for seed in range(2))
_LARGEST = 1.7976931348623157e308
_OTHER = -1
# Of each measure: people, records, value, without its sign, the two largest contributions, and the digest in two parts.
_WIDTH = 8


class InPlaceCells:
    """Counts through an engine of its own, so that long counts hold up no page."""

    def __init__(self, engine: InPlaceEngine) -> None:
        self._engine = engine

    def cells(self, plan: CellPlan) -> Sequence[Cell]:
        """The cells of every table that have records, at most `MOST_CELLS` and one more."""
        place, found = self._engine.matching(plan.version, plan.tests, plan.excluded)
        person = _person(plan, place, found)
        places = range(len(plan.by))
        tables = [_table(person, axes, plan) for size in range(len(plan.by) + 1) for axes in combinations(places, size)]
        return [_cell(row, plan) for row in self._engine.answer(union_all(*tables).limit(MOST_CELLS + 1))]


def _person(plan: CellPlan, place: Place, found: Select[Any]) -> CTE:
    """What each person adds to each cell of the finest table."""
    ordinal = cast(place.ordinals.c["_ord"], BigInteger)
    buckets = [_bucket(value_of(place, each.column), each).label(f"d{at}") for at, each in enumerate(plan.by)]
    values = [_clamped(place.value(each.column.name), each).label(f"v{at}") for at, each in enumerate(plan.sums)]
    digests = [mixed(ordinal, numbers).label(f"h{part}") for part, numbers in enumerate(_NUMBERS)]
    who = place.value(plan.subject).label("w")
    base = found.with_only_columns(*buckets, who, ordinal.label("o"), *digests, *values).cte("base")
    first = select(base.c.w, func.min(base.c.o).label("p")).where(base.c.w.is_not(None)).group_by(base.c.w).cte("first")
    cells = [base.c[f"d{at}"] for at in range(len(buckets))]
    sums = [func.count().label("n"), *[func.sum(base.c[f"h{part}"]).label(f"h{part}") for part in range(2)]]
    for at in range(len(values)):
        value = base.c[f"v{at}"]
        sums += [func.sum(value).label(f"s{at}"), func.count(value).label(f"c{at}")]
        sums += [func.sum(case((value.is_not(None), base.c[f"h{part}"]))).label(f"h{part}_{at}") for part in range(2)]
    joined = base.outerjoin(first, first.c.w == base.c.w)
    return select(*cells, first.c.p, *sums).select_from(joined).group_by(*cells, first.c.p).cte("person")


def _table(person: CTE, axes: Axes, plan: CellPlan) -> Select[Any]:
    """One table out of what each person adds to the finest one's cells."""
    names = [f"d{at}" for at in axes]
    adding = [each for each in person.c if each.name not in ("p", *(f"d{at}" for at in range(len(plan.by))))]
    cells = [person.c[name] for name in names]
    people = select(*cells, person.c.p, *[func.sum(each).label(each.name) for each in adding]).group_by(*cells, person.c.p).subquery()
    measures = ["n", *(f"s{at}" for at in range(len(plan.sums)))]
    by = [people.c[name] for name in names]
    ranks = [
        func.row_number().over(partition_by=by, order_by=func.coalesce(func.abs(people.c[each]), -1).desc()).label(f"r_{each}")
        for each in measures
    ]
    ranked = select(*people.c, *ranks).subquery()
    shown = [ranked.c[f"d{at}"] if at in axes else cast(null(), Integer) for at in range(len(plan.by))]
    who = [func.sum(mixed(cast(ranked.c.p, BigInteger), numbers)) for numbers in _NUMBERS]
    told = [
        *_told(ranked, "n", "n", ""),
        *who,
        *[each for at in range(len(plan.sums)) for each in _told(ranked, f"s{at}", f"c{at}", f"_{at}")],
    ]
    table = select(*[each.label(f"t{place}") for place, each in enumerate([*shown, *told])])
    return table.group_by(*[ranked.c[name] for name in names]) if names else table.having(func.count() > 0)


def _told(ranked: Any, value: str, records: str, part: str) -> Iterator[ColumnElement[Any]]:
    """Records of nobody in particular are one contributor, and add no person."""
    each, count = ranked.c[value], ranked.c[records]
    yield func.sum(case((and_(ranked.c.p.is_not(None), count > 0), 1), else_=0))
    yield func.coalesce(func.sum(count), 0)
    for number in (each, func.abs(each)):
        yield cast(func.coalesce(func.sum(number), 0), Double)
    for place in (1, 2):
        yield cast(func.coalesce(func.max(case((ranked.c[f"r_{value}"] == place, func.abs(each)))), 0), Double)
    for half in range(2):
        yield func.coalesce(func.sum(ranked.c[f"h{half}{part}"]), 0)


def _bucket(value: ColumnElement[Any], by: Bucketed) -> ColumnElement[Any]:
    """A bucket as a number, of which `_name` makes its name."""
    if by.every:
        parts = [cast(extract(part, value), Integer) * times for part, times in _PARTS.items()][: _length(by)]
        return func.coalesce(sum(parts[1:], parts[0]), _OTHER)
    if by.edges:
        return case((value.is_(None), _OTHER), *[(value < edge, place) for place, edge in enumerate(by.edges)], else_=len(by.edges))
    names = (True, False) if by.column.type == "boolean" else by.values
    return case(*[(value == name, place) for place, name in enumerate(names)], else_=_OTHER)


def _name(number: int, by: Bucketed) -> str:
    if number == _OTHER:
        return OTHER
    if not by.every:
        return by.names[number]
    year, month, day = number // 10_000, number // 100 % 100, number % 100
    return "-".join((f"{year:04d}", f"{month:02d}", f"{day:02d}")[: _length(by)])


def _length(by: Bucketed) -> int:
    return 1 + list(_PARTS).index(by.every)


_PARTS = {"year": 10_000, "month": 100, "day": 1}


def _clamped(value: ColumnElement[Any], each: Clamped) -> ColumnElement[Any]:
    """What has no form in JSON counts as missing, as it does in a page."""
    number = cast(value, Double)
    missing = or_(value.is_(None), func.abs(number) > _LARGEST) if each.column.type == "number" else value.is_(None)
    return case((missing, null()), (number < each.least, each.least), (number > each.most, each.most), else_=number)


def _cell(row: Sequence[Any], plan: CellPlan) -> Cell:
    width = len(plan.by)
    axes, rest = tuple(place for place in range(width) if row[place] is not None), row[width:]
    sums = tuple(_measure(rest[start : start + _WIDTH]) for start in range(_WIDTH + 2, len(rest), _WIDTH))
    at = tuple(_name(int(row[place]), plan.by[place]) for place in axes)
    return Cell(axes, at, _measure(rest[:_WIDTH]), _digest(rest[_WIDTH : _WIDTH + 2]), sums)


def _measure(part: Sequence[Any]) -> Measure:
    people, records, value, total, first, second, *digest = part
    return Measure(int(people), int(records), float(value), float(total), float(first), float(second), _digest(digest))


def _digest(halves: Sequence[Any]) -> str:
    return "".join(f"{int(half or 0):016x}" for half in halves)

"""From exact cells to what is told of them. Pure: hidden cells are gone, every number is moved, and only the asked slice is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.aggregates import blur
from contracts.aggregates.decide import Countable
from contracts.aggregates.hide import told
from contracts.aggregates.plan import At, Axes, Cell, Measure
from contracts.aggregates.query import MeasureAsked, Question

Number = int | float


def rows_of(countable: Countable, question: Question, cells: Sequence[Cell], key: bytes) -> list[dict[str, Any]]:
    """The answer's rows in the order of their buckets. A number that may not be told is null, a cell without any is not there.

    Which cells are told does not depend on what else is asked: counts have one pattern, each sum another.
    """
    finest = {each.at: each for each in cells if len(each.axes) == len(countable.by)}
    patterns = {field: told(_cube(cells, place), countable.people, countable.dominance) for field, place in _patterns(countable, question)}
    places = {name: place for place, name in enumerate(question.fields)}
    asked = {places[name]: bucket for name, bucket in question.filters}
    found = []
    for at in sorted(finest):
        if any(at[place] != bucket for place, bucket in asked.items()):
            continue
        numbers = {
            each.name: _number(countable, each, finest[at], key) if at in patterns[each.field] else None for each in question.measures
        }
        if any(number is not None for number in numbers.values()):
            found.append({**{name: at[places[name]] for name in question.by}, **numbers})
    return found


def _patterns(countable: Countable, question: Question) -> list[tuple[str, int | None]]:
    """The patterns that the measures need, by the field that is summed; none for counts."""
    places: dict[str, int | None] = {each.column.name: place for place, each in enumerate(countable.sums)}
    return [(name, places.get(name)) for name in dict.fromkeys(each.field for each in question.measures)]


def _cube(cells: Sequence[Cell], place: int | None) -> Mapping[Axes, Mapping[At, Sequence[Measure]]]:
    cube: dict[Axes, dict[At, Sequence[Measure]]] = {}
    for each in cells:
        cube.setdefault(each.axes, {})[each.at] = (each.records,) if place is None else (each.records, each.sums[place])
    return cube


def _number(countable: Countable, asked: MeasureAsked, cell: Cell, key: bytes) -> Number:
    most = countable.noise
    if asked.kind == "count":
        return blur.count(key, "records", cell.records.records, cell.records.digest, most)
    if asked.kind == "distinct":
        return blur.count(key, "people", cell.records.people, cell.who, most)
    place = next(place for place, each in enumerate(countable.sums) if each.column.name == asked.field)
    clamped, measure = countable.sums[place], cell.sums[place]
    moved = blur.total(key, clamped, measure, most)
    if asked.kind == "sum":
        return moved
    # Of two numbers that are told elsewhere, so that a mean tells nothing beside them.
    return round(moved / max(1, blur.count(key, f"values:{asked.field}", measure.records, measure.digest, most)), 3)

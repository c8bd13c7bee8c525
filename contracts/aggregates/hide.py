"""Which cells of a table may be told. Pure; the same records always give the same cells, whoever asks and however often.

Three rules. A cell has at least k different people (threshold rule). All but its two largest contributors add at least p % of what
the largest adds (p % rule: otherwise the second could tell what the first does). And what is hidden cannot be had by subtraction
(complementary suppression): a table is looked at with every coarser one, down to the single sum. In every line, which holds the
cells that differ in one field alone and whose sum is a cell of a coarser table, either nothing is hidden, or at least two cells are
and one of them is large enough to have been told; and a line whose sum is hidden hides something. So a sum that is told, less any
parts of it that are told in whatever finer tables, covers at least k people, or nobody.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence

from contracts.aggregates.plan import At, Axes, Measure

Table = Mapping[At, Sequence[Measure]]
Line = tuple[int, At]


def told(cube: Mapping[Axes, Table], people: int, dominance: int) -> frozenset[At]:
    """The cells of the finest table that may be told, by at least how many people and by p of the p % rule.

    The cube has a table for each selection of the finest one's axes, or none where there are no records. A cell is sound where each of
    its measures is.
    """
    shown: dict[Axes, frozenset[At]] = {}
    for axes in sorted(cube, key=len):
        coarser = {place: shown[axes[:place] + axes[place + 1 :]] for place in range(len(axes))}
        shown[axes] = _told(cube[axes], coarser, people, dominance)
    return shown[max(cube, key=len)] if cube else frozenset()


def is_sound(measure: Measure, people: int, dominance: int) -> bool:
    """Whether a cell has enough people, none of whom makes up so much of it that another could tell how much."""
    others = measure.total - measure.first - measure.second
    return measure.people >= people and not 100 * others < dominance * measure.first


def _told(table: Table, coarser: Mapping[int, frozenset[At]], people: int, dominance: int) -> frozenset[At]:
    sound = {at for at, measures in table.items() if all(is_sound(each, people, dominance) for each in measures)}
    hidden, lines = set(table) - sound, _lines(table)
    waiting = sorted(lines)
    while waiting:
        line = heapq.heappop(waiting)
        fallen = _sacrifice(lines[line], line[1] in coarser[line[0]], hidden, sound, table)
        if fallen is not None:
            hidden.add(fallen)
            for each in _of(fallen):
                heapq.heappush(waiting, each)
    return frozenset(set(table) - hidden)


def _of(at: At) -> list[Line]:
    """The lines of a cell: for each field the cell's other coordinates, which are those of the line's sum."""
    return [(place, at[:place] + at[place + 1 :]) for place in range(len(at))]


def _lines(cells: Iterable[At]) -> dict[Line, list[At]]:
    found: dict[Line, list[At]] = {}
    for at in cells:
        for line in _of(at):
            found.setdefault(line, []).append(at)
    return found


def _sacrifice(line: list[At], sum_is_told: bool, hidden: set[At], sound: set[At], table: Table) -> At | None:
    """The smallest cell that a line still tells and has to give up; None where it is safe, or tells nothing."""
    lost = [at for at in line if at in hidden]
    if sum_is_told and not lost:
        return None
    if len(lost) > 1 and any(at in sound for at in lost):
        return None
    return min((at for at in line if at not in hidden), key=lambda at: (table[at][-1].people, at), default=None)

"""What the model says of counts and sums. Which cells are told is `hide`'s rule, which its own tests hold against brute force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from itertools import combinations
from typing import Any

from hypothesis import strategies as st

from contracts.aggregates.hide import told
from contracts.aggregates.plan import Measure
from tests.contracts.access.model import Model, Row

EDGES = [0, 10, 40]
POLICY: dict[str, Any] = {
    "people": 3,
    "dominance": 20,
    "noise": 1,
    "by": {"lang": {"values": ["de", "en"]}, "created_at": {"every": "day"}, "likes": {"edges": EDGES}, "edited": {}},
    "sums": {"likes": {"least": 0, "most": 30}, "score": {"least": -1, "most": 50}},
}
BUCKETS = {"lang": ["de", "other"], "created_at": ["2026-01-01", "1969-12-31"], "likes": ["..0", "40.."], "edited": ["true", "other"]}
MEASURES = ("count", "distinct", "sum:likes", "avg:likes", "sum:score")


@st.composite
def questions(draw: st.DrawFn) -> Row:
    """A question for counts and sums."""
    fields = draw(st.lists(st.sampled_from(sorted(BUCKETS)), max_size=3, unique=True))
    held = {name: draw(st.sampled_from(BUCKETS[name])) for name in fields if draw(st.integers(0, 3)) == 0}
    measures = draw(st.lists(st.sampled_from(MEASURES), min_size=1, unique=True))
    return {"by": [name for name in fields if name not in held], "held": held, "measures": measures, "sample": None}


def asked_for(question: Row) -> set[str]:
    """Every field that the question names."""
    return {*question["by"], *question["held"], *(each.partition(":")[2] for each in question["measures"] if ":" in each)}


def is_finer(model: Model, question: Row) -> bool:
    """Whether it goes by days, and the contract has months."""
    return model.grains.get("created_at") == "month" and "created_at" in asked_for(question)


def bucket(name: str, value: Any) -> str:
    """Where a value is counted."""
    if value is None:
        return "other"
    if isinstance(value, date):
        return value.strftime("%Y-%m-%d")
    if name == "likes":
        return next((text for edge, text in zip(EDGES, ("..0", "0..10", "10..40"), strict=True) if value < edge), "40..")
    return str(value).lower() if name == "edited" else value if value in ("de", "en") else "other"


def table(model: Model, question: Row) -> list[Row]:
    """The rows of the answer; each number as the least and the most that it may be moved to, or None where it may not be told."""
    fields = sorted({*question["by"], *question["held"]})
    finest: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in model.inside():
        finest[tuple(bucket(name, row[name]) for name in fields)].append(row)
    if not finest:
        return []
    patterns = {name: told(_cube(finest, len(fields), name), 3, 20) for name in ("", "likes", "score")}
    found = []
    for at in sorted(finest):
        named = dict(zip(fields, at, strict=True))
        if all(named[name] == held for name, held in question["held"].items()):
            numbers = {each: _number(finest[at], each) if at in patterns[each.partition(":")[2]] else None for each in question["measures"]}
            if any(number is not None for number in numbers.values()):
                found.append({**{name: named[name] for name in question["by"]}, **numbers})
    return found


def fits(told: Sequence[Row], expected: Sequence[Row]) -> bool:
    """Whether an answer's rows are these, each number moved as far as it may be."""

    def one(value: Any, bound: Any) -> bool:
        return value == bound if not isinstance(bound, tuple) else value is not None and bool(bound[0] <= value <= bound[1])

    return len(told) == len(expected) and all(
        list(mine) == list(theirs) and all(one(mine[name], bound) for name, bound in theirs.items())
        for mine, theirs in zip(told, expected, strict=True)
    )


def _cube(finest: dict[tuple[str, ...], list[Row]], width: int, field: str) -> dict[Any, dict[Any, list[Measure]]]:
    cube: dict[Any, dict[Any, list[Measure]]] = {}
    for axes in (axes for size in range(width + 1) for axes in combinations(range(width), size)):
        cells: dict[Any, list[Row]] = defaultdict(list)
        for at, rows in finest.items():
            cells[tuple(at[place] for place in axes)] += rows
        counts = {at: [_measure(rows, "")] for at, rows in cells.items()}
        cube[axes] = {at: [*counts[at], *([_measure(rows, field)] if field else [])] for at, rows in cells.items()}
    return cube


def _values(rows: list[Row], field: str) -> list[tuple[Any, float]]:
    """Who adds how much; nothing where the field has no value."""
    if not field:
        return [(row["author_id"], 1) for row in rows]
    bounds = POLICY["sums"][field]
    return [(row["author_id"], min(bounds["most"], max(bounds["least"], row[field]))) for row in rows if row[field] is not None]


def _measure(rows: list[Row], field: str) -> Measure:
    people: dict[Any, float] = defaultdict(float)
    for who, value in _values(rows, field):
        people[who] += value
    first, second, *_ = sorted([*map(abs, people.values()), 0, 0], reverse=True)
    total = sum(map(abs, people.values()))
    return Measure(len(people.keys() - {None}), len(_values(rows, field)), sum(people.values()), total, first, second, "")


def _number(rows: list[Row], measure: str) -> tuple[float, float]:
    kind, _, field = measure.partition(":")
    if kind == "avg":
        return POLICY["sums"][field]["least"] - 1e6, POLICY["sums"][field]["most"] + 1e6
    exact = len({row["author_id"] for row in rows} - {None}) if kind == "distinct" else _measure(rows, field).value
    width = POLICY["sums"][field]["most"] - POLICY["sums"][field]["least"] if field else 1
    return (exact - width - 0.5, exact + width + 0.5) if field else (max(0, exact - 1), exact + 1)

"""Counts cells with DuckDB: first what each person adds to each cell, then each cell. Nothing of it names a person."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from contracts.aggregates.buckets import Bucketed
from contracts.aggregates.plan import MOST_CELLS, Axes, Cell, CellPlan, Clamped, Measure
from contracts.datasets.engines.deadline import FOREVER
from contracts.datasets.engines.duckdb import MEMORY, DuckEngine
from contracts.datasets.engines.duckdb_coarse import value_of
from contracts.datasets.files import quoted
from contracts.sections import OTHER

_FORMS = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}


class DuckCells:
    """Reads the version files that pages are read from, through an engine of its own, so that long counts hold up no page."""

    def __init__(self, home: Path, seconds: float = FOREVER, memory: str = MEMORY) -> None:
        self._engine = DuckEngine(home, seconds, memory)

    def cells(self, plan: CellPlan) -> Sequence[Cell]:
        """The cells of every table that have records, at most `MOST_CELLS` and one more."""
        buckets, sums = [_bucket(each) for each in plan.by], [_sum(each, place) for place, each in enumerate(plan.sums)]
        before = [value for _, part in (*buckets, *sums) for value in part]

        def query(records: str, where: str) -> str:
            kept = "r._ord NOT IN (SELECT unnest(?::UINTEGER[]))"
            return _query(f"{records} r WHERE {where} AND {kept}", plan.subject, [sql for sql, _ in buckets], [sql for sql, _ in sums])

        rows = self._engine.select(plan.dataset, plan.version, plan.tests, query, (before, [list(plan.excluded)]))
        return [_cell(row, plan) for row in rows]


def _query(rows: str, subject: str, buckets: Sequence[str], sums: Sequence[str]) -> str:
    """The statement; it names nothing but fields, which the settings have."""
    names = [f"d{place}" for place in range(len(buckets))]
    parts = [f"{sql} AS {name}" for name, sql in zip(names, buckets, strict=True)]
    inner = ", ".join([*parts, *sums, f"r.{quoted(subject)} AS _who", "count(*) AS n", "bit_xor(hash(r._ord)) AS h"])
    person = f"SELECT {inner} FROM {rows} GROUP BY {', '.join([*names, '_who'])}"
    tables = [_table(axes, len(names), len(sums)) for size in range(len(names) + 1) for axes in combinations(range(len(names)), size)]
    return f"WITH person AS MATERIALIZED ({person}) {' UNION ALL '.join(tables)} LIMIT {MOST_CELLS + 1}"


def _table(axes: Axes, width: int, sums: int) -> str:
    """One table out of what each person adds to the finest one's cells."""
    names = [f"d{place}" for place in axes]
    parts = ["sum(n) AS n", "bit_xor(h) AS h"]
    told = [*_told("n", "n"), "bit_xor(h)::VARCHAR", "(bit_xor(hash(_who)) FILTER (WHERE _who IS NOT NULL))::VARCHAR"]
    for place in range(sums):
        parts.append(f"sum(s{place}) AS s{place}, sum(c{place}) AS c{place}, bit_xor(h{place}) AS h{place}")
        told += [*_told(f"s{place}", f"c{place}"), f"bit_xor(h{place})::VARCHAR"]
    shown = [f"d{place}" if place in axes else "NULL" for place in range(width)]
    by = f"GROUP BY {', '.join(names)}" if names else "HAVING count(*) > 0"
    people = f"SELECT {', '.join([*names, '_who', *parts])} FROM person GROUP BY {', '.join([*names, '_who'])}"
    return f"SELECT {', '.join([*shown, *told])} FROM ({people}) {by}"


def _told(value: str, records: str) -> list[str]:
    """People, records, value, what is contributed without its sign, and the two largest contributions.

    Records of nobody in particular are one contributor, and add no person.
    """
    return [
        f"count(_who) FILTER (WHERE {records} > 0)",
        f"coalesce(sum({records}), 0)::BIGINT",
        f"coalesce(sum({value}), 0)::DOUBLE",
        f"coalesce(sum(abs({value})), 0)::DOUBLE",
        f"max(abs({value})::DOUBLE, 2)",
    ]


def _bucket(by: Bucketed) -> tuple[str, list[Any]]:
    """The SQL of a bucket's name and its values."""
    name = value_of(by.column)
    if by.every:
        return f"coalesce(strftime({name}, ?), ?)", [_FORMS[by.every], OTHER]
    if by.edges:
        branches = "".join(f" WHEN {name} < ?::DOUBLE THEN ?" for _ in by.edges)
        values = [value for pair in zip(by.edges, by.ranges, strict=False) for value in pair]
        return f"CASE WHEN {name} IS NULL THEN ?{branches} ELSE ? END", [OTHER, *values, by.ranges[-1]]
    if by.column.type == "boolean":
        return f"coalesce({name}::VARCHAR, ?)", [OTHER]
    return f"CASE WHEN list_contains(?::VARCHAR[], {name}) THEN {name} ELSE ? END", [list(by.values), OTHER]


def _sum(each: Clamped, place: int) -> tuple[str, list[Any]]:
    name = f"r.{quoted(each.column.name)}"
    known = f"FILTER (WHERE {name} IS NOT NULL)"
    clamped = f"CASE WHEN {name} IS NOT NULL THEN least(greatest({name}::DOUBLE, ?::DOUBLE), ?::DOUBLE) END"
    return f"sum({clamped}) AS s{place}, count({name}) AS c{place}, bit_xor(hash(r._ord)) {known} AS h{place}", [each.least, each.most]


def _cell(row: Sequence[Any], plan: CellPlan) -> Cell:
    width = len(plan.by)
    axes, rest = tuple(place for place in range(width) if row[place] is not None), row[width:]
    sums = tuple(_measure(rest[7 + 6 * place : 13 + 6 * place]) for place in range(len(plan.sums)))
    return Cell(axes, tuple(str(row[place]) for place in axes), _measure(rest[:6]), str(rest[6]), sums)


def _measure(part: Sequence[Any]) -> Measure:
    people, records, value, total, largest, digest = part
    first, second = ([*(largest or []), 0.0, 0.0])[:2]
    return Measure(int(people), int(records), float(value), float(total), float(first), float(second), str(digest))

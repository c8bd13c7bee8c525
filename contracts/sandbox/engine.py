"""The sandbox's engine: answers a plan from invented rows, in memory, by the rules that every engine keeps.

It knows no file and no other engine. A plan for a version that is not the sandbox's own is refused, as the engines of real data
have no version of the sandbox's name: neither can answer for the other, whoever asks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

from contracts.datasets.catalogue import Dataset
from contracts.datasets.marks import to_mark
from contracts.datasets.plan import All, AnyOf, Column, Condition, Not, Page, Plan, Test, Withheld
from contracts.datasets.pseudonyms import pseudonym
from contracts.datasets.shuffle import Shuffle
from contracts.datasets.values import Value
from contracts.errors import refuse
from contracts.sandbox.marks import is_sandbox
from contracts.sandbox.rows import Row, rows_of, version_of


class SandboxEngine:
    """Holds the rows of each dataset once they were asked for. Thread-safe: rows never change once they are made."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self._tables = {each.id: _Table(each) for each in datasets}

    def page(self, plan: Plan) -> Page:
        """The page; `dataset_unavailable` for a plan of a contract, or of a version that was loaded from somewhere."""
        if not is_sandbox(plan.contract_id):
            raise refuse("dataset_unavailable", "Invented rows are for sandboxes alone. Tell the platform.")
        told = _Told(plan.dataset, plan.contract_id)
        rows = [row for row in self._ordered(plan) if _fits(row, plan.tests, told)]
        if plan.sample is not None:
            rows = [row for row in rows if plan.sample.takes(row.ordinal)]
        shown = rows[: plan.limit]
        return Page(
            rows=[_written(row, plan.columns, told) for row in shown],
            ordinals=[row.ordinal for row in shown],
            marks=[(row.ordinal, row.time if plan.shuffle is None else self._began(row, plan, plan.shuffle)) for row in shown],
            version=plan.version,
            more=len(rows) > plan.limit,
        )

    def matching(self, dataset: str, version: str, tests: Sequence[Condition], told: _Told | None = None) -> list[Row]:
        """The rows that meet every test, in order; `told` where a test may be on a pseudonym."""
        return [row for row in self._rows(dataset, version) if _fits(row, tests, told or _Told(dataset, ""))]

    def withheld(self, dataset: str, version: str, tests: Sequence[Test], records: int) -> Withheld:
        """Nothing: a sandbox sees every invented row."""
        self._rows(dataset, version)
        return Withheld(0, 0, 0)

    def _ordered(self, plan: Plan) -> list[Row]:
        """The rows behind the plan's mark, in its order."""
        rows, shuffle, mark = self._rows(plan.dataset, plan.version), plan.shuffle, plan.after
        if shuffle is None:
            return [row for row in rows if _follows(row, plan)]
        placed = sorted((self._began(row, plan, shuffle), shuffle.place(row.ordinal), row.ordinal, row) for row in rows)
        here = None if mark is None else (mark.time, shuffle.place(mark.ordinal), mark.ordinal)
        return [row for *place, row in placed if here is None or tuple(place) > here]

    def _began(self, row: Row, plan: Plan, shuffle: Shuffle) -> int:
        moment = row.values[self._tables[plan.dataset].time]
        return shuffle.began(to_mark(moment))

    def _rows(self, dataset: str, version: str) -> Sequence[Row]:
        table = self._tables.get(dataset)
        if table is None or table.version != version:
            raise refuse("dataset_unavailable", "The sandbox has no such rows. Start again from the first page.")
        return table.rows


class _Table:
    def __init__(self, dataset: Dataset) -> None:
        self._dataset, self.version, self.time = dataset, version_of(dataset).version, dataset.settings.time or ""

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return rows_of(self._dataset)


class _Told:
    """Values as one sandbox sees them: each has pseudonyms of its own, as contracts have.

    Their key is no secret, because nothing real stands behind one.
    """

    def __init__(self, dataset: str, contract_id: str) -> None:
        self._dataset, self._key = dataset, hashlib.sha256(f"licet/sandbox/{contract_id}".encode()).digest()

    def value(self, row: Row, column: Column) -> Value | None:
        value = row.values[column.name]
        if column.pseudonym:
            return pseudonym(self._key, self._dataset, column.name, str(value))
        seen: Value | None = column.seen(value)
        return seen


def _follows(row: Row, plan: Plan) -> bool:
    mark = plan.after
    if mark is None:
        return True
    # A cursor of rows that were described otherwise goes on by number, as one of an earlier version goes on by time.
    return row.ordinal > (mark.pos if mark.version == plan.version else mark.ordinal)


def _fits(row: Row, tests: Sequence[Condition], told: _Told) -> bool:
    return all(_holds(row, test, told) for test in tests)


def _holds(row: Row, condition: Condition, told: _Told) -> bool:
    match condition:
        case All(parts):
            return all(_holds(row, part, told) for part in parts)
        case AnyOf(parts):
            return any(_holds(row, part, told) for part in parts)
        case Not(part):
            return not _holds(row, part, told)
        case _:
            return condition.met_by(told.value(row, condition.column))


def _written(row: Row, columns: Sequence[Column], told: _Told) -> str:
    return json.dumps({each.name: _plain(told.value(row, each)) for each in columns}, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Value | None) -> str | int | float | bool | None:
    """A value as JSON holds it, in the form in which engines write it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value if value is None or isinstance(value, str | int | float) else value.isoformat()

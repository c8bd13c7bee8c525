"""Reads versions with DuckDB, in this process. Filters, masks and writes the JSON; Python passes text on.

A version's rows lie in the file in the order of the answer. With one thread and insertion order preserved, DuckDB scans in that
order and stops at the limit, so a page costs its own rows and not the dataset.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import structlog

from contracts.datasets.engines.deadline import DEADLINES, FOREVER
from contracts.datasets.engines.duckdb_coarse import began_in_sql, behind, order_of, value_of
from contracts.datasets.files import SQL_TYPES, literal, pseudonym_file, quoted, version_file
from contracts.datasets.plan import All, AnyOf, Column, Condition, Mark, Not, Page, Plan, Test, Tree, Withheld, leaves, replaced
from contracts.datasets.pseudonyms import PREFIX
from contracts.datasets.shuffle import Shuffle
from contracts.errors import Refused, refuse

log = structlog.get_logger()

_COMPARISONS = {"eq": "=", "gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}
_OF_TEXT = {"prefix": "starts_with", "contains": "contains"}
_VERSIONS_OPEN = 2
MEMORY = "128MB"

# What a query's text depends on: nothing of it comes from a request but the names of fields, which the settings have.
Asked = tuple[Column, str]
Shape = tuple[Tree[Asked], ...]
Values = tuple[Sequence[Any], Sequence[Any]]
# Place, ordinal and time of a row, and its JSON.
Found = tuple[int, int, int, str]


class DuckEngine:
    """Keeps version and pseudonym files attached read-only to one in-memory instance; every call has its own cursor."""

    def __init__(self, home: Path, seconds: float = FOREVER, memory: str = MEMORY) -> None:
        """`seconds` is how long one statement for a request may take, `memory` how much all of them may take at once."""
        self._home, self._seconds = home, seconds
        self._lock = threading.Lock()
        bounds: dict[str, Any] = {"memory_limit": memory, "temp_directory": str(home / "spilled")}
        self._main = duckdb.connect(":memory:", config={"threads": 1, "preserve_insertion_order": True, **bounds})
        self._main.execute("SET TimeZone = 'UTC'")
        self._attached: dict[Path, str] = {}
        self._versions: dict[str, list[str]] = {}
        self._users: Counter[tuple[str, str]] = Counter()
        self._count = 0
        self._local = threading.local()

    def page(self, plan: Plan) -> Page:
        """The page; erased rows are dropped here, before anyone else sees them."""
        wanted = plan.limit + 1
        rows = found = self._fetch(plan, None, wanted)
        if plan.excluded:
            rows = [row for row in found if row[1] not in plan.excluded]
            # Where erased rows were dropped, the rest of the page follows what was read.
            while len(rows) < wanted and len(found) == wanted:
                found = self._fetch(plan, found[-1], wanted)
                rows += [row for row in found if row[1] not in plan.excluded]
        shown = rows[: plan.limit]
        return Page(
            rows=[row[3] for row in shown],
            ordinals=[row[1] for row in shown],
            marks=[(row[0], row[2]) for row in shown],
            version=plan.version,
            more=len(rows) > plan.limit,
        )

    def withheld(self, dataset: str, version: str, tests: Sequence[Test], records: int) -> Withheld:
        """Conditions on columns that the counts do not keep are left out of the counts of deleted and objecting rows."""
        with self._opened(dataset, version, version_file(self._home, dataset, version)) as (records_of,):
            where, values = _where(tests)
            inside = self._run(f"SELECT count(*) FROM {records_of}.record r WHERE {where}", values, FOREVER)[0][0]
            known = {row[0] for row in self._run(f"DESCRIBE {records_of}.withheld", [], FOREVER)}
            where, values = _where([test for test in tests if test.column.name in known])
            query = f"SELECT _reason, sum(_n)::BIGINT FROM {records_of}.withheld r WHERE {where} GROUP BY _reason"
            counts = {reason: int(number) for reason, number in self._run(query, values, FOREVER)}
        return Withheld(records - int(inside), counts.get("deleted", 0), counts.get("objecting", 0))

    def select(self, dataset: str, version: str, tests: Sequence[Condition], query: Callable[[str, str], str], values: Values) -> list[Any]:
        """The rows of another query on a version's records.

        `query` makes its text from the records' relation and the condition; `values` are bound before and after those of the tests.
        """
        where, bound = _where(tests)
        before, after = values
        with self._opened(dataset, version, version_file(self._home, dataset, version)) as (records,):
            return self._run(query(f"{records}.record", where), [*before, *bound, *after])

    def _fetch(self, plan: Plan, after: Found | None, limit: int) -> list[Found]:
        files = [version_file(self._home, plan.dataset, plan.version)]
        if plan.pseudonyms:
            files.append(pseudonym_file(self._home, plan.dataset, plan.version, plan.contract_id, plan.pseudonyms))
        shape = tuple(replaced(test, _asked) for test in plan.tests)
        place, values = _place(plan, after)
        if plan.sample is not None:
            place = f"{place} AND {plan.sample.in_sql('r._ord::BIGINT')}"
        with self._opened(plan.dataset, plan.version, *files) as names:
            records, joined = names[0], names[1] if plan.pseudonyms else ""
            if plan.shuffle is None:
                return self._run(_query(records, joined, plan.columns, shape, place), [*_bound(plan.tests), *values, limit])
            # As many rows as are wanted lie before the end of some day or month: no later one has to be sorted.
            bound = [*_bound(plan.tests), *values]
            (latest,) = self._run(_window(records, joined, shape, place), [*bound, limit])[0]
            if latest is None:
                return []
            query = _shuffled(records, joined, plan.columns, shape, place, plan.shuffle)
            return self._run(query, [*bound, plan.shuffle.ends(plan.shuffle.began(latest)), limit])

    @contextmanager
    def _opened(self, dataset: str, version: str, *files: Path) -> Iterator[list[str]]:
        """The names of a version's attached files, which stay so to the end of the block."""
        with self._lock:
            self._users[dataset, version] += 1
        try:
            with self._lock:
                self._retire(dataset, version)
                names = [self._attached.get(file) or self._attach(file) for file in files]
            yield names
        finally:
            with self._lock:
                self._users[dataset, version] -= 1

    def _attach(self, file: Path) -> str:
        self._count += 1
        name = f"a{self._count}"
        try:
            self._main.execute(f"ATTACH {literal(str(file))} AS {name} (READ_ONLY)")
        except duckdb.Error as error:
            raise _unavailable(error) from error
        self._attached[file] = name
        return name

    def _retire(self, dataset: str, version: str) -> None:
        """Detach versions but the last that were asked for, once nobody reads them: a reader may lag behind a refresh, or be the last one."""
        versions = self._versions.setdefault(dataset, [])
        if versions[-1:] == [version]:
            return
        self._versions[dataset] = versions = [*(each for each in versions if each != version), version]
        for old in [each for each in versions[:-_VERSIONS_OPEN] if not self._users[dataset, each]]:
            versions.remove(old)
            del self._users[dataset, old]
            for file in [file for file in self._attached if file.parent.name == dataset and file.name.startswith(f"{old}.")]:
                self._main.execute(f"DETACH {self._attached.pop(file)}")

    def _run(self, query: str, values: list[Any], seconds: float | None = None) -> list[Any]:
        """Rows of a statement; it takes as long as those for requests may, or `seconds`."""
        cursor = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = self._local.cursor = self._main.cursor()
        with DEADLINES.within(self._seconds if seconds is None else seconds, cursor.interrupt) as running:
            try:
                found: list[Any] = cursor.execute(query, values).fetchall()
            except duckdb.Error as error:
                raise running.failed(_unavailable(error)) from error
        return found


@lru_cache(maxsize=4096)
def _query(records: str, joined: str, columns: tuple[Column, ...], shape: Shape, place: str) -> str:
    """The text of a page's query; values are bound."""
    where = " AND ".join([*[_condition(each) for each in shape], place])
    fields = ", ".join(f"{literal(column.name)}: {written(column)}" for column in columns)
    out = f"SELECT r._pos, r._ord, r._t, to_json({{{fields}}})"
    join = f"JOIN {joined}.pseudonym p ON p._pos = r._pos"
    if not joined:
        return f"{out} FROM {records}.record r WHERE {where} LIMIT ?"
    if any(column.pseudonym for column, _ in leaves(shape)):
        # The join finds the rows here, in any order; few meet a pseudonym, and only of those the other fields are read.
        met = f"SELECT r._pos FROM {records}.record r {join} WHERE {where} ORDER BY r._pos LIMIT ?"
        return f"WITH met AS MATERIALIZED ({met}) {out} FROM met JOIN {records}.record r ON r._pos = met._pos {join} ORDER BY r._pos"
    return f"{out} FROM (SELECT * FROM {records}.record r WHERE {where} LIMIT ?) r {join} ORDER BY r._pos"


@lru_cache(maxsize=4096)
def _window(records: str, joined: str, shape: Shape, place: str) -> str:
    """The text of the query for the latest time among the first rows, in the order of the file, that a shuffled page may need."""
    where = " AND ".join([*[_condition(each) for each in shape], place])
    rows = f"{records}.record r"
    if any(column.pseudonym for column, _ in leaves(shape)):
        rows, where = f"{rows} JOIN {joined}.pseudonym p ON p._pos = r._pos", f"{where} ORDER BY r._pos"
    return f"SELECT max(_t) FROM (SELECT r._t FROM {rows} WHERE {where} LIMIT ?)"


@lru_cache(maxsize=4096)
def _shuffled(records: str, joined: str, columns: tuple[Column, ...], shape: Shape, place: str, shuffle: Shuffle) -> str:
    """The text of a shuffled page's query, up to the end of a day or month."""
    where = " AND ".join([*[_condition(each) for each in shape], place, "r._t < ?"])
    fields = ", ".join(f"{literal(column.name)}: {written(column)}" for column in columns)
    out, order = f"SELECT r._pos, r._ord, {began_in_sql(shuffle)}, to_json({{{fields}}})", order_of(shuffle)
    join = f"JOIN {joined}.pseudonym p ON p._pos = r._pos" if joined else ""
    if any(column.pseudonym for column, _ in leaves(shape)):
        return f"{out} FROM {records}.record r {join} WHERE {where} ORDER BY {order} LIMIT ?"
    return f"{out} FROM (SELECT * FROM {records}.record r WHERE {where} ORDER BY {order} LIMIT ?) r {join} ORDER BY {order}"


def written(column: Column) -> str:
    """The SQL that writes a field as JSON holds it."""
    if column.pseudonym:
        return f"{literal(PREFIX)} || replace(p.{quoted(column.name)}::VARCHAR, '-', '')"
    value = value_of(column)
    if column.type == "timestamp":
        return f"strftime({value}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f"{value}::VARCHAR" if column.type == "date" else value


def _where(tests: Sequence[Condition]) -> tuple[str, list[Any]]:
    return " AND ".join([_condition(replaced(test, _asked)) for test in tests] or ["true"]), _bound(tests)


def _asked(test: Test) -> Asked:
    return test.column, test.op


def _condition(tree: Tree[Asked], *, denied: bool = False) -> str:
    """The SQL of a condition. Below a `not`, a test of a missing value is false and not unknown, so that its denial is true."""
    match tree:
        case All(parts):
            return "(" + " AND ".join([_condition(part, denied=denied) for part in parts] or ["true"]) + ")"
        case AnyOf(parts):
            return "(" + " OR ".join([_condition(part, denied=denied) for part in parts] or ["false"]) + ")"
        case Not(part):
            return f"NOT {_condition(part, denied=True)}"
        case (column, op):
            return f"coalesce({_test(column, op)}, false)" if denied else _test(column, op)


def _test(column: Column, op: str) -> str:
    if column.pseudonym:
        name = quoted(column.name)
        return f"list_contains(?::UUID[], p.{name})" if op == "in" else f"p.{name} = ?::UUID"
    value = value_of(column)
    if op == "in":
        return f"list_contains(?::{SQL_TYPES[column.type]}[], {value})"
    if op in _OF_TEXT:
        return f"{_OF_TEXT[op]}({value}, ?)"
    return f"{value} {_COMPARISONS[op]} ?::{SQL_TYPES[column.type]}"


def _bound(tests: Sequence[Condition]) -> list[Any]:
    return [_bindable(test) for test in leaves(tests)]


def _bindable(test: Test) -> Any:
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    if test.column.pseudonym:
        values = tuple(str(value).removeprefix(PREFIX) for value in values)
    return list(values) if test.op == "in" else values[0]


def _unavailable(error: duckdb.Error) -> Refused:
    # The engine's own words may hold values of records: they go to the log's type only, never to a caller.
    log.error("engine.failed", error=type(error).__name__)
    return refuse("dataset_unavailable", "The dataset cannot be read now. Try again shortly; if it stays so, tell the platform.")


def _place(plan: Plan, after: Found | None) -> tuple[str, list[int]]:
    """Where the page starts. A mark of another version is found again by time and ordinal, as every mark of a shuffled order is."""
    mark = plan.after if after is None else Mark(plan.version, after[0], after[2], after[1])
    if mark is None:
        return "true", []
    if plan.shuffle is not None:
        return behind(plan.shuffle, mark.time, mark.ordinal)
    if mark.version == plan.version:
        return "r._pos > ?", [mark.pos]
    return "r._t >= ? AND (r._t > ? OR r._ord > ?)", [mark.time, mark.time, mark.ordinal]

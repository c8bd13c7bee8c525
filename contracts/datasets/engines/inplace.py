"""Reads a table where it lies, through SQLAlchemy: one statement finds, filters and joins; Python writes the JSON.

Experimental for every database but those whose suite of the port runs here (`tests/contracts/datasets/engines`). A row is served when a
refresh has given it a number, its marks are not set now, and every pseudonym that it needs is there: a row that is new or was given to
somebody else at the source waits for the next refresh.
"""

from __future__ import annotations

import json
import operator
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson
import structlog
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Executable,
    FromClause,
    Select,
    Table,
    all_,
    and_,
    bindparam,
    cast,
    false,
    func,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.exc import SQLAlchemyError

from contracts.datasets import database
from contracts.datasets.engines.deadline import DEADLINES, FOREVER, Running
from contracts.datasets.engines.inplace_coarse import began_of, behind, not_before, place_of, value_of
from contracts.datasets.marks import from_mark, to_mark
from contracts.datasets.place import Place
from contracts.datasets.plan import All, AnyOf, Column, Condition, Mark, Not, Page, Plan, Test, Withheld, leaves
from contracts.datasets.synced import Synced, read_synced
from contracts.deliveries.ordinals import Ordinals
from contracts.errors import Misconfigured, Refused, refuse
from contracts.settings import DatasetSettings

log = structlog.get_logger()

_CHUNK = 500
_VERSIONS_KEPT = 4

# Time, ordinal and what the row's JSON is made of.
Found = tuple[int, int, Any]
Dictionaries = dict[str, Table]


class InPlaceEngine:
    """The engine of one dataset. It opens its database when it is first asked."""

    def __init__(self, home: Path, dataset_id: str, described: DatasetSettings, seconds: float = FOREVER, *, pooled: bool = True) -> None:
        """`seconds` is how long one statement for a request may take; `pooled` engines keep connections until they are closed."""
        self._home, self._dataset, self._described, self._seconds = home, dataset_id, described, seconds
        self._pooled = pooled
        self._lock = threading.Lock()
        self._known: Place | None = None
        self._synced: dict[str, Synced] = {}

    def page(self, plan: Plan) -> Page:
        """The page; erased rows are dropped here, before anyone else sees them."""
        with self._available():
            wanted = plan.limit + 1
            found = self._fetch(plan, plan.after, wanted)
            rows = [row for row in found if row[1] not in plan.excluded]
            while len(rows) < wanted and len(found) == wanted:
                time, ordinal, _ = found[-1]
                found = self._fetch(plan, Mark(plan.version, 0, time, ordinal), wanted)
                rows += [row for row in found if row[1] not in plan.excluded]
        shown = rows[: plan.limit]
        return Page(
            rows=[self.written(row[2], plan.columns) for row in shown],
            ordinals=[row[1] for row in shown],
            # A place in a version is a thing of files; time and ordinal say the same.
            marks=[(0, row[0]) for row in shown],
            version=plan.version,
            more=len(rows) > plan.limit,
        )

    def withheld(self, dataset: str, version: str, tests: Sequence[Test], records: int) -> Withheld:
        """Conditions on columns of many values are left out of the counts of deleted and objecting rows."""
        with self._available():
            place, synced = self._place(), self._version(version)
            mine = [_condition(place, test, {}) for test in tests]
            kept = [_condition(place, test, {}) for test in tests if test.column.name in synced.kept]
            deleted, objects = place.marked(place.described.deleted), place.marked(place.described.objects)
            inside = self._count(synced, [place.served, *mine]) - self._count(synced, [place.served, *mine], synced.erased)
            gone = self._count(synced, [deleted, *kept]) + self._count(synced, [not_(deleted), *kept], synced.erased)
            objecting = [not_(deleted), objects, *kept]
            objected = self._count(synced, objecting) - self._count(synced, objecting, synced.erased)
        # Rows that the source has added to what a contract sees since the refresh are not withheld.
        return Withheld(max(0, records - inside), gone, objected)

    def matching(self, version: str, tests: Sequence[Condition], excluded: Ordinals) -> tuple[Place, Select[Any]]:
        """A version's rows that are served, meet every test, none of them on a pseudonym, and are not excluded, to be counted by `answer`."""
        with self._available():
            place = self._place()
            ordinal = place.ordinals.c["_ord"]
            conditions = [place.served, ordinal <= self._version(version).highest, *[_condition(place, each, {}) for each in tests]]
        conditions.append(_not_among(ordinal, list(excluded), place.engine.dialect.name))
        return place, select(ordinal).select_from(_joined(place, {})[0]).where(*conditions)

    def answer(self, statement: Executable) -> Sequence[Any]:
        """The rows of a statement made of `matching`."""
        with self._available():
            return self._run(self._place(), statement)

    def count(self, version: str, tests: Sequence[Condition], excluded: Ordinals) -> int:
        """How many rows `matching` finds."""
        _, found = self.matching(version, tests, excluded)
        return int(self.answer(found.with_only_columns(func.count()))[0][0])

    def close(self) -> None:
        """Close what is open of the database; a further page opens it again."""
        with self._lock:
            if self._known is not None:
                self._known.engine.dispose()

    def statement(self, place: Place, plan: Plan, inner: Select[Any]) -> Executable:
        """What is sent for the rows that `inner` finds; an engine that writes JSON itself wraps it."""
        return inner

    def written(self, values: Any, columns: Sequence[Column]) -> str:
        """One row as JSON."""
        return orjson.dumps({column.name: _plain(value) for column, value in zip(columns, values, strict=True)}).decode()

    def values(self, row: Sequence[Any]) -> Any:
        """What `written` makes JSON of, out of a row of `statement`."""
        return tuple(row[2:])

    def shown(self, place: Place, column: Column, dictionaries: Dictionaries) -> ColumnElement[Any]:
        """A field as the statement selects it."""
        return dictionaries[column.name].c.pseudonym if column.pseudonym else value_of(place, column)

    def _fetch(self, plan: Plan, after: Mark | None, limit: int) -> list[Found]:
        place, bound = self._place(), self._version(plan.version).highest
        tests = list(leaves(plan.tests))
        named = dict.fromkeys(each.name for each in [*plan.columns, *(test.column for test in tests)] if each.pseudonym)
        dictionaries = {name: place.dictionary(plan.contract_id, name) for name in named}
        joined, ready = _joined(place, dictionaries)
        ordinal, time = place.ordinals.c["_ord"], place.time
        conditions = [*ready, place.served, ordinal <= bindparam("highest", bound)]
        conditions += [_condition(place, test, dictionaries) for test in plan.tests]
        if after is not None:
            conditions.append(_after(place, after) if plan.shuffle is None else behind(place, plan.shuffle, after))
        if plan.sample is not None:
            conditions.append(plan.sample.condition(cast(ordinal, BigInteger)))
        order = [ordinal] if time is None else [time, ordinal]
        columns = [self.shown(place, column, dictionaries).label(column.name) for column in plan.columns]
        first = ordinal.label("_t") if time is None else time.label("_t")
        if plan.shuffle is not None and time is not None:
            latest = self._latest(place, select(time).select_from(joined).where(*conditions).order_by(*order), limit)
            if latest is not None:
                conditions.append(not_(not_before(place, plan.shuffle.ends(plan.shuffle.began(latest)))))
            order = [began_of(plan.shuffle, time), place_of(plan.shuffle, ordinal), ordinal]
        inner = select(first, ordinal.label("_ord"), *columns).select_from(joined).where(*conditions).order_by(*order).limit(limit)
        rows = self._run(place, self.statement(place, plan, inner))
        return [(0 if time is None else _marked(plan, row[0]), int(row[1]), self.values(row)) for row in rows]

    def _latest(self, place: Place, times: Select[Any], limit: int) -> int | None:
        """The time, as in marks, before whose day or month ends as many rows lie as are wanted; None where there are fewer."""
        found = self._run(place, times.offset(limit - 1).limit(1))
        return to_mark(found[0][0]) if found else None

    def _run(self, place: Place, statement: Executable) -> Sequence[Any]:
        """Rows of a statement for a request; `query_too_slow` where it takes too long and its driver can stop it."""
        with place.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            stop = getattr(driver, "interrupt", None) or getattr(driver, "cancel", None) or (lambda: None)
            running: Running | None = None
            try:
                with DEADLINES.within(self._seconds, stop) as running:
                    return connection.execute(statement).all()
            except SQLAlchemyError as error:
                raise (running.failed(_unavailable(error)) if running else _unavailable(error)) from error
            finally:
                # A cancel that comes late must not meet the connection's next statement.
                if running and running.stopped:
                    connection.invalidate()

    def _count(self, synced: Synced, conditions: Sequence[ColumnElement[bool]], among: Ordinals | None = None) -> int:
        """Rows of the version that meet the conditions; with `among`, only those of these ordinals."""
        place = self._place()
        ordinal = place.ordinals.c["_ord"]
        query = select(func.count()).select_from(_joined(place, {})[0]).where(ordinal <= synced.highest, *conditions)
        with place.engine.connect() as connection:
            if among is None:
                return int(connection.execute(query).scalar_one())
            listed = list(among)
            parts = [listed[start : start + _CHUNK] for start in range(0, len(listed), _CHUNK)]
            return sum(int(connection.execute(query.where(ordinal.in_(part))).scalar_one()) for part in parts)

    def _place(self) -> Place:
        with self._lock:
            if self._known is None:
                place = Place(self._dataset, self._described, database.open_database(self._dataset, self._described, pooled=self._pooled))
                place.rows  # noqa: B018 - looks the columns up, or says that the database does not answer
                self._known = place
            return self._known

    def _version(self, version: str) -> Synced:
        known = self._synced.get(version)
        if known is None:
            known = read_synced(self._home, self._dataset, version)
            with self._lock:
                while len(self._synced) >= _VERSIONS_KEPT:
                    self._synced.pop(next(iter(self._synced)))
                self._synced[version] = known
        return known

    @contextmanager
    def _available(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, Misconfigured, OSError) as error:
            # The database's own words may hold values of records: only the kind of error goes to the log.
            raise _unavailable(error) from error


def _joined(place: Place, dictionaries: Dictionaries) -> tuple[FromClause, list[ColumnElement[bool]]]:
    """Rows with their numbers and dictionaries; and what says that a row has every pseudonym that it needs."""
    joined: FromClause = place.rows.join(place.ordinals, place.ordinals.c["_key"] == place.key)
    ready: list[ColumnElement[bool]] = []
    for field, made in dictionaries.items():
        value = place.value(field)
        joined = joined.outerjoin(made, made.c.value == value)
        ready.append(or_(value.is_(None), made.c.value.is_not(None)))
    return joined, ready


def _marked(plan: Plan, time: object) -> int:
    """The time of a mark: the row's, or when its day or month began."""
    return to_mark(time) if plan.shuffle is None else plan.shuffle.began(to_mark(time))


def _after(place: Place, after: Mark) -> ColumnElement[bool]:
    """Rows behind a mark, in a form that an index on the time serves."""
    ordinal, time = place.ordinals.c["_ord"], place.time
    if time is None or place.described.time is None:
        return ordinal > after.ordinal
    moment = from_mark(place.described.fields[place.described.time].type, after.time)
    return and_(time >= moment, or_(time > moment, ordinal > after.ordinal))


def _not_among(ordinal: ColumnElement[Any], excluded: list[int], dialect: str) -> ColumnElement[bool]:
    """The rows of other ordinals, however many these are: databases take some tens of thousands of bound values at most."""
    if dialect == "postgresql":
        return ordinal != all_(bindparam("excluded", excluded, ARRAY(BigInteger)))
    if dialect == "sqlite":
        return ordinal.not_in(select(func.json_each(bindparam("excluded", json.dumps(excluded))).table_valued("value").c.value))
    return ordinal.not_in(bindparam("excluded", excluded, expanding=True, literal_execute=True))


def _condition(place: Place, tree: Condition, made: Dictionaries, *, denied: bool = False) -> ColumnElement[bool]:
    """The SQL of a condition. Below a `not`, a test of a missing value is false and not unknown, so that its denial is true."""
    match tree:
        case All(parts):
            return and_(true(), *[_condition(place, part, made, denied=denied) for part in parts])
        case AnyOf(parts):
            return or_(false(), *[_condition(place, part, made, denied=denied) for part in parts])
        case Not(part):
            return not_(_condition(place, part, made, denied=True))
        case Test():
            found = _test(place, tree, made)
            return func.coalesce(found, false()) if denied else found


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
    "in": lambda have, bound: have.in_(bound),
    "prefix": lambda have, bound: func.substr(have, 1, len(bound)) == bound,
    # Every dialect has replace(), and none takes the case of letters, or a sign such as %, for its own there.
    "contains": lambda have, bound: func.replace(have, bound, "") != have if bound else have.is_not(None),
}


def _test(place: Place, test: Test, made: Dictionaries) -> ColumnElement[bool]:
    column = test.column
    have = made[column.name].c.pseudonym if column.pseudonym else value_of(place, column)
    found: ColumnElement[bool] = _COMPARISONS[test.op](have, test.value)
    return found


def _plain(value: Any) -> Any:
    """A value as JSON holds it, in the form in which engines write it; orjson writes numbers that JSON has not as null."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value.isoformat() if isinstance(value, date) else value


def _unavailable(error: Exception) -> Refused:
    log.error("engine.failed", error=type(error).__name__)
    return refuse("dataset_unavailable", "The dataset cannot be read now. Try again shortly; if it stays so, tell the platform.")

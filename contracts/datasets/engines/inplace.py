"""Reads a table where it lies, through SQLAlchemy: one statement finds, filters and joins; Python writes the JSON.

Experimental for every database but those whose suite of the port runs here (`tests/contracts/datasets/engines`). A row is served when a
refresh has given it a number, its marks are not set now, and every pseudonym that it needs is there: a row that is new or was given to
somebody else at the source waits for the next refresh.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, overload

import orjson
import structlog
from sqlalchemy import BigInteger, ColumnElement, Connection, Executable, FromClause, Select, and_, bindparam, cast, func, not_, or_, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from contracts.datasets import database
from contracts.datasets.engines.deadline import DEADLINES, FOREVER, Running
from contracts.datasets.engines.inplace_coarse import began_of, behind, not_before, place_of, value_of
from contracts.datasets.engines.inplace_where import Dictionaries, Names, condition, given, not_among
from contracts.datasets.engines.inplace_where import shape as shape_of
from contracts.datasets.engines.sought import Shapes, Sought
from contracts.datasets.marks import from_mark, to_mark
from contracts.datasets.place import Place
from contracts.datasets.plan import Column, Condition, Mark, Page, Plan, Test, Withheld, leaves
from contracts.datasets.synced import Synced, read_synced
from contracts.deliveries.ordinals import Ordinals
from contracts.errors import Misconfigured, Refused, refuse
from contracts.settings import DatasetSettings

log = structlog.get_logger()

_CHUNK = 500
# Rows that a page reads beyond its own where some of the dataset are erased, so that meeting a few of them costs no second statement.
_SPARE = 20
_VERSIONS_KEPT = 4

T = TypeVar("T")


class InPlaceEngine:
    """The engine of one dataset. It opens its database when it is first asked."""

    def __init__(self, home: Path, dataset_id: str, described: DatasetSettings, seconds: float = FOREVER, *, pooled: bool = True) -> None:
        """`seconds` is how long one statement for a request may take; `pooled` engines keep connections until they are closed."""
        self._home, self._dataset, self._described, self._seconds = home, dataset_id, described, seconds
        self._pooled = pooled
        self._lock = threading.Lock()
        self._known: Place | None = None
        self._synced: dict[str, Synced] = {}
        self._shapes = Shapes()

    def page(self, plan: Plan) -> Page:
        """The page; erased rows are dropped here, before anyone else sees them."""
        with self._available():
            wanted, time_of = plan.limit + 1, partial(self._time, plan)
            most = wanted + min(len(plan.excluded), _SPARE)
            found = self._fetch(plan, plan.after, most)
            rows = _served(found, plan)
            while len(rows) < wanted and len(found) == most:
                found = self._fetch(plan, Mark(plan.version, 0, time_of(found[-1]), int(found[-1][1])), most)
                rows = [*rows, *_served(found, plan)]
        shown = rows[: plan.limit]
        return Page(
            rows=self.written(shown, plan.columns),
            ordinals=[int(row[1]) for row in shown],
            marks=_Marks(time_of, shown),
            version=plan.version,
            more=len(rows) > plan.limit,
        )

    def withheld(self, dataset: str, version: str, tests: Sequence[Test], records: int) -> Withheld:
        """Conditions on columns of many values are left out of the counts of deleted and objecting rows."""
        with self._available():
            place, synced = self._place(), self._version(version)
            mine = [condition(place, test, {}) for test in tests]
            kept = [condition(place, test, {}) for test in tests if test.column.name in synced.kept]
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
            conditions = [place.served, ordinal <= self._version(version).highest, *[condition(place, each, {}) for each in tests]]
        conditions.append(not_among(ordinal, list(excluded), place.engine.dialect.name))
        return place, select(ordinal).select_from(_joined(place, {})[0]).where(*conditions)

    def answer(self, statement: Executable) -> Sequence[Any]:
        """The rows of a statement made of `matching`."""
        with self._available():
            return self._run(lambda connection: connection.execute(statement).all())

    def count(self, version: str, tests: Sequence[Condition], excluded: Ordinals) -> int:
        """How many rows `matching` finds."""
        _, found = self.matching(version, tests, excluded)
        return int(self.answer(found.with_only_columns(func.count()))[0][0])

    def close(self) -> None:
        """Close what is open of the database; a further page opens it again."""
        with self._lock:
            if self._known is not None:
                self._known.engine.dispose()

    def statement(self, place: Place, plan: Plan, inner: Select[Any]) -> Select[Any]:
        """What is sent for the rows that `inner` finds; an engine that writes JSON itself wraps it."""
        return inner

    def written(self, rows: Sequence[Sequence[Any]], columns: Sequence[Column]) -> list[str]:
        """Rows of `rows` as JSON."""
        names = [column.name for column in columns]
        return [orjson.dumps(dict(zip(names, map(_plain, row[2:]), strict=True))).decode() for row in rows]

    def shown(self, place: Place, column: Column, dictionaries: Dictionaries) -> ColumnElement[Any]:
        """A field as the statement selects it."""
        return dictionaries[column.name].c.pseudonym if column.pseudonym else value_of(place, column)

    def rows(self, connection: Connection, sought: Sought, given: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """What a statement of a page finds."""
        return connection.execute(sought.statement, given).all()

    def _fetch(self, plan: Plan, after: Mark | None, limit: int) -> Sequence[Sequence[Any]]:
        """Rows after a mark: the time, the ordinal, and what `written` makes JSON of."""
        place = self._place()
        values = {**given(plan.tests), **_marked_by(place, after), "highest": self._version(plan.version).highest, "most": limit}
        if plan.shuffle is None:
            shape = (plan.contract_id, plan.columns, tuple(map(shape_of, plan.tests)), plan.sample, after is None)
            sought = self._shapes.of(shape, lambda: self._sought(place, plan, after, values))
        else:
            # Where a day or month ends is part of the statement.
            sought = self._sought(place, plan, after, values)
        return self._run(lambda connection: self.rows(connection, sought, values))

    def _time(self, plan: Plan, row: Sequence[Any]) -> int:
        """The time of a row's mark: its own, or when its day or month began; 0 where ordinals alone order rows."""
        if self._described.time is None:
            return 0
        return to_mark(row[0]) if plan.shuffle is None else plan.shuffle.began(to_mark(row[0]))

    def _sought(self, place: Place, plan: Plan, after: Mark | None, values: Mapping[str, Any]) -> Sought:
        """The statement of a page, for every page of its shape; with a shuffle for this one alone, which has these values."""
        tests = list(leaves(plan.tests))
        named = dict.fromkeys(each.name for each in [*plan.columns, *(test.column for test in tests)] if each.pseudonym)
        dictionaries = {name: place.dictionary(plan.contract_id, name) for name in named}
        joined, ready = _joined(place, dictionaries)
        ordinal, time, bind = place.ordinals.c["_ord"], place.time, Names()
        conditions = [*ready, place.served, ordinal <= bindparam("highest", None, BigInteger)]
        conditions += [condition(place, test, dictionaries, bind) for test in plan.tests]
        if after is not None:
            conditions.append(_after(place) if plan.shuffle is None else behind(place, plan.shuffle, after))
        if plan.sample is not None:
            conditions.append(plan.sample.condition(cast(ordinal, BigInteger)))
        order = [ordinal] if time is None else [time, ordinal]
        columns = [self.shown(place, column, dictionaries).label(column.name) for column in plan.columns]
        first = ordinal.label("_t") if time is None else time.label("_t")
        if plan.shuffle is not None and time is not None:
            latest = self._latest(select(time).select_from(joined).where(*conditions).order_by(*order), values)
            if latest is not None:
                conditions.append(not_(not_before(place, plan.shuffle.ends(plan.shuffle.began(latest)))))
            order = [began_of(plan.shuffle, time), place_of(plan.shuffle, ordinal), ordinal]
        inner = select(first, ordinal.label("_ord"), *columns).select_from(joined).where(*conditions).order_by(*order)
        return Sought(self.statement(place, plan, inner.limit(bindparam("most", None, BigInteger))), place.engine.dialect)

    def _latest(self, times: Select[Any], values: Mapping[str, Any]) -> int | None:
        """The time, as in marks, before whose day or month ends as many rows lie as are wanted; None where there are fewer."""
        last = times.offset(values["most"] - 1).limit(1)
        found = self._run(lambda connection: connection.execute(last, values).all())
        return to_mark(found[0][0]) if found else None

    def _run(self, ask: Callable[[Connection], Sequence[T]]) -> Sequence[T]:
        """Rows of a statement for a request; `query_too_slow` where it takes too long and its driver can stop it."""
        try:
            return self._within(ask)
        except DBAPIError as error:
            # The connection had died since it was last used, and so may all others have: they are opened anew. Reading changes nothing.
            if not error.connection_invalidated:
                raise
        return self._within(ask)

    def _within(self, ask: Callable[[Connection], Sequence[T]]) -> Sequence[T]:
        with self._place().engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            stop = getattr(driver, "interrupt", None) or getattr(driver, "cancel", None) or (lambda: None)
            running: Running | None = None
            try:
                with DEADLINES.within(self._seconds, stop) as running:
                    return ask(connection)
            except SQLAlchemyError as error:
                if running and running.stopped:
                    raise running.failed(_unavailable(error)) from error
                raise
            finally:
                # A cancel that comes late must not meet the connection's next statement.
                if running and running.stopped:
                    connection.invalidate()

    def _count(self, synced: Synced, conditions: Sequence[ColumnElement[bool]], among: Ordinals | None = None) -> int:
        """Rows of the version that meet the conditions; with `among`, only those of these ordinals."""
        place = self._place()
        ordinal = place.ordinals.c["_ord"]
        query = select(func.count()).select_from(_joined(place, {})[0]).where(ordinal <= synced.highest, *conditions)
        listed = list(among or ())
        parts = [listed[start : start + _CHUNK] for start in range(0, len(listed), _CHUNK)]
        queries = [query] if among is None else [query.where(ordinal.in_(part)) for part in parts]
        with place.engine.connect() as connection:
            return sum(int(connection.execute(each).scalar_one()) for each in queries)

    def _place(self) -> Place:
        with self._lock:
            if self._known is None:
                opened = database.open_database(self._dataset, self._described, pooled=self._pooled, alone=True)
                place = Place(self._dataset, self._described, opened)
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


class _Marks(Sequence[tuple[int, int]]):
    """The marks of a page's rows, of which hardly any but the last is asked for."""

    def __init__(self, time_of: Callable[[Sequence[Any]], int], rows: Sequence[Sequence[Any]]) -> None:
        self._time_of, self._rows = time_of, rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> tuple[int, int]: ...
    @overload
    def __getitem__(self, at: slice) -> list[tuple[int, int]]: ...
    def __getitem__(self, at: int | slice) -> tuple[int, int] | list[tuple[int, int]]:
        # A place in a version is a thing of files; time and ordinal say the same.
        if isinstance(at, int):
            return 0, self._time_of(self._rows[at])
        return [(0, self._time_of(row)) for row in self._rows[at]]


def _served(found: Sequence[Sequence[Any]], plan: Plan) -> Sequence[Sequence[Any]]:
    return [row for row in found if row[1] not in plan.excluded] if plan.excluded else found


def _after(place: Place) -> ColumnElement[bool]:
    """Rows behind a mark, in a form that an index on the time serves."""
    ordinal, time, last = place.ordinals.c["_ord"], place.time, bindparam("after_ordinal", None, BigInteger)
    if time is None:
        return ordinal > last
    moment = bindparam("after_time", None, time.type)
    return and_(time >= moment, or_(time > moment, ordinal > last))


def _marked_by(place: Place, after: Mark | None) -> dict[str, Any]:
    """What `_after` binds."""
    if after is None:
        return {}
    if place.described.time is None:
        return {"after_ordinal": after.ordinal}
    moment = from_mark(place.described.fields[place.described.time].type, after.time)
    return {"after_ordinal": after.ordinal, "after_time": moment}


def _plain(value: Any) -> Any:
    """A value as JSON holds it, in the form in which engines write it; orjson writes numbers that JSON has not as null."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value.isoformat() if isinstance(value, date) else value


def _unavailable(error: Exception) -> Refused:
    log.error("engine.failed", error=type(error).__name__)
    return refuse("dataset_unavailable", "The dataset cannot be read now. Try again shortly; if it stays so, tell the platform.")

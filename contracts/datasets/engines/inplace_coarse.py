"""Generalised values and their order through SQLAlchemy, in what every database has; SQLite is given a function for texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Date, Integer, String, and_, case, cast, extract, false, func, null, or_

from contracts.datasets.coarse import MASKS, Coarse
from contracts.datasets.marks import from_mark
from contracts.datasets.place import Place
from contracts.datasets.plan import Column, Mark
from contracts.datasets.shuffle import NEVER, Shuffle

_THOUSANDS = 1_000_000


def value_of(place: Place, column: Column) -> ColumnElement[Any]:
    """A field of a row as its contract sees it; a pseudonym's own value is another's to find."""
    value = place.value(column.name)
    return value if column.coarse is None else _SQL[column.coarse.grain](column.coarse, value, place.engine.dialect.name)


def began_of(shuffle: Shuffle, time: ColumnElement[Any]) -> ColumnElement[int]:
    """A number by which days or months are in order."""
    month = _month_number(time)
    return month if shuffle.grain == "month" else month * 100 + cast(extract("day", time), Integer)


def place_of(shuffle: Shuffle, ordinal: ColumnElement[Any]) -> ColumnElement[int]:
    """A row's place within its day or month."""
    found: ColumnElement[int] = shuffle.place(cast(ordinal, BigInteger))
    return found


def behind(place: Place, shuffle: Shuffle, mark: Mark) -> ColumnElement[bool]:
    """Rows behind a mark of a shuffled order, in a form that an index on the time serves."""
    ordinal, began = place.ordinals.c["_ord"], shuffle.began(mark.time)
    here, number = place_of(shuffle, ordinal), shuffle.place(mark.ordinal)
    within = or_(here > number, and_(here == number, ordinal > mark.ordinal))
    return and_(not_before(place, began), or_(not_before(place, shuffle.ends(began)), within))


def not_before(place: Place, moment: int) -> ColumnElement[bool]:
    """Rows of a moment or later, which is counted as in marks."""
    if moment == NEVER:
        return false()
    name = place.described.time or ""
    found: ColumnElement[bool] = place.value(name) >= from_mark(place.described.fields[name].type, moment)
    return found


def _day(_coarse: Coarse, value: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    # SQLite keeps times as text, and makes a number of it where it is cast to a date.
    return func.date(value, type_=Date()) if dialect == "sqlite" else cast(value, Date)


def _month(_coarse: Coarse, value: ColumnElement[Any], _dialect: str) -> ColumnElement[Any]:
    digits = cast(_month_number(value) + _THOUSANDS, String)
    return func.substr(digits, 2, 4) + "-" + func.substr(digits, 6, 2)


def _month_number(value: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(extract("year", value), Integer) * 100 + cast(extract("month", value), Integer)


def _masked(_coarse: Coarse, value: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    # PostgreSQL alone replaces the first place where it is not told otherwise.
    flags = ("g",) if dialect == "postgresql" else ()
    for pattern, mark in MASKS:
        value = func.regexp_replace(value, pattern, mark, *flags, type_=String())
    return value


def _region(coarse: Coarse, value: ColumnElement[Any], _dialect: str) -> ColumnElement[Any]:
    if not coarse.regions:
        return func.substr(value, 1, coarse.letters, type_=String())
    values: dict[str, list[str]] = {}
    for each, region in coarse.regions:
        values.setdefault(region, []).append(each)
    return case(*[(value.in_(named), region) for region, named in values.items()], else_=null())


_SQL: dict[str, Callable[[Coarse, ColumnElement[Any], str], ColumnElement[Any]]] = {
    "day": _day,
    "month": _month,
    "masked": _masked,
    "region": _region,
}

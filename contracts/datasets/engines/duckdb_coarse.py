"""Generalised values and their order in DuckDB's SQL. Nothing of the text comes from a request: grains and regions are the settings'."""

from __future__ import annotations

from collections.abc import Callable

from contracts.datasets.coarse import MASKS, Coarse
from contracts.datasets.files import literal, quoted
from contracts.datasets.plan import Column
from contracts.datasets.shuffle import FIRST, LAST, NO_TIME, Shuffle

_ORDINAL = "r._ord::BIGINT"


def value_of(column: Column) -> str:
    """A field of a row `r` as its contract sees it."""
    name = f"r.{quoted(column.name)}"
    return name if column.coarse is None else _SQL[column.coarse.grain](column.coarse, name)


def order_of(shuffle: Shuffle) -> str:
    """The order of a shuffle."""
    return f"{began_in_sql(shuffle)}, {shuffle.place_in_sql(_ORDINAL)}, r._ord"


def began_in_sql(shuffle: Shuffle) -> str:
    """When the day or month of a row began: `Shuffle.began` of its `_t`."""
    moment = f"make_timestamp(least(r._t, {LAST}))"
    return f"CASE WHEN r._t < {FIRST} THEN {NO_TIME} ELSE epoch_us(date_trunc({literal(shuffle.grain)}, {moment})) END"


def behind(shuffle: Shuffle, time: int, ordinal: int) -> tuple[str, list[int]]:
    """Rows behind a mark, in a form that the file's order by `_t` serves, and its values."""
    place = shuffle.place_in_sql(_ORDINAL)
    later = f"r._t >= ? OR {place} > ? OR ({place} = ? AND r._ord > ?)"
    began, here = shuffle.began(time), shuffle.place(ordinal)
    return f"r._t >= ? AND ({later})", [began, shuffle.ends(began), here, here, ordinal]


def _day(_coarse: Coarse, name: str) -> str:
    return f"{name}::DATE"


def _month(_coarse: Coarse, name: str) -> str:
    return f"strftime({name}, '%Y-%m')"


def _masked(_coarse: Coarse, name: str) -> str:
    for pattern, mark in MASKS:
        name = f"regexp_replace({name}, {literal(pattern)}, {literal(mark)}, 'g')"
    return name


def _region(coarse: Coarse, name: str) -> str:
    if not coarse.regions:
        return f"left({name}, {coarse.letters})"
    values: dict[str, list[str]] = {}
    for value, region in coarse.regions:
        values.setdefault(region, []).append(literal(value))
    branches = [f"WHEN list_contains([{', '.join(named)}], {name}) THEN {literal(region)}" for region, named in values.items()]
    return f"(CASE {' '.join(branches)} END)"


_SQL: dict[str, Callable[[Coarse, str], str]] = {"day": _day, "month": _month, "masked": _masked, "region": _region}

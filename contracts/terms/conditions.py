"""Row conditions as a set of rows: brought into one form, met, and compared. Pure.

Values are compared only where one order is certain without knowing the field: integers with integers, days with days, and moments
in UTC of one spelling. Other values are equal or different, so that what cannot be compared never makes rows wider.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from contracts.terms.model import Condition, Value

_LOW, _HIGH = ("gte", "gt"), ("lte", "lt")
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z\Z")


def combined(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """Conditions that hold for the same rows, in one form: sorted, one list of values a field, no range that another one implies.

    A field whose conditions no value meets has one of an empty list. The form of a form is itself, in whatever parts and order the
    conditions come.
    """
    by_field: dict[str, list[Condition]] = {}
    for each in conditions:
        by_field.setdefault(each.field, []).append(each)
    return tuple(each for name in sorted(by_field) for each in _of_field(name, by_field[name]))


def implied(condition: Condition, by: Sequence[Condition]) -> bool:
    """Whether rows that meet all of the conditions meet this one too, as far as their values can be compared."""
    return combined((*by, condition)) == combined(by)


def _of_field(name: str, conditions: Sequence[Condition]) -> list[Condition]:
    ranges = [each for each in conditions if each.op not in ("eq", "in")]
    listed = [values_of(each) for each in conditions if each.op in ("eq", "in")]
    tight = [each for each in ranges if not any(_tighter(other, each) for other in ranges)]
    once = {(each.op, type(each.value).__name__, each.value): each for each in tight}
    if any(_exclude(low, high) for low in once.values() for high in once.values()):
        return [_listed(name, ())]
    if listed:
        values = [value for value in listed[0] if all(_among(value, others) for others in listed[1:])]
        values = [value for value in values if all(_meets(value, each) is not False for each in once.values())]
        left = [each for each in once.values() if not all(_meets(value, each) for value in values)]
        return [_listed(name, values), *_sorted(left)]
    return _sorted(once.values())


def values_of(condition: Condition) -> tuple[Value, ...]:
    """The value or values of a condition."""
    return condition.value if isinstance(condition.value, tuple) else (condition.value,)


def _listed(name: str, values: Iterable[Value]) -> Condition:
    kept = sorted({(type(value).__name__, value) for value in values}, key=lambda each: (each[0], str(each[1])))
    alone = kept[0][1] if len(kept) == 1 else None
    return (
        Condition(field=name, op="in", value=tuple(value for _, value in kept))
        if alone is None
        else Condition(field=name, op="eq", value=alone)
    )


def _among(value: Value, values: Iterable[Value]) -> bool:
    """Whether it is one of them; `True` is not 1."""
    return any(type(value) is type(each) and value == each for each in values)


def _kind(value: object) -> str:
    """Values of one kind have one order; an empty kind has none."""
    if isinstance(value, str):
        return "day" if _DAY.match(value) else f"moment{len(value)}" if _MOMENT.match(value) else ""
    return "integer" if type(value) is int else ""


def _comparable(one: object, other: object) -> bool:
    return _kind(one) == _kind(other) != ""


def _meets(value: Value, bound: Condition) -> bool | None:
    """Whether a value meets a range; None where they cannot be compared."""
    if not _comparable(value, bound.value):
        return None
    is_less, is_equal = value < bound.value, value == bound.value  # type: ignore[operator]  # both are of one kind, which has an order
    return {"gte": not is_less, "gt": not (is_less or is_equal), "lte": is_less or is_equal, "lt": is_less}[bound.op]


def _tighter(one: Condition, other: Condition) -> bool:
    """Whether one range leaves strictly less than the other: the same side, and a bound further in."""
    same_side = (one.op in _LOW) == (other.op in _LOW)
    if not same_side or not _comparable(one.value, other.value) or (one.op, one.value) == (other.op, other.value):
        return False
    if one.value == other.value:
        return one.op in ("gt", "lt")
    return (one.value > other.value) == (one.op in _LOW)  # type: ignore[operator]  # both are of one kind, which has an order


def _exclude(low: Condition, high: Condition) -> bool:
    if low.op not in _LOW or high.op not in _HIGH or not _comparable(low.value, high.value):
        return False
    if low.value == high.value:
        return (low.op, high.op) != ("gte", "lte")
    return bool(low.value > high.value)  # type: ignore[operator]  # both are of one kind, which has an order


def _sorted(ranges: Iterable[Condition]) -> list[Condition]:
    return sorted(ranges, key=lambda each: (each.op, type(each.value).__name__, str(each.value)))

"""Conditions on rows as SQL, through SQLAlchemy. Values are always bound: as they are, or under names that other values can be sent for."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import ARRAY, BigInteger, BindParameter, ColumnElement, Table, all_, and_, bindparam, false, func, not_, or_, select, true
from sqlalchemy.types import NullType

from contracts.datasets.engines.inplace_coarse import value_of
from contracts.datasets.place import Place
from contracts.datasets.plan import All, AnyOf, Condition, Not, Test, leaves

Dictionaries = Mapping[str, Table]
Bind = Callable[[ColumnElement[Any], Any], Any]


class Names:
    """Binds values under names that follow from their order, so that one statement serves every request of its shape."""

    def __init__(self) -> None:
        self._given = 0

    def __call__(self, have: ColumnElement[Any], value: Any) -> BindParameter[Any]:
        """A name for what a column is compared with, in the column's type, so that the next value may be a longer number."""
        name, self._given = _name(self._given), self._given + 1
        return bindparam(name, value=value) if isinstance(have.type, NullType) else bindparam(name, None, have.type)


def as_it_is(_have: ColumnElement[Any], value: Any) -> Any:
    """A value for a statement that is built for it alone."""
    return value


def given(conditions: Iterable[Condition]) -> dict[str, Any]:
    """The values of conditions under the names that `Names` gives them."""
    values = (value for test in leaves(conditions) for value in _values(test))
    return {_name(number): value for number, value in enumerate(values)}


def shape(tree: Condition) -> object:
    """What a condition's statement depends on: everything but its values, of which it is how many there are and of what kind."""
    match tree:
        case All(parts):
            return "and", *map(shape, parts)
        case AnyOf(parts):
            return "or", *map(shape, parts)
        case Not(part):
            return "not", shape(part)
        case Test():
            return tree.column, tree.op, _letters(tree), *map(type, _values(tree))


def condition(place: Place, tree: Condition, made: Dictionaries, bind: Bind = as_it_is, *, denied: bool = False) -> ColumnElement[bool]:
    """The SQL of a condition. Below a `not`, a test of a missing value is false and not unknown, so that its denial is true."""
    match tree:
        case All(parts):
            return and_(true(), *[condition(place, part, made, bind, denied=denied) for part in parts])
        case AnyOf(parts):
            return or_(false(), *[condition(place, part, made, bind, denied=denied) for part in parts])
        case Not(part):
            return not_(condition(place, part, made, bind, denied=True))
        case Test():
            found = _test(place, tree, made, bind)
            return func.coalesce(found, false()) if denied else found


def not_among(ordinal: ColumnElement[Any], excluded: list[int], dialect: str) -> ColumnElement[bool]:
    """The rows of other ordinals, however many these are: databases take some tens of thousands of bound values at most."""
    if dialect == "postgresql":
        return ordinal != all_(bindparam("excluded", excluded, ARRAY(BigInteger)))
    if dialect == "sqlite":
        return ordinal.not_in(select(func.json_each(bindparam("excluded", json.dumps(excluded))).table_valued("value").c.value))
    return ordinal.not_in(bindparam("excluded", excluded, expanding=True, literal_execute=True))


_COMPARISONS: dict[str, Callable[..., ColumnElement[bool]]] = {
    "eq": operator.eq,
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
    "in": lambda have, *bound: have.in_(bound),
    "prefix": operator.eq,
    # Every dialect has replace(), and none takes the case of letters, or a sign such as %, for its own there.
    "contains": lambda have, *bound: func.replace(have, *bound, "") != have if bound else have.is_not(None),
}


def _test(place: Place, test: Test, made: Dictionaries, bind: Bind) -> ColumnElement[bool]:
    column = test.column
    have = made[column.name].c.pseudonym if column.pseudonym else value_of(place, column)
    bound = [bind(have, value) for value in _values(test)]
    return _COMPARISONS[test.op](func.substr(have, 1, _letters(test)) if test.op == "prefix" else have, *bound)


def _values(test: Test) -> Iterator[Any]:
    """What a test binds, in order."""
    if isinstance(test.value, tuple):
        yield from test.value
    elif test.op != "contains" or test.value:
        yield test.value


def _letters(test: Test) -> int:
    """How much of a text a prefix is compared with, which a statement says and does not bind."""
    return len(str(test.value)) if test.op == "prefix" else 0


def _name(number: int) -> str:
    return f"v{number}"

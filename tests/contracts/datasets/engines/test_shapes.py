"""One statement serves every request of its shape: other values find other rows, and a session that died is replaced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, Integer, Text, column, event, select

from contracts.datasets.engines.sought import Shapes, Sought
from contracts.datasets.plan import AnyOf, Condition, Not
from contracts.deliveries.ordinals import Ordinals
from tests.contracts.datasets.engines.test_port import SERVED, Ground, ground, holds, test
from tests.harness.postgres import connected

__all__ = ["ground"]

in_place = pytest.mark.parametrize("ground", ["postgresql", "sqlalchemy"], indirect=True, scope="module")

SHAPES: dict[str, list[tuple[Condition, ...]]] = {
    "numbers": [(test("likes", "gte", number),) for number in (3, 2**40, 0, -(2**62))],
    "fractions": [(test("score", "lt", number),) for number in (3, 30.25, 2**40, -1)],
    "texts": [(test("lang", "eq", word), Not(test("country", "eq", other))) for word, other in (("de", "DE"), ("en", "SE"), ("%s", ":v1"))],
    "lists": [(test("lang", "in", words),) for words in (("de",), ("en",), ("fr", "de"), ("xx", "en"))],
    "beginnings": [(test("text", "prefix", words),) for words in ("Post 1", "Post 2", "Post", "P", "")],
    "parts": [(AnyOf((test("text", "contains", words), test("likes", "lt", most))),) for words, most in (("%", 1), ("1", 9), ("", 2))],
}


@in_place
@pytest.mark.parametrize("shape", SHAPES)
def test_other_values_find_other_rows(ground: Ground, shape: str) -> None:
    for conditions in [*SHAPES[shape], *SHAPES[shape]]:
        page = ground.page(*conditions, columns=("created_at", "likes"))
        expected = [each for each in SERVED if all(holds(ground, each, condition) for condition in conditions)]
        assert [json.loads(row)["likes"] for row in page.rows] == [each["likes"] for each in expected]


@contextmanager
def listening() -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@in_place
def test_a_page_is_one_statement_and_nothing_of_it_is_spliced(ground: Ground) -> None:
    with listening() as said:
        for words in ("needle", "straw' OR 'x"):
            ground.page(test("text", "contains", words), limit=17)
    assert len(said) == 2
    assert said[0] == said[1]
    assert not any(each in said[0] for each in ("needle", "17"))


@in_place
@pytest.mark.parametrize(("erased", "statements"), [(20, 1), (21, 2)])
def test_a_page_that_meets_few_erased_rows_is_one_statement(ground: Ground, erased: int, statements: int) -> None:
    ordinals = ground.page().ordinals
    with listening() as said:
        page = ground.page(limit=30, excluded=Ordinals(ordinals[:erased]))
    assert (list(page.ordinals), page.more, len(said)) == (list(ordinals[erased : erased + 30]), True, statements)


@pytest.mark.parametrize("ground", ["postgresql"], indirect=True, scope="module")
def test_sessions_that_the_database_ended_are_replaced_and_none_is_left_in_a_transaction(ground: Ground) -> None:
    whole = ground.page()
    with connected(ground.database) as connection:
        mine = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        states = connection.execute(f"SELECT DISTINCT state {mine}".encode()).fetchall()
        assert states == [("idle",)]
        connection.execute(f"SELECT pg_terminate_backend(pid) {mine}".encode())
    assert list(ground.page().ordinals) == list(whole.ordinals)


def test_the_oldest_shapes_are_forgotten() -> None:
    shapes, built = Shapes(), list[int]()

    def build(number: int) -> Sought:
        built.append(number)
        return Sought(select(column("a", Text()), column("b", Integer())), None)  # type: ignore[arg-type]  # nothing is sent

    for number in (*range(257), 256, 1, 0):
        shapes.of(number, lambda number=number: build(number))  # type: ignore[misc]  # bound where it is made
    assert built == [*range(257), 0]

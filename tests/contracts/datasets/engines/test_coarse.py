"""Every engine generalises alike: in what it writes, in what it compares, and in the order of its rows. Exact fields stay as they were."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from contracts.datasets.coarse import Coarse, Span
from contracts.datasets.engines import duckdb
from contracts.datasets.marks import to_mark
from contracts.datasets.plan import Column, Mark, Not, Op, Test
from contracts.datasets.shuffle import Shuffle, shuffle_of
from contracts.datasets.values import read
from contracts.deliveries.ordinals import Ordinals
from tests.contracts.datasets.engines.test_port import POSTS, SERVED, Ground, ground, own_ground  # noqa: F401 - fixtures
from tests.contracts.datasets.test_coarse import MASKED
from tests.harness.data import FIELDS

REGIONS = (("DE", "land"), ("FR", "land"), ("G'B", 'no"where'), ("GB", "the 'isles'"))
# As a first load gives them.
ORDINALS = {each["id"]: number for number, each in enumerate(sorted(POSTS, key=lambda each: (each["created_at"], each["id"])))}
COARSE = {
    "day": Column("created_at", "date", coarse=Coarse("day")),
    "month": Column("created_at", "string", coarse=Coarse("month")),
    "masked": Column("text", "string", coarse=Coarse("masked")),
    "handle": Column("author_handle", "string", coarse=Coarse("masked")),
    "mapped": Column("country", "string", coarse=Coarse("region", REGIONS)),
    "letters": Column("lang", "string", coarse=Coarse("region", letters=1)),
}


def seen(post: dict[str, Any], column: Column) -> Any:
    """The value of a post that a plan sees."""
    assert column.coarse is not None
    value = post[column.name]
    return None if value is None else column.coarse.of(read(FIELDS[column.name]["type"], value))


@pytest.mark.parametrize("name", COARSE)
def test_what_is_written_is_generalised(ground: Ground, name: str) -> None:  # noqa: F811 - the fixture
    column = COARSE[name]
    page = ground.engine.page(replace(ground.plan(), columns=(column,)))
    assert [json.loads(row) for row in page.rows] == [{column.name: _json(seen(each, column))} for each in SERVED]


TESTS: list[tuple[str, Op, Any]] = [
    ("day", "eq", read("date", "2026-01-02")),
    ("day", "in", (read("date", "2026-01-02"), read("date", "2026-01-04"))),
    ("day", "gt", read("date", "2026-01-02")),
    ("day", "lte", read("date", "2026-01-02")),
    ("month", "eq", "2026-01"),
    ("month", "lt", "2026-02"),
    ("month", "gte", "2026-02"),
    ("masked", "contains", "grüß dich"),
    ("handle", "eq", "[account]"),
    ("handle", "contains", "person"),
    ("handle", "prefix", "[acc"),
    ("mapped", "eq", "land"),
    ("mapped", "eq", "DE"),
    ("mapped", "in", ("the 'isles'", "GB")),
    ("letters", "eq", "d"),
    ("letters", "eq", "de"),
]


@pytest.mark.parametrize(("name", "op", "value"), TESTS, ids=str)
def test_what_is_compared_is_generalised(ground: Ground, name: str, op: Op, value: Any) -> None:  # noqa: F811 - the fixture
    column, test = COARSE[name], Test(COARSE[name], op, value)
    for condition, wanted in ((test, True), (Not(test), False)):
        page = ground.page(condition, columns=("likes", "score"))
        expected = [each for each in SERVED if test.met_by(seen(each, column)) is wanted]
        assert [json.loads(row) for row in page.rows] == [{"likes": each["likes"], "score": each["score"]} for each in expected]


def test_texts_are_masked_alike_by_every_engine(own_ground: Ground) -> None:  # noqa: F811 - the fixture
    # An empty cell of a file is no value.
    texts = [text for text in MASKED if text]
    own_ground.load([{**each, "text": texts[number % len(texts)]} for number, each in enumerate(POSTS)])
    page = own_ground.engine.page(replace(own_ground.plan(), columns=(COARSE["masked"],)))
    expected = [MASKED[texts[number % len(texts)]] for number, each in enumerate(POSTS) if each in SERVED]
    assert [json.loads(row)["text"] for row in page.rows] == expected


@pytest.mark.parametrize("span", ["day", "month"])
@pytest.mark.parametrize("limit", [7, 1_000])
def test_a_generalised_time_orders_by_its_span_and_then_by_a_keyed_hash(ground: Ground, span: Span, limit: int) -> None:  # noqa: F811 - the fixture
    shuffle = shuffle_of(span, b"k" * 32)
    placed = sorted((*_place(shuffle, each), each["id"]) for each in SERVED)
    shown: list[str] = []
    after: Mark | None = None
    while True:
        page = ground.page(columns=("id",), limit=limit, shuffle=shuffle, after=after)
        shown += [json.loads(row)["id"] for row in page.rows]
        assert [time for _, time in page.marks] == [place[0] for place in placed[len(shown) - len(page.rows) : len(shown)]]
        if not page.more:
            break
        after = page.mark(len(page.rows))
    assert shown == [ground.shown({"id": name}, "id") for *_, name in placed]
    assert shown != [ground.shown(each, "id") for each in SERVED]


def test_a_shuffled_page_keeps_conditions_samples_and_erasures(ground: Ground) -> None:  # noqa: F811 - the fixture
    shuffle, test = shuffle_of("day", b"k" * 32), Test(COARSE["letters"], "eq", "d")
    author = ground.shown({"author_id": "a3"}, "author_id")
    whole = ground.page(test, shuffle=shuffle)
    excluded = Ordinals(whole.ordinals[2:30])
    left = [each for each in whole.ordinals if each not in excluded]
    assert list(ground.page(test, shuffle=shuffle, limit=12, excluded=excluded).ordinals) == left[:12]
    found = ground.page(Test(Column("author_id", "string", pseudonym=True), "eq", author), columns=("id", "likes"), shuffle=shuffle)
    assert sorted(json.loads(row)["likes"] for row in found.rows) == sorted(each["likes"] for each in SERVED if each["author_id"] == "a3")
    assert ground.page(Test(COARSE["letters"], "eq", "x"), shuffle=shuffle).rows == []


def test_the_statement_of_exact_fields_is_what_it_was() -> None:
    columns = (Column("id", "string", pseudonym=True), Column("at", "timestamp"), Column("day", "date"), Column("n", "integer"))
    shape = ((columns[2], "gte"), (Column("t", "string"), "contains"), Not((columns[3], "in")))
    assert duckdb._query("a1", "a2", columns, shape, "r._pos > ?") == (
        "SELECT r._pos, r._ord, r._t, to_json({'id': 'ps_' || replace(p.\"id\"::VARCHAR, '-', ''), "
        "'at': strftime(r.\"at\", '%Y-%m-%dT%H:%M:%S.%fZ'), 'day': r.\"day\"::VARCHAR, 'n': r.\"n\"}) "
        'FROM (SELECT * FROM a1.record r WHERE r."day" >= ?::DATE AND contains(r."t", ?) AND '
        'NOT coalesce(list_contains(?::BIGINT[], r."n"), false) AND r._pos > ? LIMIT ?) r '
        "JOIN a2.pseudonym p ON p._pos = r._pos ORDER BY r._pos"
    )


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _place(shuffle: Shuffle, post: dict[str, Any]) -> tuple[int, int, int]:
    ordinal = ORDINALS[post["id"]]
    return shuffle.began(to_mark(read("timestamp", post["created_at"]))), shuffle.place(ordinal), ordinal

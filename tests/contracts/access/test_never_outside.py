"""Properties: whatever a contract says and whatever is asked, an answer holds only what the contract names, and all that was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.access.decide import Allowed, decide
from contracts.access.query import Filter, Query
from contracts.access.rows import outside, possible
from contracts.credentials.tokens import Claims
from contracts.datasets import pseudonyms
from contracts.datasets.catalogue import Dataset
from contracts.datasets.engines.duckdb import DuckEngine
from contracts.datasets.files import pseudonym_file, version_file
from contracts.datasets.load import build
from contracts.datasets.plan import All, AnyOf, Column, Not, Plan, Test, Tree, leaves, replaced
from contracts.datasets.values import read
from contracts.deliveries.ordinals import Ordinals
from contracts.errors import Refusal
from contracts.terms.grant import Grant
from contracts.terms.model import from_json
from tests.harness.data import FIELDS, TERMS, post, served, settings_for, write_posts

POSTS = [post(number) for number in range(120)]
SERVED = served(POSTS)
KEY = b"k" * 32
TODAY = date(2026, 11, 2)
PLAIN = {"created_at": "timestamp", "lang": "string", "country": "string", "likes": "integer", "score": "number", "edited": "boolean"}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[DuckEngine, Dataset]:
    folder = tmp_path_factory.mktemp("data")
    write_posts(folder / "posts.csv", POSTS)
    chosen = settings_for(folder)
    described = chosen.datasets["posts"]
    build(chosen.home, "posts", described, None, Ordinals(), "v1")
    fields = ("id", "author_id")
    for shape in ((), ("id",), ("author_id",), fields):
        if shape:
            final = pseudonym_file(chosen.home, "posts", "v1", "ctr_1", shape)
            pseudonyms.build(version_file(chosen.home, "posts", "v1"), final, KEY, "posts", shape)
    return DuckEngine(chosen.home), Dataset("posts", described)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_MOMENTS = [(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)).isoformat() for hours in (0, 5, 30, 70)]
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "created_at": st.sampled_from(_MOMENTS),
    "lang": st.sampled_from(["en", "de", "fr", "xx", "e'n"]),
    "country": st.sampled_from(["GB", "DE", "SE", "XX"]),
    "likes": st.integers(-1, 51),
    "score": st.integers(0, 30),
    "edited": st.booleans(),
}


OPS = {"string": ["eq", "in"], "boolean": ["eq", "in"]}
MORE = {"string": ["eq", "in", "prefix", "contains"], "boolean": ["eq", "in"]}
RANGES = ["eq", "in", "gte", "gt", "lte", "lt"]


@st.composite
def conditions(draw: Callable[..., Any], ops: dict[str, list[str]] = OPS) -> dict[str, Any]:
    field = draw(st.sampled_from(sorted(PLAIN)))
    op = draw(st.sampled_from(ops.get(PLAIN[field], RANGES)))
    value = draw(st.lists(_VALUES[field], min_size=1, max_size=3)) if op == "in" else draw(_VALUES[field])
    return {"field": field, "op": op, "value": value}


def _both(kind: type[All[Any] | AnyOf[Any]]) -> Callable[[Any], Any]:
    return lambda parts: st.builds(kind, st.lists(parts, min_size=1, max_size=3).map(tuple))


def trees() -> st.SearchStrategy[Tree[dict[str, Any]]]:
    """Conditions as requests may nest them, their leaves as terms have them."""
    return st.recursive(conditions(MORE), lambda parts: _both(All)(parts) | _both(AnyOf)(parts) | st.builds(Not, parts), max_leaves=6)


def _filter(condition: dict[str, Any]) -> Filter:
    value = condition["value"]
    return Filter(condition["field"], condition["op"], tuple(map(_text, value)) if isinstance(value, list) else _text(value))


def _meets(row: dict[str, Any], condition: Tree[dict[str, Any]]) -> bool:
    match condition:
        case All(parts):
            return all(_meets(row, part) for part in parts)
        case AnyOf(parts):
            return any(_meets(row, part) for part in parts)
        case Not(part):
            return not _meets(row, part)
    kind = PLAIN[condition["field"]]
    have = read(kind, _text(row[condition["field"]]))
    value = condition["value"]
    if condition["op"] == "in":
        return have in [read(kind, _text(each)) for each in value]
    bound: Any = read(kind, _text(value))
    mine: Any = have
    if condition["op"] in ("prefix", "contains"):
        return bool(mine.startswith(bound) if condition["op"] == "prefix" else bound in mine)
    return bool({"eq": mine == bound, "gte": mine >= bound, "gt": mine > bound, "lte": mine <= bound, "lt": mine < bound}[condition["op"]])


def _shown(row: dict[str, Any], name: str) -> Any:
    if name in ("id", "author_id"):
        return pseudonyms.pseudonym(KEY, "posts", name, row[name])
    if name == "created_at":
        return row[name].replace("+00:00", ".000000Z")
    return row[name]


def _grant(terms: dict[str, Any]) -> Grant:
    clients = MappingProxyType({"cli_1": frozenset(["records:read"])})
    return Grant("ctr_1", 1, 1, "org_1", "hash", "active", from_json(json.dumps(terms)), clients)


CLAIMS = Claims("cli_1", "ctr_1", 1, frozenset(["records:read"]), "tok_1", datetime(2026, 11, 2, tzinfo=UTC), "api")


@settings(max_examples=150, deadline=None)
@given(
    named=st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, unique=True),
    asked=st.lists(st.sampled_from([*sorted(FIELDS), "nothing"]), max_size=4, unique=True),
    rows=st.lists(conditions(), max_size=2),
    filters=st.lists(trees(), max_size=2),
    limit=st.integers(1, 60),
    erased=st.sets(st.integers(0, 119), max_size=30),
)
def test_an_answer_is_never_outside_the_contract_and_misses_nothing(
    loaded: tuple[DuckEngine, Dataset],
    named: list[str],
    asked: list[str],
    rows: list[dict[str, Any]],
    filters: list[Tree[dict[str, Any]]],
    limit: int,
    erased: set[int],
) -> None:
    engine, dataset = loaded
    terms = {**TERMS, "datasets": [{"dataset": "posts", "fields": named, "rows": rows}]}
    query = Query(tuple(asked), limit, "", "", tuple(replaced(each, _filter) for each in filters))
    verdict = decide(_grant(terms), CLAIMS, dataset, query, "192.0.2.1", TODAY)
    foreign = not set(asked) <= set(named) or any(each["field"] not in named for each in leaves(filters))
    matching = [row for row in SERVED if all(_meets(row, each) for each in [*rows, *filters])]
    if isinstance(verdict, Refusal):
        assert verdict.code in ("field_not_in_contract", "rows_outside_contract")
        assert foreign or not matching
        return
    assert not foreign
    columns = [column.name for column in verdict.columns]
    assert columns == (asked or [name for name in FIELDS if name in named])
    seen = _all_pages(engine, verdict, limit, Ordinals(erased))
    ordinals = {row["id"]: place for place, row in enumerate(sorted(POSTS, key=lambda row: (row["created_at"], row["id"])))}
    expected = [row for row in matching if ordinals[row["id"]] not in erased]
    assert seen == [{name: _shown(row, name) for name in columns} for row in expected]


def _all_pages(engine: DuckEngine, allowed: Allowed, limit: int, erased: Ordinals) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    after = None
    while True:
        plan = Plan("posts", "v1", "ctr_1", allowed.columns, allowed.tests, limit, allowed.pseudonyms, after, erased)
        page = engine.page(plan)
        assert len(page.rows) <= limit and not erased & Ordinals(page.ordinals)
        seen += [json.loads(row) for row in page.rows]
        if not page.more:
            return seen
        after = page.mark(len(page.rows))


@settings(max_examples=300, deadline=None)
@given(bounds=st.lists(conditions(), max_size=3), asked=st.lists(conditions(), max_size=3))
def test_only_requests_wholly_outside_are_refused_as_such(bounds: list[dict[str, Any]], asked: list[dict[str, Any]]) -> None:
    contract, request = list(map(_test, bounds)), list(map(_test, asked))
    field = outside(contract, request)
    inside = [row for row in POSTS if all(_meets(row, each) for each in [*bounds, *asked])]
    if field is not None:
        assert inside == []
    if inside:
        assert possible(
            [test for test in [*contract, *request] if test.column.name == (asked or bounds or [{"field": "lang"}])[0]["field"]]
        )


def _test(condition: dict[str, Any]) -> Test:
    kind, value = PLAIN[condition["field"]], condition["value"]
    values = tuple(read(kind, _text(each)) for each in value) if isinstance(value, list) else read(kind, _text(value))
    return Test(Column(condition["field"], kind), condition["op"], values)


@settings(max_examples=300, deadline=None)
@given(
    scopes=st.sets(st.sampled_from(["records:read", "site:fetch"])),
    version=st.integers(1, 2),
    client=st.sampled_from(["cli_1", "cli_2"]),
    contract=st.sampled_from(["ctr_1", "ctr_2"]),
    today=st.dates(date(2026, 10, 30), date(2027, 11, 2)),
    address=st.sampled_from(["198.51.100.1", "192.0.2.1", "", "::1"]),
    purpose=st.sampled_from(["", "research", "market-analysis", "archiving"]),
)
def test_every_condition_must_hold(
    loaded: tuple[DuckEngine, Dataset],
    scopes: set[str],
    version: int,
    client: str,
    contract: str,
    today: date,
    address: str,
    purpose: str,
) -> None:
    terms = {**TERMS, "networks": ["198.51.100.0/24"], "purposes": ["research", "archiving"]}
    claims = Claims(client, contract, version, frozenset(scopes), "tok_1", datetime(2027, 1, 1, tzinfo=UTC), "api")
    verdict = decide(_grant(terms), claims, loaded[1], Query(purpose=purpose), address, today)
    right = (
        "records:read" in scopes
        and (version, client, contract) == (1, "cli_1", "ctr_1")
        and date(2026, 11, 1) <= today <= date(2027, 10, 31)
        and address == "198.51.100.1"
        and purpose in ("", "research")
    )
    assert isinstance(verdict, Allowed) == right
    if isinstance(verdict, Allowed):
        assert verdict.purpose == "research"


def test_terms_that_the_dataset_no_longer_fits_close_it(loaded: tuple[DuckEngine, Dataset]) -> None:
    for condition in ({"field": "gone", "op": "eq", "value": "x"}, {"field": "likes", "op": "eq", "value": "many"}):
        terms = {**TERMS, "datasets": [{"dataset": "posts", "fields": ["lang"], "rows": [condition]}]}
        verdict = decide(_grant(terms), CLAIMS, loaded[1], Query(), "", TODAY)
        assert isinstance(verdict, Refusal) and verdict.code == "dataset_unavailable"

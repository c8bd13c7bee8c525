"""Property: answers, charges and refusals are those of a slow reference model, and a hidden record is as one that there is not.

The model knows nothing of plans, SQL or engines: it goes through records one by one. Whoever adds an engine runs this on it by a
`World` that reads with that engine.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.access.body import parse_body
from contracts.access.query import Query
from contracts.access.request import Answer, RecordsRequest
from contracts.clock import FixedClock
from contracts.datasets.pseudonyms import key_of, pseudonym
from contracts.datasets.values import read
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from tests.conftest import START
from tests.harness.data import FIELDS, World, post, run, world

Row = dict[str, Any]
NUMBERS = count()
RANGES = ("eq", "in", "gte", "gt", "lte", "lt")
OPS = {"string": ("eq", "in", "prefix", "contains"), "boolean": ("eq", "in")}
ASKED = ("lang", "country", "likes", "score", "edited", "created_at")
VALUES: dict[str, list[Any]] = {
    "lang": ["de", "en", "fr", "d", "", "e'n"],
    "country": ["GB", "DE", "S", "XX"],
    "likes": [-1, 0, 3, 17, 49],
    "score": [0.25, 5, 12.5, 1e300],
    "edited": [True, False],
    "created_at": ["2026-01-01T00:00:00Z", "2026-01-01T05:00:00+01:00", "2026-01-02"],
}


def some_posts(seed: int) -> list[Row]:
    """Posts of which every seventh lacks a value, in another field each time."""
    made = [post(number + seed) for number in range(60)]
    return [{**each, ASKED[place % 5]: None} if place % 7 == 3 else each for place, each in enumerate(made)]


@dataclass
class Place:
    """A world, and another without the records that may not be served."""

    whole: World
    bare: World


@pytest.fixture(scope="module", params=[0, 1000])
def place(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    posts = some_posts(request.param)
    visible = [each for each in posts if not each["is_deleted"] and not each["objects"]]
    folders = [tmp_path_factory.mktemp("reference") for _ in range(2)]
    stores = []
    for folder in folders:
        shutil.copy(sqlite_template, folder / "licet.db")
        stores.append(Store(open_engine(f"sqlite:///{folder / 'licet.db'}"), FixedClock(START)))
    with world(stores[0], FixedClock(START), folders[0], posts) as whole, world(stores[1], FixedClock(START), folders[1], visible) as bare:
        yield Place(whole, bare)
    for store in stores:
        store.engine.dispose()


@st.composite
def leaf_nodes(draw: st.DrawFn) -> Row:
    field = draw(st.sampled_from(ASKED))
    op = draw(st.sampled_from(OPS.get(FIELDS[field]["type"], RANGES)))
    values = st.sampled_from(VALUES[field])
    return {"field": field, "op": op, "value": draw(st.lists(values, min_size=1, max_size=3) if op == "in" else values)}


def trees() -> st.SearchStrategy[Row]:
    """Conditions in the form of requests."""

    def more(parts: st.SearchStrategy[Row]) -> st.SearchStrategy[Row]:
        several = st.lists(parts, min_size=1, max_size=3)
        return st.one_of(*(st.fixed_dictionaries({word: inner}) for word, inner in (("and", several), ("or", several), ("not", parts))))

    return st.recursive(leaf_nodes(), more, max_leaves=5)


@st.composite
def rows_of_terms(draw: st.DrawFn) -> list[Row]:
    """Row filters as terms take them: no texts' parts, no fractions."""
    found = draw(st.lists(leaf_nodes(), max_size=2))
    return [each for each in found if each["op"] not in ("prefix", "contains") and each["field"] != "score"]


def fits(row: Row, node: Row) -> bool:
    """The model's own rule for a condition."""
    if "and" in node:
        return all(fits(row, part) for part in node["and"])
    if "or" in node:
        return any(fits(row, part) for part in node["or"])
    if "not" in node:
        return not fits(row, node["not"])
    kind, mine = FIELDS[node["field"]]["type"], row[node["field"]]
    if mine is None:
        return False
    have: Any = read(kind, _given(mine))
    bounds: list[Any] = [read(kind, _given(each)) for each in (node["value"] if isinstance(node["value"], list) else [node["value"]])]
    bound = bounds[0]
    match node["op"]:
        case "eq" | "in":
            return have in bounds
        case "prefix":
            return str(have)[: len(bound)] == bound
        case "contains":
            return str(have).find(bound) >= 0
        case "gte":
            return bool(have > bound or have == bound)
        case "lte":
            return bool(have < bound or have == bound)
        case "gt":
            return bool(have > bound)
        case _:
            return bool(have < bound)


def _given(value: Any) -> Any:
    return repr(value) if isinstance(value, float) else value


def named(node: Row) -> set[str]:
    """The fields of a condition."""
    inner = node.get("and") or node.get("or") or ([node["not"]] if "not" in node else [])
    return {node["field"]} if "field" in node else set().union(*map(named, inner))


def shown(data: World, contract: str, row: Row, fields: list[str]) -> Row:
    """A record as the contract sees it."""
    key = key_of(data.store, data.keys, contract)

    def value(name: str) -> Any:
        if name in ("id", "author_id"):
            return pseudonym(key, "posts", name, row[name])
        return row[name].replace("+00:00", ".000000Z") if name == "created_at" and row[name] else row[name]

    return {name: value(name) for name in fields}


def ask(data: World, contract: str, client: str, body: Row) -> Answer:
    """One query."""
    raw = json.dumps(body).encode()
    query = parse_body(raw)
    assert isinstance(query, Query)
    return run(data.reader.records(RecordsRequest(data.caller(contract, client), "posts", query, raw.decode())))


def told(data: World, contract: str, client: str, body: Row) -> tuple[list[list[Row]], list[str], int]:
    """All pages of a query, the refusal that ended them if one did, and what it cost by the ledger."""
    pages: list[list[Row]] = []
    before = len(data.leaves())
    refusals: list[str] = []
    while True:
        answer = ask(data, contract, client, body)
        if answer.refusal is not None:
            refusals.append(answer.refusal.code)
            break
        page = json.loads(answer.body)
        pages.append(page["data"])
        if page["next"] is None:
            break
        body = {**body, "cursor": page["next"]}
    return pages, refusals, sum(leaf.get("rows", 0) for leaf in data.leaves()[before:])


def expected(matching: list[Row], limit: int, cap: int) -> tuple[list[list[Row]], list[str], int]:
    """The model's pages: so many at a time until the quota of the day is used up."""
    left, pages, at = cap, list[list[Row]](), 0
    while True:
        if left == 0:
            return pages, ["quota_exhausted"], cap
        page = matching[at : at + min(limit, left)]
        pages.append(page)
        at, left = at + len(page), left - len(page)
        if at >= len(matching):
            return pages, [], cap - left


MISSING = {"not": {"field": "lang", "op": "eq", "value": "de"}}


@settings(max_examples=20, deadline=None)
@example(rows=[], fields=["id", "lang"], where=MISSING, limit=5, cap=90)
@example(
    rows=[{"field": "lang", "op": "eq", "value": "de"}], fields=["id", "lang"], where={"or": [MISSING, {"not": MISSING}]}, limit=60, cap=9
)
@given(
    rows=rows_of_terms(),
    fields=st.lists(st.sampled_from(["id", "author_id", *ASKED]), min_size=2, unique=True),
    where=st.none() | trees(),
    limit=st.integers(5, 60),
    cap=st.integers(1, 90),
)
def test_answers_charges_and_refusals_are_the_models(
    place: Place, rows: list[Row], fields: list[str], where: Row | None, limit: int, cap: int
) -> None:
    terms: Row = {"datasets": [{"dataset": "posts", "fields": fields, "rows": rows}], "records_per_day": cap}
    body: Row = {"limit": limit} if where is None else {"where": where, "limit": limit}
    outcomes = []
    for data in (place.whole, place.bare):
        contract, client = data.contract(**terms)
        found = told(data, contract, client, body)
        outcomes.append(found)
        visible = [each for each in data.posts if not each["is_deleted"] and not each["objects"]]
        ordered = sorted(visible, key=lambda each: (each["created_at"] is not None, each["created_at"] or "", each["id"]))
        matching = [each for each in ordered if all(fits(each, row) for row in rows) and (where is None or fits(each, where))]
        if where is not None and not named(where) <= set(fields):
            assert found == ([], ["field_not_in_contract"], 0)
        elif found[1] == ["rows_outside_contract"]:
            assert (found[0], matching) == ([], [])
        else:
            names = [name for name in FIELDS if name in fields]
            assert found == expected([shown(data, contract, each, names) for each in matching], limit, cap)
    # Where records are that may not be served, nothing is other than where they are not.
    whole, bare = outcomes
    assert [list(map(len, whole[0])), whole[1:]] == [list(map(len, bare[0])), bare[1:]]

"""Property: answers, charges and refusals are those of a slow reference model, and a hidden record is as one that there is not.

On every engine. `make test` tries a few dozen platforms, always the same; `make fuzz` (REFERENCE_EXAMPLES) tries so many others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.contracts.access.counted import POLICY, asked_for, fits, is_finer, questions, table
from tests.contracts.access.model import ASKED, GRAINED, MOMENTS, Model, Row, is_served, rows_of_terms, some_records, trees, worded
from tests.contracts.access.side import ENGINES, Side, side
from tests.harness.data import run
from tests.harness.postgres import copied

MORE = int(os.environ.get("REFERENCE_EXAMPLES", "0"))
RUNS = count()
NAMES = ("id", "author_id", "text", *ASKED)


class Place:
    """A side with records that may not be served, and one where there never were such. No data class, which hypothesis would write out."""

    def __init__(self, whole: Side, bare: Side) -> None:
        self.whole, self.bare = whole, bare


@pytest.fixture(scope="module", params=ENGINES)
def place(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with ExitStack() as stack:
        sides = []
        for _ in range(2):
            database = ""
            if request.param == "postgresql":
                database = stack.enter_context(copied(request.getfixturevalue("postgres_url"), "template_licet"))
            folder = tmp_path_factory.mktemp("reference")
            sides.append(stack.enter_context(side(request.param, folder, sqlite_template, database, fields=GRAINED, aggregates=POLICY)))
        yield Place(*sides)


@st.composite
def contracts(draw: st.DrawFn) -> Row:
    """Terms: fields, some of them generalised, a row filter, a quota a day, and now and then one of different records."""
    fields = draw(st.lists(st.sampled_from(NAMES), min_size=3, unique=True))
    grains = {name: draw(st.sampled_from([None, *GRAINED[name]["grains"]])) for name in fields if "grains" in GRAINED[name]}
    named = {"dataset": "posts", "fields": fields, "rows": draw(rows_of_terms())}
    named["generalised"] = {name: grain for name, grain in grains.items() if grain}
    terms: Row = {"datasets": [named], "aggregates": {"queries": 100, "people": 3}}
    different = draw(st.none() | st.integers(1, 60))
    return {**terms, "records_per_day": draw(st.integers(1, 250)), **({"distinct_records": different} if different else {})}


@st.composite
def requests(draw: st.DrawFn) -> Row:
    """A query, or what its estimate is asked for."""
    return {
        "estimate": draw(st.integers(0, 3)) == 0,
        "fields": draw(st.lists(st.sampled_from(NAMES), max_size=4, unique=True)),
        "where": draw(st.none() | trees()),
        "limit": draw(st.integers(7, 200)),
        "sample": draw(st.none() | st.none() | st.tuples(st.sampled_from([1, 300_000, 1_000_000]), st.integers(0, 3))),
    }


@settings(
    max_examples=MORE or 14,
    derandomize=not MORE,
    deadline=None,
    # Each try loads two platforms, so what fails is told as it is: making it smaller would take minutes.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    seed=st.integers(0, 2**32),
    size=st.integers(1, 160),
    terms=contracts(),
    asked=st.lists(requests() | requests() | questions(), min_size=1, max_size=5),
)
def test_answers_charges_and_refusals_are_the_models(place: Place, seed: int, size: int, terms: Row, asked: list[Row]) -> None:
    rows = some_records(next(RUNS), seed, size)
    outcomes = []
    for mine, records in ((place.whole, rows), (place.bare, [row for row in rows if is_served(row)])):
        mine.load(records)
        contract, client = mine.data.contract(**terms)
        # Ordinals decide what belongs to a sample, and so what is left after one, and what comes first in a day or month that alone is
        # told; a record that there never was has none.
        model, outcome = mine.model(contract, terms), list[Any]()
        sampled = "created_at" in model.grains
        for each in ({**one, "where": worded(one.get("where"), model.grains)} for one in asked):
            before, sampled = sampled, sampled or each["sample"] is not None
            ask = _counted if "measures" in each else _estimated if each["estimate"] else _paged
            told = ask(mine, model, contract, client, each)
            statement = mine.first_statement()
            assert statement or "measures" in each or not _has_pages(told), "a table of files is counted once, all else is read"
            outcome.append([None if sampled else told, None if before else statement])
        outcomes.append(outcome)
    # Where records are that may not be served, nothing is other than where they are not.
    assert outcomes[0] == outcomes[1]


def _has_pages(told: Any) -> bool:
    return bool(told[0] if isinstance(told, list) else isinstance(told, dict))


def _paged(mine: Side, model: Model, contract: str, client: str, asked: Row) -> Any:
    found = mine.pages(model, contract, client, asked)
    if found[1] == ["rows_outside_contract"]:
        assert (found[0], found[2], model.matching(asked)) == ([], 0, [])
    else:
        assert found == model.pages(asked)
    return [list(map(len, found[0])), found[1:]]


def _estimated(mine: Side, model: Model, contract: str, client: str, asked: Row) -> Any:
    answer = mine.estimate(model, contract, client, asked)
    refusal, rows = model.refusal(asked), model.matching(asked)
    if answer.refusal is not None:
        assert answer.refusal.code == refusal or (answer.refusal.code, rows) == ("rows_outside_contract", [])
        return answer.refusal
    body, cap = json.loads(answer.body), model.terms["records_per_day"]
    told = max(100, -(-len(rows) // 10) * 10)
    quota = {"limit": cap, "left": max(0, cap - model.used), "days": -(-told // cap)}
    assert (refusal, body["rows"], body["at_least"], body["quota"]) == (None, told, False, quota)
    return {name: body[name] for name in body if name != "entry"}


def _counted(mine: Side, model: Model, contract: str, client: str, asked: Row) -> Any:
    answer = mine.count(contract, client, asked)
    if answer.refusal is not None:
        code = "filter_not_possible" if asked_for(asked) <= set(model.fields) and is_finer(model, asked) else "field_not_in_contract"
        assert (answer.refusal.code, asked_for(asked) <= set(model.fields)) == (code, code == "filter_not_possible")
        return answer.refusal
    told, expected = json.loads(answer.body)["data"], table(model, asked)
    assert fits(told, expected), (told, expected)
    # Each contract has noise of its own.
    return {"data": [{name: value if name in asked["by"] else value is None for name, value in row.items()} for row in told]}


def test_a_cursor_goes_on_after_refreshes_that_take_rows_away_bring_others_and_change_their_order(place: Place) -> None:
    mine, run_ = place.whole, next(RUNS)
    rows = [{**row, "is_deleted": False, "objects": False, "erased": False} for row in some_records(run_, 1, 60)]
    fields = [*NAMES]
    terms: Row = {"datasets": [{"dataset": "posts", "fields": fields, "rows": []}], "records_per_day": 1_000}
    asked: Row = {"fields": ["id", "likes"], "where": None, "limit": 20, "sample": None}
    mine.load(rows)
    contract, client = mine.data.contract(**terms)
    model = mine.model(contract, terms)
    first = json.loads(run(mine.data.reader.records(mine.request(model, contract, client, asked))).body)
    last, cursor = model.inside()[19], first["next"]
    # A third is gone, a third is at another time, some are new; among all of them are such as stand before the place and behind it.
    moved = {row["id"]: MOMENTS[place % len(MOMENTS)] for place, row in enumerate(rows) if place % 3 == 1}
    left = [{**row, "created_at": moved.get(row["id"], row["created_at"])} for place, row in enumerate(rows) if place % 3 != 0]
    new = [{**row, "is_deleted": False, "objects": False, "erased": False} for row in some_records(next(RUNS), 2, 30)]
    mine.load([*left, *new])
    model, mark = mine.model(contract, terms), (last["created_at"], mine.numbers[last["id"]])
    following = [row for row in model.inside() if (row["created_at"], mine.numbers[row["id"]]) > mark]
    before = len(model.inside()) - len(following)
    answer = run(mine.data.reader.records(mine.request(model, contract, client, {**asked, "limit": 1_000}, cursor)))
    assert json.loads(answer.body)["data"] == [model.shown(row, ["id", "likes"]) for row in following]
    assert before > 10 and len(following) > 10

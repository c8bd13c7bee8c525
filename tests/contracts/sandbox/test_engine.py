"""The sandbox's engine answers as the engine of real data does: the same rows loaded into both give the same pages."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.datasets.catalogue import Catalogue, Dataset
from contracts.datasets.coarse import Coarse, Span
from contracts.datasets.engines.duckdb import DuckEngine
from contracts.datasets.load import refresh
from contracts.datasets.plan import Column, Mark, Plan, Test, Withheld
from contracts.datasets.pseudonyms import is_pseudonym
from contracts.datasets.shuffle import shuffle_of
from contracts.errors import Refused
from contracts.sandbox.engine import SandboxEngine
from contracts.sandbox.rows import COUNT, rows_of, version_of
from contracts.settings import Settings
from contracts.store.unit import Store
from tests.contracts.sandbox.test_rows import FIELDS, dataset

SANDBOX = "sbx_org_1"
PLAIN = ("at", "day", "seen", "lang", "topic", "likes", "score", "edited")
OPS = ("eq", "in", "gte", "gt", "lte", "lt", "prefix", "contains")
DATASET = dataset()


@pytest.fixture(scope="module")
def real(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DuckEngine, str]]:
    """The invented rows as somebody's file, loaded, and the version that it became."""
    import shutil

    from contracts.clock import FixedClock
    from contracts.store.engine import open_engine
    from tests.conftest import START

    folder = tmp_path_factory.mktemp("parity")
    shutil.copy(sqlite_template, folder / "licet.db")
    with (folder / "posts.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(FIELDS))
        writer.writeheader()
        for row in rows_of(DATASET):
            known = {**row.values, "id": row.ordinal}
            writer.writerow({name: str(value).lower() if isinstance(value, bool) else value for name, value in known.items()})
    told = DATASET.settings.model_dump(by_alias=True) | {"location": str(folder / "posts.csv")}
    chosen = Settings.model_validate({"profile": "test", "home": folder / "home", "datasets": {"posts": told}})
    store = Store(open_engine(f"sqlite:///{folder / 'licet.db'}"), FixedClock(START))
    refresh(store, chosen, "posts")
    version = Catalogue(chosen, store).version_of("posts")
    assert version is not None
    yield DuckEngine(chosen.home), version.version
    store.engine.dispose()


def column(name: str, of: Dataset = DATASET) -> Column:
    """A field as a plan names it."""
    return Column(name, of.fields[name].type, of.is_pseudonymised(name))


def plan(limit: int = 100, columns: tuple[str, ...] = PLAIN, tests: tuple[Test, ...] = (), after: Mark | None = None) -> Plan:
    """A plan of the sandbox."""
    return Plan("posts", version_of(DATASET).version, SANDBOX, tuple(map(column, columns)), tests, limit, after=after)


@st.composite
def conditions(draw: st.DrawFn) -> Test:
    """A condition on a value that some row has, with any operator that its type takes."""
    name = draw(st.sampled_from(PLAIN))
    ops = DATASET.operators(name)
    op = draw(st.sampled_from([each for each in OPS if each in ops]))
    values = st.sampled_from([row.values[name] for row in rows_of(DATASET)])
    value = tuple(draw(st.lists(values, min_size=1, max_size=3))) if op == "in" else draw(values)
    return Test(column(name), op, value)  # type: ignore[arg-type]  # one of OPS


@pytest.mark.parametrize("grain", ["day", "month"])
def test_a_generalised_field_and_its_order_are_those_of_the_engine_of_real_data(real: tuple[DuckEngine, str], grain: Span) -> None:
    engine, version = real
    at = Coarse(grain)
    shown = (Column("at", at.type, coarse=at), Column("topic", "string", coarse=Coarse("region", letters=2)), column("likes"))
    test = Test(shown[1], "prefix", str(rows_of(DATASET)[0].values["topic"])[:1])
    invented = replace(plan(60, tests=(test,)), columns=shown, shuffle=shuffle_of(grain, b"k" * 32))
    loaded = replace(invented, version=version, contract_id="ctr_1")
    sandbox = SandboxEngine([DATASET])
    for _ in range(3):
        ours, theirs = sandbox.page(invented), engine.page(loaded)
        assert (list(ours.rows), list(ours.ordinals), ours.more) == (list(theirs.rows), list(theirs.ordinals), theirs.more)
        assert ours.rows
        if not ours.more:
            break
        invented, loaded = replace(invented, after=ours.mark(60)), replace(loaded, after=theirs.mark(60))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tests=st.lists(conditions(), max_size=3), columns=st.lists(st.sampled_from(PLAIN), min_size=1, unique=True), limit=st.integers(1, 150)
)
def test_pages_are_those_of_the_engine_of_real_data(
    real: tuple[DuckEngine, str], tests: list[Test], columns: list[str], limit: int
) -> None:
    engine, version = real
    invented = plan(limit, tuple(columns), tuple(tests))
    loaded = replace(invented, version=version, contract_id="ctr_1")
    for _ in range(3):
        mine, theirs = SandboxEngine([DATASET]).page(invented), engine.page(loaded)
        assert (list(mine.rows), mine.more) == (list(theirs.rows), theirs.more)
        if not mine.more:
            break
        invented, loaded = (replace(each, after=page.mark(len(page.rows))) for each, page in ((invented, mine), (loaded, theirs)))


def test_all_pages_together_are_all_rows_once() -> None:
    engine, seen, after = SandboxEngine([DATASET]), 0, None
    for size in (150, 150, 100):
        page = engine.page(plan(150, after=after))
        assert list(page.ordinals) == list(range(seen, seen + size))
        seen, after = seen + size, page.mark(len(page.rows))
    assert (seen, page.more) == (COUNT, False)


def test_a_cursor_of_another_description_goes_on_by_number() -> None:
    page = SandboxEngine([DATASET]).page(plan(2, after=Mark("sandbox-earlier", 7, 7, 7)))
    assert list(page.ordinals) == [8, 9]


def test_ids_are_pseudonyms_of_this_sandbox_alone_and_may_be_filtered_by() -> None:
    import json

    engine, asked = SandboxEngine([DATASET]), plan(COUNT, ("id", "who"))
    rows = [json.loads(row) for row in engine.page(asked).rows]
    others = [json.loads(row) for row in engine.page(replace(asked, contract_id="sbx_org_2")).rows]
    assert all(is_pseudonym(row[name]) for row in rows for name in ("id", "who"))
    assert not {row["who"] for row in rows} & {row["who"] for row in others}
    chosen = rows[0]["who"]
    found = engine.page(replace(asked, tests=(Test(column("who"), "eq", chosen),))).rows
    assert [json.loads(row) for row in found] == [row for row in rows if row["who"] == chosen]
    assert len(found) > 1


def test_neither_engine_answers_for_the_other(real: tuple[DuckEngine, str]) -> None:
    engine, version = real
    sandbox = SandboxEngine([DATASET])
    invented = plan()
    refused = []
    for act in (
        lambda: sandbox.page(replace(invented, contract_id="ctr_1")),
        lambda: sandbox.page(replace(invented, version=version)),
        lambda: sandbox.page(replace(invented, dataset="others")),
        lambda: sandbox.withheld("posts", version, (), COUNT),
        lambda: engine.page(invented),
        lambda: engine.withheld("posts", invented.version, (), COUNT),
    ):
        with pytest.raises(Refused) as caught:
            act()
        refused.append(caught.value.refusal.code)
    assert refused == ["dataset_unavailable"] * 6
    assert sandbox.withheld("posts", invented.version, (), COUNT) == Withheld(0, 0, 0)


def test_times_are_written_as_the_engine_of_real_data_writes_them(real: tuple[DuckEngine, str]) -> None:
    row = rows_of(DATASET)[1]
    moment = row.values["at"]
    assert isinstance(moment, datetime)
    written = SandboxEngine([DATASET]).page(plan(2, ("at",))).rows[1]
    assert written == f'{{"at":"{moment.strftime("%Y-%m-%dT%H:%M:%S")}.000000Z"}}'

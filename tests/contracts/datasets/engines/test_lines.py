"""Pages from lines are DuckDB's, byte for byte, and what lines do not answer they leave to DuckDB."""

from __future__ import annotations

import gc
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.datasets import pseudonyms
from contracts.datasets.coarse import Coarse
from contracts.datasets.engines.chosen import ChosenEngines
from contracts.datasets.engines.duckdb import DuckEngine
from contracts.datasets.engines.lines import LinePages
from contracts.datasets.files import folder_of, lines_file, pseudonym_file, version_file
from contracts.datasets.lines import FEW
from contracts.datasets.load import build
from contracts.datasets.marks import moment_of
from contracts.datasets.plan import All, AnyOf, Column, Condition, Not, Op, Page, Plan, Test
from contracts.datasets.samples import sample_of
from contracts.datasets.shuffle import FIRST, LAST, shuffle_of
from contracts.deliveries.ordinals import Ordinals
from contracts.settings import Settings
from tests.harness.data import settings_for

FIELDS: dict[str, Any] = {
    "id": {"type": "integer", "class": "key"},
    "who": {"type": "string", "class": "subject"},
    "at": {"type": "timestamp"},
    "born": {"type": "date"},
    "word": {"type": "string"},
    "many": {"type": "integer"},
    "likes": {"type": "integer"},
    "score": {"type": "number"},
    "edited": {"type": "boolean"},
}
TYPES: dict[str, str] = {name: field["type"] for name, field in FIELDS.items()}
# All that JSON escapes, and all by which somebody may think a line ends or a field begins.
WORDS = [
    "",
    "e",
    "it's",
    '"',
    "\\",
    "a,b",
    "\n",
    "\r\n",
    "\t",
    "\x1f",
    "\x01",
    "\x00",
    "\x7f",
    "\u0085",
    "\u2028",
    "/",
    "\U0001f98a",
    "ü%_",
    None,
]
VALUES: dict[str, list[Any]] = {
    "at": [moment_of(number) for number in (FIRST, -1, 0, 1, LAST)],
    "word": [word for word in WORDS if word is not None and "\0" not in word],
    "likes": [-(2**63), -1, 0, 3, 2**63 - 1],
    "score": [-0.0, 0.25, 1e300, 5e-324, 1 / 3],
    "edited": [True, False],
    "born": [date(1970, 1, 1), date(2026, 1, 1)],
    "many": [7],
}
ROWS = FEW + 500
PSEUDONYMISED = ("id", "who")
KEY = b"k" * 32


def records(seed: int) -> list[dict[str, Any]]:
    chance = random.Random(seed)

    def row(number: int) -> dict[str, Any]:
        moment = chance.choice([*VALUES["at"], None])
        return {
            "id": number,
            "who": chance.choice(["a", "b", None]),
            "at": moment and f"{moment.isoformat()}Z",
            "born": chance.choice(["1969-12-31", "2026-01-01", None]),
            "word": chance.choice(WORDS),
            "many": number,
            "likes": chance.choice([*VALUES["likes"], None]),
            "score": chance.choice([*VALUES["score"], None]),
            "edited": chance.choice([True, False, None]),
        }

    return [row(number) for number in range(ROWS)]


def loaded(folder: Path, rows: list[dict[str, Any]], *versions: str, **changes: Any) -> Settings:
    source = folder / "posts.ndjson"
    source.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    named = {"location": str(source), "time": "at", "subject": "who", "deleted": None, "objects": None, "fields": FIELDS}
    chosen = settings_for(folder, **(named | changes))
    for version in versions:
        build(chosen.home, "posts", chosen.datasets["posts"], None, Ordinals(), version)
        file = version_file(chosen.home, "posts", version)
        pseudonyms.build(file, pseudonym_file(chosen.home, "posts", version, "ctr_1", PSEUDONYMISED), KEY, "posts", PSEUDONYMISED)
    return chosen


class Both:
    """The two that read one version."""

    def __init__(self, chosen: Settings) -> None:
        self.settings, self.lines, self.duckdb = chosen, LinePages(chosen.home), DuckEngine(chosen.home)
        self.answered = self.left = 0

    def page(self, plan: Plan) -> Page | None:
        """The page, after it was seen that both give the same."""
        found = self.lines.page(plan)
        assert found is None or found == self.duckdb.page(plan)
        self.answered, self.left = self.answered + (found is not None), self.left + (found is None)
        return found


def column(name: str) -> Column:
    return Column(name, TYPES[name], name in PSEUDONYMISED)


def plan_of(*tests: Condition, names: tuple[str, ...] = tuple(FIELDS), **changes: Any) -> Plan:
    given_too = {"pseudonyms": PSEUDONYMISED} | changes
    return Plan("posts", "v1-a", "ctr_1", tuple(map(column, names)), tests, **({"limit": 100} | given_too))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    made = Both(loaded(tmp_path_factory.mktemp("lines"), records(1), "v1-a"))
    yield made
    assert made.answered > made.left > 0, "both kinds were tried"


@st.composite
def leaves(draw: st.DrawFn) -> Test:
    name = draw(st.sampled_from(sorted(VALUES)))
    operators: tuple[Op, ...] = ("eq", "in", "gte", "gt", "lte", "lt")
    if TYPES[name] in ("string", "boolean"):
        operators = ("eq", "in", "prefix", "contains") if name == "word" else ("eq", "in")
    op, value = draw(st.sampled_from(operators)), st.sampled_from(VALUES[name])
    return Test(column(name), op, tuple(draw(st.lists(value, min_size=1, max_size=3))) if op == "in" else draw(value))


def trees() -> st.SearchStrategy[Condition]:
    def grown(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
        return parts.map(All) | parts.map(AnyOf) | inner.map(Not)

    return st.recursive(leaves(), grown, max_leaves=4)


@settings(max_examples=80, derandomize=True)
@given(
    tests=st.lists(trees(), max_size=3),
    names=st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, unique=True),
    limit=st.sampled_from([1, 7, 400, 10_000]),
    excluded=st.sets(st.integers(0, ROWS)),
    follow=st.booleans(),
)
def test_pages_are_duckdbs(both: Both, tests: list[Condition], names: list[str], limit: int, excluded: set[int], follow: bool) -> None:
    plan = plan_of(*tests, names=tuple(names), limit=limit, excluded=Ordinals(excluded))
    found = both.page(plan)
    if follow and found is not None and found.rows:
        mark = found.mark(len(found.rows))
        # In another version its place says nothing, and time and ordinal do.
        assert both.page(replace(plan, after=mark)) == both.page(replace(plan, after=replace(mark, version="v0-z", pos=0)))


def test_lines_leave_alone_what_they_do_not_hold(both: Both) -> None:
    masked = replace(column("word"), coarse=Coarse("masked"))
    left = [
        plan_of(Test(column("many"), "eq", 7)),
        plan_of(Not(AnyOf((Test(column("likes"), "eq", 3), Test(column("many"), "eq", 7))))),
        plan_of(All((Test(column("likes"), "eq", 3), Test(column("born"), "eq", date(2026, 1, 1))))),
        plan_of(Test(column("who"), "eq", "ps_" + "0" * 32)),
        plan_of(Test(masked, "eq", "e")),
        replace(plan_of(), columns=(masked,)),
        replace(plan_of(), columns=(Column("likes", "string"),)),
        replace(plan_of(), columns=(Column("other", "string"),)),
        plan_of(Test(Column("likes", "string"), "eq", "3")),
        replace(plan_of(), sample=sample_of(500_000, 1, KEY)),
        replace(plan_of(), shuffle=shuffle_of("day", KEY)),
        replace(plan_of(), version="v9-z"),
        replace(plan_of(), contract_id="ctr_2"),
    ]
    assert [both.lines.page(plan) for plan in left] == [None] * len(left)


def test_a_time_that_no_number_stands_for_is_left_to_duckdb(tmp_path: Path) -> None:
    rows = [{**row, "at": "infinity" if row["id"] == 3 else row["at"]} for row in records(2)[:20]]
    made = Both(loaded(tmp_path, rows, "v1-a"))
    assert made.lines.page(plan_of(Test(column("at"), "gte", VALUES["at"][0]))) is None
    assert made.page(plan_of(names=("id", "word"))) is not None


def test_a_version_of_nothing_and_one_of_a_single_field(tmp_path: Path) -> None:
    made = Both(loaded(tmp_path, records(3)[:2], "v1-a"))
    nobody = plan_of(Test(column("word"), "eq", "nobody's"), names=("who",))
    assert made.page(nobody) == Page([], [], [], "v1-a", more=False)
    assert made.page(replace(nobody, tests=(), excluded=Ordinals([0, 1]))) == Page([], [], [], "v1-a", more=False)


def test_without_lines_or_with_broken_ones_duckdb_answers(tmp_path: Path) -> None:
    made = Both(loaded(tmp_path, records(4)[:20], "v1-a"))
    file = lines_file(version_file(made.settings.home, "posts", "v1-a"))
    whole, expected = file.read_bytes(), made.duckdb.page(plan_of())
    for broken in (b"", whole[:-1], b"x"):
        file.write_bytes(broken)
        assert LinePages(made.settings.home).page(plan_of()) is None
        assert ChosenEngines(made.settings).page(plan_of()) == expected
    none = loaded(tmp_path / "none", records(4)[:20], "v1-a", lines=False) if (tmp_path / "none").mkdir() is None else made.settings
    assert {each.suffix for each in folder_of(none.home, "posts").iterdir()} == {".duckdb"}
    assert ChosenEngines(none).page(plan_of()) == expected


def test_versions_but_the_last_two_are_let_go(tmp_path: Path) -> None:
    names = ("v1-a", "v2-b", "v3-c")
    made = Both(loaded(tmp_path, records(5)[:20], *names))

    def open_ones() -> set[str]:
        gc.collect()
        lines = Path("/proc/self/maps").read_text().splitlines()
        return {Path(line.split()[-1]).name.partition(".")[0] for line in lines if str(made.settings.home) in line and "v" in line}

    for name in names:
        assert made.lines.page(replace(plan_of(), version=name)) is not None
    assert open_ones() == {"v2-b", "v3-c"}
    assert made.lines.page(replace(plan_of(), version="v2-b")) is not None
    assert made.lines.page(replace(plan_of(), version="v1-a")) is not None
    assert open_ones() == {"v1-a", "v2-b"}

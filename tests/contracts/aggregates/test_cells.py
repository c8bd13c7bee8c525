"""Every engine's cells against the same counted by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from contracts.aggregates.buckets import Bucketed, bucketed
from contracts.aggregates.plan import CellEngine, CellPlan, Clamped
from contracts.datasets.engines.chosen import in_place
from contracts.datasets.engines.duckdb_cells import DuckCells
from contracts.datasets.engines.inplace import InPlaceEngine
from contracts.datasets.engines.inplace_cells import InPlaceCells
from contracts.datasets.load import build
from contracts.datasets.plan import Column, Test
from contracts.datasets.sync import sync
from contracts.deliveries.ordinals import Ordinals
from contracts.sections import Buckets
from tests.contracts.aggregates.policy import POLICY
from tests.harness.data import post, settings_for, write_posts, write_table

LIKES = Clamped(Column("likes", "integer"), 5, 30)


def by(name: str, kind: str) -> Bucketed:
    return bucketed(name, kind, Buckets.model_validate(POLICY["by"][name]))


BY = (by("lang", "string"), by("likes", "integer"), by("edited", "boolean"))


def bucket(name: str, value: Any) -> str:
    if value is None:
        return "other"
    if name == "lang":
        return value if value in ("de", "en") else "other"
    if name == "likes":
        return "..0" if value < 0 else "0..10" if value < 10 else "10..40" if value < 40 else "40.."
    return str(value).lower()


Counting = Callable[[list[dict[str, Any]]], CellEngine]


@pytest.fixture(params=["duckdb", "postgresql", "sqlalchemy"])
def counting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Counting]:
    """Each engine, over posts that the test gives, as the version v1-x."""
    kind, placed = request.param, list[InPlaceEngine]()
    url = request.getfixturevalue("new_postgres") if kind == "postgresql" else f"sqlite:///{tmp_path / 'site.db'}"

    def counted(posts: list[dict[str, Any]]) -> CellEngine:
        if kind == "duckdb":
            write_posts(tmp_path / "posts.csv", posts)
            settings = settings_for(tmp_path)
            build(settings.home, "posts", settings.datasets["posts"], None, Ordinals(), "v1-x")
            return DuckCells(settings.home)
        write_table(url, posts)
        settings = settings_for(tmp_path, location="", engine=kind, source=url, table="site_posts")
        sync(settings.home, "posts", settings.datasets["posts"], None, Ordinals(), "v1-x")
        placed.append(in_place(settings)["posts"])
        return InPlaceCells(placed[-1])

    yield counted
    for each in placed:
        each.close()


def test_every_table_is_as_counted_by_hand(counting: Counting) -> None:
    posts = [post(number) for number in range(400)]
    for number in range(0, 400, 7):
        posts[number]["likes"] = None
    for number in range(1, 400, 31):
        posts[number] |= {"likes": -3, "author_id": None, "lang": "other"}
    engine = counting(posts)
    tests = (Test(Column("country", "string"), "in", ("GB", "DE", "FR")),)
    plan = CellPlan("posts", "v1-x", "author_id", BY, (LIKES,), tests, Ordinals([0, 5, 6]))
    cells = engine.cells(plan)
    kept = [each for each in posts if not each["is_deleted"] and not each["objects"] and each["country"] != "SE"]
    ordered = sorted(posts, key=lambda each: (each["created_at"], each["id"]))
    kept = [each for each in kept if ordered.index(each) not in (0, 5, 6)]
    expected: dict[Any, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for each in kept:
        likes = None if each["likes"] == "" else each["likes"]
        at = (bucket("lang", each["lang"]), bucket("likes", likes), bucket("edited", each["edited"]))
        for size in range(4):
            for axes in combinations(range(3), size):
                expected[axes, tuple(at[place] for place in axes)][each["author_id"]].append(likes)
    assert {(each.axes, each.at) for each in cells} == set(expected)
    for cell in cells:
        people = expected[cell.axes, cell.at]
        counts = sorted((len(each) for each in people.values()), reverse=True)
        clamped = {who: [min(30, max(5, each)) for each in likes if each is not None] for who, likes in people.items()}
        sums = sorted((sum(each) for each in clamped.values() if each), reverse=True)
        found, likes = cell.records, cell.sums[0]
        assert (found.people, found.records, found.value, found.first, found.second) == (
            len(people.keys() - {None}),
            sum(counts),
            sum(counts),
            *([*counts, 0])[:2],
        )
        assert (likes.people, likes.records) == (
            len([who for who, each in clamped.items() if who and each]),
            sum(len(each) for each in clamped.values()),
        )
        assert (likes.value, likes.total, likes.first, likes.second) == (sum(sums), sum(sums), *([*sums, 0, 0])[:2])
    # The same records have the same digest in whatever table they are; others have another.
    digests = defaultdict(set)
    for cell in cells:
        digests[cell.records.digest].add(cell.records.records)
    assert all(len(each) == 1 for each in digests.values()) and len(digests) > 20


def test_nothing_has_no_cells_and_days_are_buckets(counting: Counting) -> None:
    engine = counting([post(number) for number in range(100)])
    nobody = (Test(Column("lang", "string"), "eq", "xx"),)
    assert engine.cells(CellPlan("posts", "v1-x", "author_id", (), (LIKES,), nobody)) == []
    days = engine.cells(CellPlan("posts", "v1-x", "author_id", (by("created_at", "timestamp"),), (), ()))
    assert sorted(each.at for each in days) == [(), ("2026-01-01",), ("2026-01-02",), ("2026-01-03",)]
    for every, name in (("month", "2026-01"), ("year", "2026")):
        longer = bucketed("created_at", "timestamp", Buckets.model_validate({"every": every}))
        assert sorted(each.at for each in engine.cells(CellPlan("posts", "v1-x", "author_id", (longer,), (), ()))) == [(), (name,)]


def test_buckets_by_name() -> None:
    assert [each.names for each in BY] == [("de", "en", "other"), ("..0", "0..10", "10..40", "40..", "other"), ("true", "false", "other")]
    day = by("created_at", "timestamp")
    known = ("2026-01-31", "other", "2026-01", "2026-13-01", "yesterday", "de")
    assert [name for name in known if day.has(name)] == ["2026-01-31", "other"]
    lang, likes, edited = BY
    assert [lang.of(each) for each in ("de", "sv", "other", None)] == ["de", "other", "other", "other"]
    assert [likes.of(each) for each in (-1, 0, 9, 10, 40, 9_000, None)] == ["..0", "0..10", "0..10", "10..40", "40..", "40..", "other"]
    assert [edited.of(each) for each in (True, False, None)] == ["true", "false", "other"]
    assert [day.of(each) for each in (datetime(2026, 1, 31, 23, tzinfo=UTC), date(2026, 2, 1), None)] == [
        "2026-01-31",
        "2026-02-01",
        "other",
    ]

"""The contract of the port: every engine gives the same plan the same rows, ordinals, marks, counts and refusals."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from contracts.clock import FixedClock
from contracts.datasets import pseudonyms, sync
from contracts.datasets.catalogue import Catalogue, Dataset, Version
from contracts.datasets.engines.chosen import ChosenCounts, ChosenEngines
from contracts.datasets.load import keys_of, ordinal_of, refresh
from contracts.datasets.plan import All, AnyOf, Column, Condition, Mark, Not, Page, Plan, Test, Withheld
from contracts.datasets.samples import sample_of
from contracts.datasets.sync import found
from contracts.datasets.values import read
from contracts.deliveries.ordinals import Ordinals
from contracts.errors import Misconfigured, Refused
from contracts.keys import KeyRing
from contracts.settings import Settings
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from contracts.terms.model import from_json
from tests.harness.data import FIELDS, TERMS, post, served, settings_for, write_posts, write_table
from tests.harness.postgres import copied

ENGINES = ("duckdb", "postgresql", "sqlalchemy")
CONTRACT = "ctr_1"
POSTS: list[dict[str, Any]] = [{**post(number), "country": None if number % 13 == 0 else post(number)["country"]} for number in range(200)]
SERVED = served(POSTS)
PSEUDONYMISED = ("id", "author_id")
COLUMNS = {name: Column(name, facts["type"], name in PSEUDONYMISED) for name, facts in FIELDS.items()}


class Ground:
    """One engine over the posts, and what it was made of."""

    def __init__(self, kind: str, folder: Path, store: Store, database: str) -> None:
        self.kind, self.folder, self.store, self.database = kind, folder, store, database
        self.keys = KeyRing(b"m" * 32)
        changes = {} if kind == "duckdb" else {"location": "", "engine": kind, "source": database, "table": "site_posts"}
        self.settings: Settings = settings_for(folder, **changes)
        self.engine, self.counts = ChosenEngines(self.settings), ChosenCounts(self.settings)
        self.version = self.load(POSTS)
        self.key = pseudonyms.key_of(store, self.keys, CONTRACT)

    def load(self, posts: list[dict[str, Any]]) -> str:
        self.change(posts)
        version = refresh(self.store, self.settings, "posts", before_current=self._prepare)
        self.version = version
        return version

    def change(self, posts: list[dict[str, Any]]) -> None:
        write_posts(self.folder / "posts.csv", posts) if self.kind == "duckdb" else write_table(self.database, posts)

    def _prepare(self, version: str) -> None:
        dataset, terms = Dataset("posts", self.settings.datasets["posts"]), from_json(json.dumps(TERMS)).for_dataset("posts")
        assert terms is not None
        pseudonyms.ensure(self.store, self.keys, self.settings.home, dataset, terms, version, CONTRACT)

    def plan(self, *tests: Condition, columns: tuple[str, ...] = ("id", "lang", "likes"), **changes: Any) -> Plan:
        shown = tuple(COLUMNS[name] for name in columns)
        return Plan(
            **{
                "dataset": "posts",
                "version": self.version,
                "contract_id": CONTRACT,
                "columns": shown,
                "tests": tests,
                "limit": 500,
                "pseudonyms": PSEUDONYMISED,
                **changes,
            }
        )

    def page(self, *tests: Condition, **changes: Any) -> Page:
        return self.engine.page(self.plan(*tests, **changes))

    def shown(self, post: dict[str, Any], name: str) -> Any:
        value = post[name]
        if name in PSEUDONYMISED:
            return pseudonyms.pseudonym(self.key, "posts", name, value)
        return value.replace("+00:00", ".000000Z") if name == "created_at" else value


@pytest.fixture(scope="module", params=ENGINES)
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Made once for each engine; tests that change the source have a ground of their own."""
    with ExitStack() as stack:
        yield _ground(request, tmp_path_factory.mktemp("ground"), stack)


@pytest.fixture(params=ENGINES)
def own_ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """One that the test may change."""
    with ExitStack() as stack:
        yield _ground(request, tmp_path, stack)


def _ground(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> Ground:
    shutil.copy(request.getfixturevalue("sqlite_template"), folder / "licet.db")
    opened = open_engine(f"sqlite:///{folder / 'licet.db'}")
    stack.callback(opened.dispose)
    store = Store(opened, FixedClock(datetime(2026, 11, 2, 9, tzinfo=UTC)))
    url = f"sqlite:///{folder / 'site.db'}"
    if request.param == "postgresql":
        url = stack.enter_context(copied(request.getfixturevalue("postgres_url"), "template_licet"))
    ground = Ground(request.param, folder, store, url)
    stack.callback(ground.engine.close)
    return ground


def test(name: str, op: Any, value: Any, *, raw: bool = False) -> Test:
    """A test by a value of the posts; by the pseudonym where the field leaves as one."""
    column = COLUMNS[name]
    if raw:
        column = Column(name, column.type)
    if column.pseudonym:
        return Test(column, op, value)
    values = tuple(read(column.type, _text(each)) for each in (value if isinstance(value, tuple) else (value,)))
    return Test(column, op, values if op == "in" else values[0])


test.__test__ = False  # type: ignore[attr-defined]  # tells pytest that this is no test


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def holds(ground: Ground, post: dict[str, Any], condition: Condition) -> bool:
    """Whether a post meets a condition."""
    match condition:
        case All(parts):
            return all(holds(ground, post, part) for part in parts)
        case AnyOf(parts):
            return any(holds(ground, post, part) for part in parts)
        case Not(part):
            return not holds(ground, post, part)
        case _:
            name = condition.column.name
            value = ground.shown(post, name) if condition.column.pseudonym else post[name]
            typed = value is None or condition.column.pseudonym
            return condition.met_by(value if typed else read(condition.column.type, _text(value)))


MOMENT = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=40)).isoformat()
CONDITIONS: list[tuple[Condition, ...]] = [
    (),
    (test("lang", "eq", "de"),),
    (test("lang", "eq", "d'e\" --"),),
    (test("lang", "in", ("de", "fr")), test("likes", "gte", 20)),
    (test("likes", "lt", 7),),
    (test("score", "gt", 30.25), test("score", "lte", 41)),
    (test("created_at", "gte", MOMENT),),
    (test("created_at", "eq", MOMENT),),
    (test("edited", "eq", True),),
    (test("edited", "in", (False, True)),),
    (test("text", "prefix", "Post 1"),),
    (test("text", "prefix", "post 1"),),
    (test("text", "contains", '"grüß dich", said \\'),),
    (test("text", "contains", "%"),),
    (test("author_handle", "contains", "_"),),
    (test("country", "eq", "DE"),),
    (Not(test("country", "eq", "DE")),),
    (Not(All((test("country", "in", ("DE", "SE")), test("lang", "eq", "en")))),),
    (AnyOf((test("likes", "lt", 3), Not(test("country", "contains", "E")))), test("lang", "eq", "en")),
    (Not(AnyOf(())), All(())),
    (AnyOf(()),),
    (test("author_id", "eq", "a3", raw=True),),
]


@pytest.mark.parametrize("tests", CONDITIONS, ids=lambda tests: str(CONDITIONS.index(tests)))
def test_the_rows_are_those_of_a_reference_in_python(ground: Ground, tests: tuple[Condition, ...]) -> None:
    names = tuple(FIELDS)
    page = ground.page(*tests, columns=names)
    expected = [each for each in SERVED if all(holds(ground, each, condition) for condition in tests)]
    assert [json.loads(row) for row in page.rows] == [{name: ground.shown(each, name) for name in names} for each in expected]
    assert [list(json.loads(row)) for row in page.rows[:1]] == [list(names)] * bool(expected)
    assert (
        list(page.ordinals) == [ordinal_of(ground.settings, _current(ground), each["id"]) for each in expected]
        if len(expected) < 12
        else True
    )
    assert (page.version, page.more) == (ground.version, False)
    counted = [ground.counts.of("posts", ground.version, tests, Ordinals(gone)) for gone in ([], page.ordinals[:3])]
    assert counted == [len(expected), max(0, len(expected) - 3)]


def test_a_sample_has_the_same_rows_everywhere(ground: Ground) -> None:
    sample = sample_of(300_000, 7, b"k" * 32)
    whole, sampled = ground.page(), ground.page(sample=sample)
    taken = [ordinal for ordinal in whole.ordinals if sample.takes(ordinal)]
    assert (list(sampled.ordinals), 20 < len(taken) < 100) == (taken, True)


def test_ordinals_and_marks_are_by_time_and_then_key(ground: Ground) -> None:
    page = ground.page()
    number = {each["id"]: place for place, each in enumerate(sorted(POSTS, key=lambda each: (each["created_at"], each["id"])))}
    assert list(page.ordinals) == [number[each["id"]] for each in SERVED]
    moments = [datetime.fromisoformat(each["created_at"]) for each in SERVED]
    assert [time for _, time in page.marks] == [int(moment.timestamp()) * 1_000_000 for moment in moments]
    found = _current(ground)
    assert (found.records, found.deleted, found.objecting, found.ordinals) == (len(SERVED), 20, 17, 200)
    assert keys_of(ground.settings, found, Ordinals(page.ordinals[:5])) == [each["id"] for each in SERVED[:5]]
    assert ordinal_of(ground.settings, found, "nobody") is None


@pytest.mark.parametrize("limit", [1, 7, 1_000])
def test_pages_follow_each_other_without_gap_or_repetition(ground: Ground, limit: int) -> None:
    condition, expected = test("lang", "eq", "de"), [each["id"] for each in SERVED if each["lang"] == "de"]
    shown: list[str] = []
    page = ground.page(condition, limit=limit)
    while True:
        shown += [json.loads(row)["id"] for row in page.rows]
        if not page.more:
            break
        page = ground.page(condition, limit=limit, after=page.mark(len(page.rows)))
    assert shown == [ground.shown({"id": each}, "id") for each in expected]


def test_erased_rows_are_dropped_and_the_page_is_full_all_the_same(ground: Ground) -> None:
    whole = ground.page()
    excluded = Ordinals(whole.ordinals[2:60])
    page = ground.page(limit=20, excluded=excluded)
    assert list(page.ordinals) == [each for each in whole.ordinals if each not in excluded][:20]
    assert page.more
    following = ground.page(limit=500, excluded=excluded, after=page.mark(20))
    assert list(page.ordinals) + list(following.ordinals) == [each for each in whole.ordinals if each not in excluded]


def test_a_pseudonym_finds_what_its_value_does(ground: Ground) -> None:
    told = ground.shown({"author_id": "a3"}, "author_id")
    expected = [each["id"] for each in SERVED if each["author_id"] == "a3"]
    for condition in (test("author_id", "eq", told), test("author_id", "in", (told, "ps_" + "0" * 32))):
        page = ground.page(condition, columns=("id",))
        assert [json.loads(row)["id"] for row in page.rows] == [ground.shown({"id": each}, "id") for each in expected]
    others = ground.page(Not(test("author_id", "eq", told)), columns=("id",))
    assert len(others.rows) == len(SERVED) - len(expected)
    assert ground.page(test("author_id", "eq", "ps_" + "0" * 32)).rows == []


def test_what_is_withheld_is_counted_by_the_contracts_rows(ground: Ground) -> None:
    def kept(each: dict[str, Any]) -> bool:
        return bool(each["lang"] in ("de", "fr"))

    condition = test("lang", "in", ("de", "fr"))
    deleted = [each for each in POSTS if each["is_deleted"] and kept(each)]
    objecting = [each for each in POSTS if each["objects"] and not each["is_deleted"] and kept(each)]
    outside = [each for each in SERVED if not kept(each)]
    assert ground.engine.withheld("posts", ground.version, [condition], len(SERVED)) == Withheld(len(outside), len(deleted), len(objecting))
    # Handles are of many values: they say nothing about rows that nobody may see.
    some = test("author_handle", "eq", "@person3")
    counted = ground.engine.withheld("posts", ground.version, [some], len(SERVED))
    assert (counted.deleted, counted.objecting) == (20, 17)


def test_a_version_that_is_not_there_is_refused(ground: Ground) -> None:
    with pytest.raises(Refused) as refused:
        ground.page(version="v0-gone")
    assert refused.value.refusal.code == "dataset_unavailable"


def test_ordinals_stay_and_a_cursor_goes_on_in_the_next_version(own_ground: Ground) -> None:
    ground = own_ground
    first = ground.page(limit=40)
    before = dict(zip([json.loads(row)["id"] for row in first.rows], first.ordinals, strict=True))
    # Rows are gone before and after the mark, and new ones have come between and behind.
    left = [each for each in POSTS if each["id"] not in ("0005", "0009", "0150")]
    new = [{**post(number), "id": f"new-{number}", "created_at": post(number)["created_at"]} for number in (3, 101, 302, 303)]
    ground.load([*left, *new])
    whole = ground.page()
    now = dict(zip([json.loads(row)["id"] for row in whole.rows], whole.ordinals, strict=True))
    assert {name: now[name] for name in before if name in now} == {name: number for name, number in before.items() if name in now}
    assert sorted(set(now.values()) - set(range(200))) == [200, 201, 202, 203]
    following = ground.page(after=Mark("another", first.mark(40).pos, first.mark(40).time, first.mark(40).ordinal))
    place = list(whole.ordinals).index(first.ordinals[39])
    assert list(following.ordinals) == list(whole.ordinals)[place + 1 :]


@pytest.mark.parametrize("own_ground", ["postgresql", "sqlalchemy"], indirect=True)
def test_read_in_place_a_row_serves_what_it_is_now_and_not_what_nobody_numbered(own_ground: Ground) -> None:
    ground = own_ground
    gone, changed, given = SERVED[1]["id"], SERVED[2]["id"], SERVED[3]["id"]
    now = [
        {
            **each,
            "is_deleted": each["is_deleted"] or each["id"] == gone,
            "likes": 999 if each["id"] == changed else each["likes"],
            "author_id": "new person" if each["id"] == given else each["author_id"],
        }
        for each in POSTS
    ]
    ground.change([*now, {**post(301), "id": "unnumbered"}])
    shown = {json.loads(row)["id"]: json.loads(row)["likes"] for row in ground.page(columns=("id", "author_id", "likes")).rows}
    expected = {
        ground.shown(each, "id"): 999 if each["id"] == changed else each["likes"] for each in SERVED if each["id"] not in (gone, given)
    }
    assert shown == expected
    ground.load([*now, {**post(301), "id": "unnumbered"}])
    assert len(ground.page(columns=("id", "author_id")).rows) == len(SERVED)


@pytest.mark.parametrize("own_ground", ["postgresql", "sqlalchemy"], indirect=True)
def test_numbers_that_are_lost_are_not_given_again(own_ground: Ground) -> None:
    ground = own_ground
    with sync.opened("posts", ground.settings.datasets["posts"]) as (place, connection):
        connection.execute(delete(place.ordinals).where(place.ordinals.c["_ord"] > 100))
    with pytest.raises(Misconfigured, match="has given 200 numbers"):
        ground.load(POSTS)


def test_a_dataset_that_changes_its_engine_keeps_its_numbers_or_is_refused(ground: Ground) -> None:
    url = f"sqlite:///{ground.folder / 'other.db'}"
    write_table(url, POSTS)
    other = settings_for(ground.folder, location="", engine="sqlalchemy", source=url, table="site_posts")
    if ground.kind == "duckdb":
        with pytest.raises(Misconfigured, match="was loaded by another engine"):
            refresh(ground.store, other, "posts")
    else:
        write_posts(ground.folder / "posts.csv", POSTS)
        with pytest.raises(Misconfigured, match="cannot be loaded"):
            refresh(ground.store, settings_for(ground.folder), "posts")


@pytest.mark.parametrize("own_ground", ["postgresql", "sqlalchemy"], indirect=True)
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"fields": {**FIELDS, "likes": {"type": "timestamp"}}}, "the column likes is"),
        ({"fields": {**FIELDS, "shoe_size": {"type": "integer"}}}, "has no column 'shoe_size'"),
        ({"table": "nothing"}, "has no table nothing"),
        ({"key": "lang"}, "two rows have the same lang"),
        ({"key": "country"}, "a row has no country"),
    ],
)
def test_a_table_that_does_not_fit_says_why(own_ground: Ground, changes: dict[str, Any], says: str) -> None:
    made = {"location": "", "engine": own_ground.kind, "source": own_ground.database, "table": "site_posts"}
    settings = settings_for(own_ground.folder, **{**made, **changes})
    with pytest.raises(Misconfigured, match=says):
        refresh(own_ground.store, settings, "posts")
    if "key" not in changes:
        with pytest.raises(Misconfigured, match=says):
            found("posts", settings.datasets["posts"])
    assert _current(own_ground).version == own_ground.version


def _current(ground: Ground) -> Version:
    found = Catalogue(ground.settings, ground.store).version_of("posts")
    assert found is not None
    return found

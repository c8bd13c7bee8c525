"""Properties: a field that leaves generalised is generalised for conditions, order, counts and estimates, so that nothing tells more."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.access.body import parse_body
from contracts.access.decide import decide
from contracts.access.query import Query, parse
from contracts.access.request import Answer, RecordsRequest
from contracts.aggregates.buckets import bucketed
from contracts.aggregates.plan import CellPlan
from contracts.clock import FixedClock
from contracts.datasets.coarse import Coarse
from contracts.datasets.engines.duckdb_cells import DuckCells
from contracts.datasets.engines.duckdb_counts import DuckCounts
from contracts.datasets.pseudonyms import key_of
from contracts.datasets.shuffle import shuffle_of
from contracts.deliveries.ordinals import Ordinals
from contracts.errors import Refused
from contracts.sections import Buckets
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from contracts.terms.grant import Grant
from tests.conftest import START
from tests.harness.data import FIELDS, World, post, run, served, world

Row = dict[str, Any]
REGIONS = {"GB": "island", "DE": "land", "FR": "land"}
GRAINED: Row = {
    **FIELDS,
    "created_at": {"type": "timestamp", "grains": ["day", "month"], "at_least": "day"},
    "country": {"type": "string", "grains": ["region"], "regions": REGIONS},
    "author_handle": {"type": "string", "grains": ["region"], "region_letters": 1},
    "text": {"type": "string", "class": "personal", "grains": ["masked"], "at_least": "masked"},
}
NAMES = ("created_at", "lang", "country", "author_handle", "text", "likes")
COUNTS: Row = {
    "people": 3,
    "by": {"created_at": {"every": "month"}, "country": {"values": ["island", "land"]}},
    "sums": {"likes": {"least": 0, "most": 50}},
}
FIRST = datetime(2026, 1, 20, 3, tzinfo=UTC)


def some_posts(hidden: int) -> list[Row]:
    """Posts over a month and a half; `hidden` changes what is hidden of each, in the same order of time."""
    return [
        {
            **post(number),
            "created_at": (FIRST + timedelta(hours=13 * number, minutes=hidden * 7, microseconds=hidden)).isoformat(),
            "country": (["DE", "FR"][hidden], "GB", "SE")[number % 3] if number % 7 else None,
            "author_handle": f"{'pqr'[number % 3]}{'x' if hidden else 'yz'}",
            "text": f"Ask @{'anna' if hidden else 'ben'}{number} or {hidden}@host.example, see https://x.example/{hidden}/{number} on {number % 4}",
        }
        for number in range(80)
    ]


@pytest.fixture(scope="module")
def twins(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, World]]:
    """Two worlds whose records differ in nothing that is told."""
    with ExitStack() as stack:
        made = []
        for hidden in range(2):
            folder = tmp_path_factory.mktemp("generalised")
            shutil.copy(sqlite_template, folder / "licet.db")
            store = Store(open_engine(f"sqlite:///{folder / 'licet.db'}"), FixedClock(START))
            stack.callback(store.engine.dispose)
            made.append(stack.enter_context(world(store, FixedClock(START), folder, some_posts(hidden), fields=GRAINED, aggregates=COUNTS)))
        yield made[0], made[1]


VALUES: dict[str, list[Any]] = {
    "day": ["2026-01-20", "2026-02-01", "2026-02-07", "2025-12-31"],
    "month": ["2026-01", "2026-02", "2025-12"],
    "lang": ["de", "en", "d"],
    "country": ["DE", "GB", "land", "island", "la"],
    "author_handle": ["p", "q", "px", "pyz"],
    "text": ["Ask [account]", "[link]", "anna", "host", "on 3"],
    "likes": [0, 7, 33],
}
OPS = {"likes": ("eq", "in", "gte", "gt", "lte", "lt"), "created_at": ("eq", "in", "gte", "gt", "lte", "lt")}


@dataclass(frozen=True)
class Asked:
    """The grains of a contract, and a condition of a request under it."""

    grains: dict[str, Any]
    where: Row | None


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    grains: Row = {"created_at": draw(st.sampled_from(["day", "month"])), "text": "masked"}
    grains |= {name: "region" for name in ("country", "author_handle") if draw(st.booleans())}

    @st.composite
    def leaf(draw: st.DrawFn) -> Row:
        field = draw(st.sampled_from(NAMES))
        op = draw(st.sampled_from(OPS.get(field, ("eq", "in", "prefix", "contains"))))
        values = st.sampled_from(VALUES[grains["created_at"] if field == "created_at" else field])
        return {"field": field, "op": op, "value": draw(st.lists(values, min_size=1, max_size=2) if op == "in" else values)}

    def more(parts: st.SearchStrategy[Row]) -> st.SearchStrategy[Row]:
        several = st.lists(parts, min_size=1, max_size=3)
        return st.one_of(*(st.fixed_dictionaries({word: inner}) for word, inner in (("and", several), ("or", several), ("not", parts))))

    return Asked(grains, draw(st.none() | st.recursive(leaf(), more, max_leaves=4)))


def seen(row: Row, grains: dict[str, Any]) -> Row:
    """A record as the contract sees it, by rules written here anew; a time that leaves as it is has the form of answers."""
    told = {name: row[name] for name in NAMES}
    told["created_at"] = row["created_at"][: {"day": 10, "month": 7}[grains["created_at"]]]
    told["text"] = f"Ask [account] or [account], see [link] on {row['text'][-1]}"
    if "country" in grains:
        told["country"] = REGIONS.get(row["country"])
    if "author_handle" in grains:
        told["author_handle"] = row["author_handle"][:1]
    return told


def holds(row: Row, node: Row) -> bool:
    """The model's rule for a condition on a record as it is seen."""
    if "and" in node or "or" in node:
        return (all if "and" in node else any)(holds(row, part) for part in node.get("and") or node["or"])
    if "not" in node:
        return not holds(row, node["not"])
    have, bound = row[node["field"]], node["value"]
    if have is None:
        return False
    match node["op"]:
        case "eq" | "in":
            return have in (bound if isinstance(bound, list) else [bound])
        case "prefix":
            return bool(have[: len(bound)] == bound)
        case "contains":
            return bound in have
        case "gte" | "gt":
            return bool(have > bound or (node["op"] == "gte" and have == bound))
        case _:
            return bool(have < bound or (node["op"] == "lte" and have == bound))


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
    while True:
        answer = ask(data, contract, client, body)
        refusals = [] if answer.refusal is None else [answer.refusal.code]
        page = {"data": [], "next": None} if answer.refusal else json.loads(answer.body)
        pages.append(page["data"])
        if page["next"] is None:
            return pages, refusals, sum(leaf.get("rows", 0) for leaf in data.leaves()[before:])
        body = {**body, "cursor": page["next"]}


def terms_of(grains: dict[str, Any], **more: Any) -> Row:
    return {"datasets": [{"dataset": "posts", "fields": list(NAMES), "rows": [], "generalised": grains, **more}]}


def body_of(question: Asked, limit: int = 23) -> Row:
    return {"limit": limit} if question.where is None else {"limit": limit, "where": question.where}


@settings(max_examples=15, deadline=None)
@example(question=Asked({"created_at": "month", "text": "masked"}, {"field": "created_at", "op": "gt", "value": "2026-01"}), limit=7)
@given(question=asked(), limit=st.integers(5, 60))
def test_answers_are_those_of_the_generalised_records_in_their_order(twins: tuple[World, World], question: Asked, limit: int) -> None:
    data = twins[0]
    contract, client = data.contract(**terms_of(question.grains))
    shuffle = shuffle_of(question.grains["created_at"], key_of(data.store, data.keys, contract))
    ordinals = {each["id"]: number for number, each in enumerate(sorted(data.posts, key=lambda each: (each["created_at"], each["id"])))}
    rows = [(seen(each, question.grains), ordinals[each["id"]]) for each in served(data.posts)]
    matching = [pair for pair in rows if question.where is None or holds(pair[0], question.where)]
    matching.sort(key=lambda pair: (pair[0]["created_at"], shuffle.place(pair[1]), pair[1]))
    pages, refusals, charged = told(data, contract, client, body_of(question, limit))
    in_order = [{name: row[name] for name in FIELDS if name in NAMES} for row, _ in matching]
    assert ([row for page in pages for row in page], refusals, charged) == (in_order, [], len(in_order))
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)


@settings(max_examples=15, deadline=None)
@given(question=asked())
def test_no_condition_tells_apart_what_is_told_alike(twins: tuple[World, World], question: Asked) -> None:
    grains = {**question.grains, "country": "region", "author_handle": "region"}
    outcomes = []
    for data in twins:
        contract, client = data.contract(**terms_of(grains))
        pages, refusals, charged = told(data, contract, client, body_of(question))
        withheld = json.loads(ask(data, contract, client, body_of(question)).body)["withheld"]
        # The order within a day or month is by each contract's key.
        rows = sorted(json.dumps(row) for page in pages for row in page)
        outcomes.append((rows, [len(page) for page in pages], refusals, charged, withheld))
    assert outcomes[0] == outcomes[1]


def test_answers_name_what_is_generalised_and_the_contracts_own_rows_stay_exact(twins: tuple[World, World]) -> None:
    data = twins[0]
    since = {"field": "created_at", "op": "gte", "value": "2026-02-02T12:30:00Z"}
    contract, client = data.contract(**terms_of({"created_at": "month", "text": "masked"}, rows=[since]))
    pages, _, _ = told(data, contract, client, {"limit": 100, "where": {"field": "created_at", "op": "eq", "value": "2026-02"}})
    expected = [each for each in served(data.posts) if "2026-02-02T12:30:00" <= each["created_at"] < "2026-03"]
    assert sorted(row["likes"] for row in pages[0]) == sorted(each["likes"] for each in expected)
    withheld = json.loads(ask(data, contract, client, {}).body)["withheld"]
    assert withheld["generalised"] == data.leaves()[-1]["facts"]["generalised"] == {"created_at": "month", "text": "masked"}
    ask(data, contract, client, {"fields": ["likes", "lang"]})
    assert "facts" not in data.leaves()[-1]


def decided(data: World, terms: Row, **parameters: str) -> Any:
    """What is decided of a request under these terms."""
    contract, client = data.contract(**terms)
    held = data.grants.held_now(contract)
    assert isinstance(held.grant, Grant)
    query = parse([(name.replace("__", "."), value) for name, value in parameters.items()])
    assert isinstance(query, Query)
    today = data.clock.now().date()
    return decide(held.grant, data.caller(contract, client).claims, data.catalogue.get("posts"), query, "192.0.2.7", today)


@pytest.mark.parametrize(
    ("grain", "value", "says"),
    [
        ("day", "2026-01-20T03:00:00Z", "is not a date"),
        ("month", "2026-01-20", "is not a month"),
        ("month", "2026-01-20T03:00:00Z", "is not a month"),
    ],
)
def test_a_finer_condition_is_refused_and_says_why(twins: tuple[World, World], grain: str, value: str, says: str) -> None:
    refusal = decided(twins[0], terms_of({"created_at": grain, "text": "masked"}), created_at__gte=value)
    assert (refusal.code, says in refusal.reason) == ("filter_not_possible", True)


def test_what_the_dataset_asks_for_holds_where_the_contract_says_nothing(twins: tuple[World, World]) -> None:
    plain = {"datasets": [{"dataset": "posts", "fields": list(NAMES), "rows": []}]}
    allowed = decided(twins[0], plain)
    assert {each.name: each.coarse for each in allowed.columns if each.coarse} == {"created_at": Coarse("day"), "text": Coarse("masked")}
    assert allowed.order == "day"
    # Records are in no finer order for who does not read the time at all.
    assert decided(twins[0], {"datasets": [{"dataset": "posts", "fields": ["lang"], "rows": []}]}).order == "day"


def test_a_cursor_of_one_grain_is_none_of_another(twins: tuple[World, World]) -> None:
    told = [decided(twins[0], terms_of({"created_at": grain, "text": "masked"}), fields="lang").fingerprint for grain in ("day", "month")]
    assert told[0] != told[1]


def test_a_field_that_would_be_a_pseudonym_as_well_is_not_answered(twins: tuple[World, World]) -> None:
    refusal = decided(twins[0], terms_of({"created_at": "month", "text": "masked"}, pseudonymised=["text"]))
    assert refusal.code == "dataset_unavailable"


def test_counts_go_by_the_generalised_value(twins: tuple[World, World]) -> None:
    country = bucketed("country", "string", Buckets(values=["land", "DE"]), Coarse("region", tuple(REGIONS.items())))
    month = bucketed("created_at", "timestamp", Buckets(every="month"), Coarse("month"))
    told = []
    for data in twins:
        version = data.catalogue.version_of("posts")
        assert version is not None
        plan = CellPlan("posts", version.version, "author_id", (country, month), (), ())
        told.append(sorted((cell.axes, cell.at, cell.records.records) for cell in DuckCells(data.settings.home).cells(plan)))
    assert told[0] == told[1]
    posts = served(twins[0].posts)
    land = [each for each in posts if REGIONS.get(each["country"]) == "land"]
    assert {(at, records) for axes, at, records in told[0] if axes == (0,)} == {
        (("land",), len(land)),
        (("other",), len(posts) - len(land)),
    }


def test_a_bucket_that_would_tell_more_than_the_grain_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        bucketed("created_at", "timestamp", Buckets(every="day"), Coarse("month"))
    assert (refused.value.refusal.code, refused.value.refusal.facts) == ("filter_not_possible", {"field": "created_at"})
    kept = (
        bucketed("created_at", "timestamp", Buckets(every="day"), Coarse("day")),
        bucketed("created_at", "timestamp", Buckets(every="year"), Coarse("month")),
    )
    assert [each.column.coarse for each in kept] == [None, None]


def test_an_estimate_counts_by_the_generalised_value(twins: tuple[World, World]) -> None:
    allowed = [
        decided(
            data,
            terms_of({"created_at": "month", "text": "masked", "author_handle": "region"}),
            created_at__gt="2026-01",
            author_handle="p",
        )
        for data in twins
    ]
    counted = []
    for data, each in zip(twins, allowed, strict=True):
        version = data.catalogue.version_of("posts")
        assert version is not None
        counted.append(DuckCounts(data.settings.home).of("posts", version.version, each.tests, Ordinals()))
    expected = [each for each in served(twins[0].posts) if each["created_at"] >= "2026-02" and each["author_handle"][0] == "p"]
    assert counted == [len(expected)] * 2 and expected

"""The search against a model that reads every leaf: counts, facets, pages and words, on both stores, and after being killed midway."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

import orjson
import pytest
from sqlalchemy import Connection, delete, event, func, select, update
from sqlmodel import col

from contracts.clock import FixedClock
from contracts.credentials.tables import Followed
from contracts.keys import KeyRing
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, stage
from contracts.ledger.tables import LedgerEntry, LedgerHead
from contracts.ledger.verify import verify
from contracts.search import find
from contracts.search.behind import lag
from contracts.search.find import FACETS, Question, count, grouped, places
from contracts.search.follow import CHUNK, FIRST, SLICE, Follower
from contracts.search.kinds import UNREAD, Told, read, words_of
from contracts.search.tables import EntryKind, KindDay, KindWord, SearchedEntry
from contracts.store.unit import Store

KEYS = KeyRing(bytes(range(32)))
DAYS, TITLES = 5, {"posts": "Public posts"}


def entry_of(draw: random.Random) -> Entry:
    """One of some kinds: common ones, rare ones, and ones without any partner."""
    number = draw.choices(range(40), weights=[40, 20, *[1] * 38])[0]
    if number % 7 == 6:
        return Entry(event="account.signed_in", personal={"account": "acc_1"})
    return Entry(
        event="access.records" if number % 3 else "access.catalogue",
        decision="refuse" if number % 5 == 4 else "allow",
        rule="rate_exceeded" if number % 5 == 4 else "",
        organisation=f"org_{number % 4}",
        contract=f"ctr_{number % 9}",
        purpose=("research", "journalism")[number % 2],
        dataset=("posts", "topics")[number % 2],
        fields=("id", f"field_{number % 3}"),
        rows=number if number % 5 != 4 else None,
    )


def written(store: Store, count_of: int, seed: int = 1) -> None:
    """Entries over some days, in the tree."""
    draw, start = random.Random(seed), datetime.fromisoformat("2026-11-02T09:00:00+00:00")
    for day in range(DAYS):
        with store.write() as unit:
            entries = [entry_of(draw) for _ in range(count_of // DAYS)]
            stage(unit.connection, unit.node, start + timedelta(days=day), entries)
    integrated(store)


def written_anew(store: Store, count_of: int) -> None:
    """More entries, which wait for the tree."""
    with store.write() as unit:
        stage(unit.connection, unit.node, unit.now, [entry_of(random.Random(number)) for number in range(count_of)])


def leaves(store: Store) -> list[tuple[int, bytes]]:
    """Every entry's place and leaf."""
    with store.read() as session:
        rows = session.execute(select(col(LedgerEntry.index), col(LedgerEntry.leaf)).order_by(col(LedgerEntry.index)))
        return [(index, leaf) for index, leaf in rows]


def integrated(store: Store) -> None:
    """Until nothing waits: that the first checkpoint made a key is an entry of its own."""
    sequencer = Sequencer(store, KEYS, "test/ledger", searched=False)
    while sequencer.integrate():
        pass


def followed(store: Store) -> None:
    Follower(store, TITLES).follow()


class Model:
    """Every entry by its leaf alone, newest first."""

    def __init__(self, store: Store) -> None:
        with store.read() as session:
            rows = session.execute(select(col(LedgerEntry.index), col(LedgerEntry.leaf)).order_by(col(LedgerEntry.index).desc())).all()
        self.entries = [(index, facts, _words(facts)) for index, facts in ((index, orjson.loads(leaf)) for index, leaf in rows)]

    def fitting(self, asked: Question) -> list[tuple[int, dict[str, object], date]]:
        """What fits."""
        named = {"organisation": asked.organisation, "contract": asked.contract, "decision": asked.decision, "purpose": asked.purpose}
        named |= {"rule": asked.rule, "dataset": asked.dataset}
        kept = []
        for index, facts, words in self.entries:
            day = datetime.fromisoformat(facts["at"]).date()
            if (
                all(facts.get(name, "") == value for name, value in named.items() if value)
                and (not asked.events or facts["event"] in asked.events)
                and (asked.since is None or day >= asked.since)
                and (asked.until is None or day <= asked.until)
                and all(any(each.startswith(word) for each in words) for word in asked.words.lower().split())
            ):
                kept.append((index, facts, day))
        return kept


def _words(facts: dict[str, str]) -> set[str]:
    told = Told(
        facts["event"], facts["decision"], facts.get("rule", ""), dataset=facts.get("dataset", ""), purpose=facts.get("purpose", "")
    )
    return words_of(told._replace(fields=" ".join(facts.get("fields", ()))), [], TITLES)


QUESTIONS = [
    Question(),
    Question(decision="refuse"),
    Question(organisation="org_1", events=("access.records",)),
    Question(contract="ctr_8", purpose="journalism"),
    Question(since=date(2026, 11, 3), until=date(2026, 11, 4)),
    Question(words="deliv"),
    Question(words="research refused", since=date(2026, 11, 5)),
    Question(words="field_2 journalism"),
    Question(words="nothing"),
    Question(words="public posts"),
    Question(rule="rate_exceeded", dataset="posts"),
    Question(organisation="org_none"),
]


@pytest.mark.parametrize("few", [0, find.FEW])
def test_counts_facets_and_pages_are_those_of_the_leaves(store: Store, clock: FixedClock, few: int) -> None:
    written(store, CHUNK + 200)
    followed(store)
    model = Model(store)
    for asked in QUESTIONS:
        expected = model.fitting(asked)
        with store.read() as session:
            answer = count(session, asked, facets=FACETS)
            pages, before = list[int](), None
            while page := places(session, asked, answer.days, 37, before, few=few, block=50):
                pages, before = [*pages, *page], page[-1]
            by_day = grouped(session, asked, "day")
        assert pages == [index for index, _, _ in expected], asked
        assert answer.count == len(expected)
        assert {each[0]: each[1] for each in by_day} == Counter(day for _, _, day in expected)
        for facet, name in (("decision", "decision"), ("organisation_id", "organisation"), ("purpose", "purpose"), ("rule", "rule")):
            others = model.fitting(replace(asked, **{name: ""}))
            assert answer.facets[facet] == Counter(str(facts[name]) for _, facts, _ in others if facts.get(name)), (asked, facet)


def test_records_are_those_that_were_delivered(store: Store, clock: FixedClock) -> None:
    written(store, 200)
    followed(store)
    asked, model = Question(events=("access.records",), decision="allow"), Model(store)
    with store.read() as session:
        assert count(session, asked).records == sum(int(str(facts.get("rows", 0))) for _, facts, _ in model.fitting(asked)) > 0


def test_two_that_follow_and_one_that_is_killed_count_each_entry_once(store: Store, clock: FixedClock) -> None:
    written(store, 3 * CHUNK)
    first, second = Follower(store), Follower(store)
    first.tick()
    with pytest.raises(RuntimeError), store.write("search") as unit:
        unit.session.execute(select(func.count()).select_from(SearchedEntry))
        raise RuntimeError("killed before the commit")
    with store.read() as session:
        behind = lag(session)
    while second.tick() + first.tick():
        pass
    with store.read() as session:
        entries = session.execute(select(func.count()).select_from(LedgerEntry)).scalar_one()
        assert (behind.entries, lag(session).entries) == (entries - CHUNK, 0)
        assert count(session, Question()).count == session.execute(select(func.count()).select_from(SearchedEntry)).scalar_one() == entries


def test_leaves_that_the_sequencer_read_are_not_read_again(store: Store, clock: FixedClock) -> None:
    sequencer, seen = Sequencer(store, KEYS, "test/ledger"), list[str]()
    sequencer.integrate()
    written_anew(store, 300)
    sequencer.integrate()
    written_anew(store, 300)
    event.listen(store.engine, "before_cursor_execute", lambda _connection, _cursor, text, *_rest: seen.append(text))
    assert sequencer.integrate() == 300
    assert [len([text for text in seen if name in text]) for name in ("ledger_entry.leaf", "ledger_tile.hashes")] == [1, 0]
    with store.read() as session:
        assert lag(session).entries == 0
        assert count(session, Question()).count == len(leaves(store)) == 601


@pytest.mark.parametrize("overtaken", [False, True])
def test_leaves_that_are_handed_on_are_taken_where_they_fit_and_each_once(store: Store, clock: FixedClock, overtaken: bool) -> None:
    written(store, 400)
    first, second = Follower(store), Follower(store)
    begun = first.tick(leaves(store)[SLICE:])
    there = begun + (second.tick() if overtaken else 0)
    taken = [first.follow(leaves(store)) for _ in range(2)]
    entries = len(Model(store).entries)
    assert 0 < begun <= SLICE
    assert taken == ([0, entries - there] if overtaken else [entries - there, 0])
    with store.read() as session:
        assert count(session, Question()).count == session.execute(select(func.count()).select_from(SearchedEntry)).scalar_one() == entries


@pytest.mark.parametrize(
    ("waiting", "parts"),
    [(1, [1]), (160, [160]), (161, [81, 80]), (321, [107, 107, 107]), (501, [500, 1]), (1400, [500, 500, 134, 133, 133])],
)
def test_few_are_taken_in_by_equal_slices_and_many_by_chunks(
    sqlite_store: Store, clock: FixedClock, waiting: int, parts: list[int]
) -> None:
    Sequencer(sqlite_store, KEYS, "test/ledger", searched=False).ensure_key()
    written_anew(sqlite_store, waiting - 1)
    integrated(sqlite_store)
    follower, taken = Follower(sqlite_store), list[int]()
    while found := follower.tick():
        taken.append(found)
    assert taken == parts


def test_a_tree_that_was_cut_off_moves_no_place(store: Store, clock: FixedClock) -> None:
    written(store, 2 * SLICE)
    followed(store)
    with store.write() as unit:
        unit.session.execute(update(LedgerHead).values(size=10))
    assert Follower(store).tick() == 0
    with store.read() as session:
        assert session.execute(select(FIRST)).scalar_one() == len(leaves(store))


@pytest.mark.parametrize("handed", [False, True])
def test_kinds_are_asked_for_again_where_a_backup_was_put_back(store: Store, clock: FixedClock, handed: bool) -> None:
    written(store, 50)
    follower = Follower(store)
    follower.follow()
    with store.write() as unit:
        for table in (SearchedEntry, KindDay, KindWord, EntryKind, Followed):
            unit.session.execute(delete(table))
    if handed:
        written_anew(store, 5)
        integrated(store)
        assert follower.follow(leaves(store)) == 0
    assert follower.follow() == len(leaves(store))
    assert verify(store, KEYS).problems == []


def test_kinds_whose_commit_failed_are_made_again(store: Store, clock: FixedClock) -> None:
    written(store, 50)
    follower = Follower(store)

    def fail(_connection: Connection) -> None:
        raise RuntimeError("the disk is full")

    event.listen(store.engine, "commit", fail)
    with pytest.raises(RuntimeError):
        follower.tick()
    event.remove(store.engine, "commit", fail)
    assert follower.follow() == len(leaves(store))
    assert verify(store, KEYS).problems == []


LEAF = {
    "event": "access.records",
    "decision": "allow",
    "at": "2026-11-02T09:00:00.000Z",
    "rows": 7,
    "subject": "ctr_1",
    "fields": ["a", "b"],
}
AS_TOLD = Told("access.records", "allow", fields="a b"), datetime.fromisoformat("2026-11-02T09:00:00+00:00"), "ctr_1", 7


@pytest.mark.parametrize("name", ["event", "decision", "at", "rule", "contract", "fields", "subject"])
@pytest.mark.parametrize("odd", [None, 7, [7], {"x": "y"}])
def test_what_is_odd_in_a_leaf_makes_it_one_that_cannot_be_read(name: str, odd: object) -> None:
    told, at, subject, rows = AS_TOLD
    fine = {("subject", "None"): (told, at, None, rows), ("fields", "{'x': 'y'}"): (told._replace(fields="x"), at, subject, rows)}
    assert read(orjson.dumps(LEAF)) == AS_TOLD
    assert read(orjson.dumps(LEAF | {name: odd})) == fine.get((name, str(odd)), UNREAD)


def test_a_moment_without_its_zone_cannot_be_read() -> None:
    assert read(orjson.dumps(LEAF | {"at": "2026-11-02T09:00:00"})) == UNREAD


@pytest.mark.parametrize("missing", ["event", "decision", "at"])
def test_a_leaf_without_event_decision_or_moment_cannot_be_read(missing: str) -> None:
    assert read(orjson.dumps({name: value for name, value in LEAF.items() if name != missing})) == UNREAD


def test_no_word_of_a_kind_is_a_personal_value(store: Store, clock: FixedClock) -> None:
    with store.write() as unit:
        secret = {"account": "acc_secret", "network": "192.0.2.0/24", "search": "keen_fern"}
        stage(unit.connection, unit.node, unit.now, [Entry(event="ledger.searched", personal=secret)])
    integrated(store)
    followed(store)
    with store.read() as session:
        assert [count(session, Question(words=each)).count for each in ("keen_fern", "acc_secret", "192", "searched")] == [0, 0, 0, 1]

"""The fold of deliveries: whatever it did so far, each question has the answer of a slow model."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import func, select

from contracts.deliveries import fold, queries
from contracts.deliveries.arrived import head, place
from contracts.deliveries.ordinals import Ordinals, unpack
from contracts.deliveries.tables import DeliveryFold
from contracts.errors import Refused
from contracts.ledger.sequencer import Sequencer
from contracts.store.unit import Store
from tests.conftest import START
from tests.contracts.credentials.sealed import RING
from tests.contracts.deliveries.history import History, deliver

ORDINALS = (0, 1, 65_535, 65_536, 200_000)
HOURS = (0, 1, 15, 24, 40)
# From before everything to after it, within a day, over midnight, whole days, and nothing.
SPANS = [(START + timedelta(hours=a), START + timedelta(hours=b)) for a, b in ((-9, 63), (0, 39), (1, 15), (15, 63), (16, 39), (40, 40))]
NUMBERS = count()

went = st.tuples(
    st.just("deliver"), st.integers(0, 2), st.integers(0, 1), st.sets(st.sampled_from(ORDINALS), min_size=1), st.sampled_from(HOURS)
)
acts = st.lists(
    went
    | st.tuples(st.sampled_from(["integrate", "begin", "rebuild", "ask"]))
    | st.tuples(st.just("step"), st.integers(0, 3), st.integers(1, 4)),
    min_size=6,
    max_size=20,
)


def sequencer(store: Store) -> Sequencer:
    return Sequencer(store, RING, "agora.example/ledger")


def folded(store: Store) -> None:
    """Everything that left is in the tree and in the fold."""
    sequencer(store).integrate()
    while fold.tick(store):
        pass
    with store.read() as session:
        assert place(session).next == head(session)


def play(store: Store, acts: list[tuple[Any, ...]]) -> None:
    """Deliveries, folds that stop half-way or run beside each other, and rebuilds that stop; after each act the answers are right."""
    number, history, running = next(NUMBERS), History(store), list[Iterator[int]]()
    tree = sequencer(store)
    for act in acts:
        match act:
            case ("deliver", contract, dataset, ordinals, hours):
                history.deliver(f"ctr_{number}_{contract}", f"d{number}_{dataset}", sorted(ordinals), START + timedelta(hours=hours))
            case ("integrate",):
                tree.integrate()
            case ("begin",):
                running.append(fold.steps(store, 1))
            case ("rebuild",):
                running.append(fold.forgetting(store))
            case ("step", which, steps) if running:
                advance(running[which % len(running)], steps)
            case ("ask",):
                history.check(ORDINALS[:1], SPANS[:1])
    history.check(ORDINALS[1:4], SPANS[:4])
    fold.rebuild(store)
    folded(store)
    history.check(ORDINALS, SPANS)


def advance(one: Iterator[int], steps: int) -> None:
    """Some steps; a rebuild that another one overtook ends by itself."""
    try:
        for _ in range(steps):
            next(one, None)
    except Refused as refused:
        assert refused.refusal.code == "changed_meanwhile"


@settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=acts)
def test_every_answer_is_that_of_the_model_wherever_a_fold_stopped(sqlite_store: Store, acts: list[tuple[Any, ...]]) -> None:
    play(sqlite_store, acts)


def test_postgresql_answers_alike(store: Store) -> None:
    """One long play; what differs by the store is its SQL and its locks, not the order of the acts."""
    whole = [("deliver", number % 3, number % 2, set(ORDINALS[number % 3 :]), HOURS[number % 5]) for number in range(8)]
    others = [("integrate",), ("begin",), ("step", 0, 3), ("begin",), ("step", 1, 2), ("rebuild",), ("step", 2, 2), ("step", 0, 2)]
    play(store, [*whole[:4], *others, *whole[4:], *others, ("ask",)])


def test_a_follower_that_was_overtaken_by_a_rebuild_writes_nothing(store: Store) -> None:
    history = History(store)
    history.deliver("ctr_1", "posts", [1, 70_000], START)
    folded(store)
    history.deliver("ctr_1", "posts", [2, 70_001], START)
    sequencer(store).integrate()
    late = fold.steps(store, 1)
    assert next(late) == 1
    fold.rebuild(store)
    assert list(late) == []
    history.check([1, 2, 70_000, 70_001], SPANS)


def test_a_rebuild_that_was_stopped_answers_still_and_the_next_one_mends_it(store: Store) -> None:
    history = History(store)
    for number in range(5):
        history.deliver("ctr_1", "posts", [number * 65_536], START)
    folded(store)
    stopped = fold.forgetting(store)
    next(stopped)
    assert fold.tick(store) == 0
    with store.read() as session:
        assert place(session).is_rebuilding
    history.check([0, 65_536], SPANS)
    fold.rebuild(store)
    with pytest.raises(Refused) as refused:
        list(stopped)
    assert refused.value.refusal.code == "changed_meanwhile"
    history.check([0, 65_536], SPANS)


def test_a_rebuild_takes_away_what_no_delivery_says(store: Store) -> None:
    history = History(store)
    history.deliver("ctr_1", "posts", [1], START)
    folded(store)
    with store.write() as unit:
        for row in unit.session.exec(select(DeliveryFold)).all():
            row.ordinals = Ordinals([1, 9]).serialize()
    with store.read() as session:
        assert queries.holders(session, "posts", Ordinals([9])) == {"ctr_1": Ordinals([9])}
    fold.rebuild(store)
    history.check([1, 9], SPANS)


def test_a_set_that_does_not_grow_is_not_written_again(sqlite_store: Store) -> None:
    for _ in range(2):
        deliver(sqlite_store, "ctr_1", "posts", [1, 70_000], START)
        sequencer(sqlite_store).integrate()
        done = list(fold.steps(sqlite_store))
    assert done == [0, 0]
    with sqlite_store.read() as session:
        rows = session.exec(select(DeliveryFold).order_by(DeliveryFold.part, DeliveryFold.day)).all()  # type: ignore[arg-type]  # columns
        assert [(row.part, row.day.year, list(unpack(row.ordinals))) for row in rows] == [
            (0, 1, [1]),
            (0, 2026, [1]),
            (1, 1, [70_000]),
            (1, 2026, [70_000]),
        ]


def test_followers_in_a_crowd_lose_and_double_nothing(store: Store) -> None:
    """Two fold, one rebuilds once, two deliver, one puts into the tree; whoever asks meanwhile sees at least what had left before."""
    moments = [START + timedelta(hours=number) for number in range(40)]

    def delivering(contract: str) -> list[str]:
        return [deliver(store, contract, "posts", [7, 65_536 * (number % 3) + number], at) for number, at in enumerate(moments)]

    def following() -> None:
        for _ in range(30):
            for _ in fold.steps(store, 3):
                pass

    def integrating() -> None:
        for _ in range(40):
            sequencer(store).integrate()

    def asking() -> list[int]:
        seen = []
        for _ in range(15):
            with store.read() as session:
                seen.append(sum(each.deliveries for each in queries.recipients(session, "posts", 7)))
        return seen

    first = deliver(store, "ctr_1", "posts", [7], START - timedelta(hours=1))
    with ThreadPoolExecutor(7) as pool:
        one, other = pool.submit(delivering, "ctr_1"), pool.submit(delivering, "ctr_2")
        working = [pool.submit(each) for each in (following, following, integrating)]
        rebuilt, seen = pool.submit(fold.rebuild, store), pool.submit(asking).result()
        entries = {"ctr_1": (first, *one.result()), "ctr_2": tuple(other.result())}
        for each in working:
            each.result()
        rebuilt.result()
    assert seen == sorted(seen)
    folded(store)
    with store.read() as session:
        assert {each.contract_id: each.entries for each in queries.recipients(session, "posts", 7)} == entries
        assert session.exec(select(func.count()).select_from(DeliveryFold)).one() > 0


def test_what_a_contract_received_counts_repeats_once(store: Store) -> None:
    history, day = History(store), timedelta(days=1)
    for hours in (0, 1, 25, 49, 73):
        history.deliver("ctr_1", "posts", [1, 2, 70_000 + hours], START + timedelta(hours=hours))
    history.deliver("ctr_1", "ads", [1], START)
    history.deliver("ctr_2", "posts", [3], START)
    folded(store)

    def asked(since: datetime, until: datetime) -> list[tuple[str, int, int, int]]:
        with store.read() as session:
            return [(r.dataset, r.answers, r.records, r.different) for r in queries.received(session, "ctr_1", since, until)]

    midnight = START.replace(hour=0)
    assert asked(midnight, midnight + 4 * day) == [("ads", 1, 1, 1), ("posts", 5, 15, 7)]
    assert asked(START + timedelta(minutes=1), midnight + 3 * day) == [("posts", 3, 9, 5)]
    assert asked(START, START) == []
    with store.read() as session:
        assert [row.at for row in queries.answers(session, "ctr_1", START, START + 2 * day, 2)] == [
            START + timedelta(hours=25),
            START + timedelta(hours=1),
        ]

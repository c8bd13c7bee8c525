"""The transaction of an answer without records, on both stores: exact counts, and nothing on stale facts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlmodel import select

from contracts.aggregates.settle import Ask, Settled, settle
from contracts.aggregates.tables import QuestionCount
from contracts.credentials.spent import Once
from contracts.errors import Refusal, StaleEpoch
from contracts.ledger.stage import Entry
from contracts.ledger.tables import LedgerEntry
from contracts.store import epochs
from contracts.store.epochs import Epochs
from contracts.store.unit import Store

USED_UP = Refusal("queries_exhausted", "Used up.", {})
ENTRY = Entry(event="access.aggregate", decision="allow")


def ask(cap: int, since: date = date(2026, 11, 1)) -> Ask:
    return Ask("ctr_1", "aggregate", since, cap, USED_UP)


def test_parallel_questions_take_exactly_what_there_is(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: settle(store, ask(10), ENTRY, Epochs(), None), range(24)))
    taken = sorted(each.used for each in found if each.refusal is None)
    assert taken == list(range(1, 11))
    assert [each.refusal for each in found if each.refusal is not None] == [USED_UP] * 14
    with store.read() as session:
        assert session.exec(select(QuestionCount.used)).all() == [10]
        assert len(session.exec(select(LedgerEntry.id)).all()) == len({each.entry_id for each in found}) == 24


def test_days_are_counted_apart(store: Store) -> None:
    for day in (1, 1, 2):
        settled = settle(store, ask(2, date(2026, 11, day)), ENTRY, Epochs(), None)
    assert settled.used == 1


@pytest.mark.parametrize("name", ["grants", "erasures"])
def test_stale_facts_write_nothing(store: Store, name: str) -> None:
    with store.write() as unit:
        epochs.bump(unit, name)
    with pytest.raises(StaleEpoch):
        settle(store, ask(10), ENTRY, Epochs(), None)
    with store.read() as session:
        assert (session.exec(select(QuestionCount)).all(), session.exec(select(LedgerEntry)).all()) == ([], [])


def test_a_proof_that_was_used_before_takes_no_question(store: Store) -> None:
    proof = Once("dpop", "key", "jti", store.clock.now() + timedelta(minutes=1))
    first, again = (settle(store, ask(10), ENTRY, Epochs(), proof) for _ in range(2))
    assert isinstance(again, Settled) and again.refusal is not None
    assert (first.used, again.used, again.refusal.code) == (1, 0, "dpop_proof_invalid")

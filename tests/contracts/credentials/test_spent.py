"""What may be used once is used once, however many try at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from contracts.clock import FixedClock
from contracts.credentials.spent import Once, spend, sweep_spent
from contracts.store.unit import Store
from tests.conftest import START

ENDS = START + timedelta(minutes=5)
ONE = Once("dpop", "thumb", "jti", ENDS)
OTHERS = [Once("assertion", "thumb", "jti", ENDS), Once("dpop", "thum", "bjti", ENDS), Once("dpop", "thumb", "jti2", ENDS)]


def _spend(store: Store, *proofs: Once) -> Once | None:
    with store.write() as unit:
        return spend(unit, proofs)


def test_each_is_used_once(store: Store) -> None:
    assert [_spend(store, each) for each in (ONE, *OTHERS)] == [None] * 4
    assert [_spend(store, each) for each in (ONE, *OTHERS)] == [ONE, *OTHERS]
    new = Once("dpop", "thumb", "jti3", ENDS)
    assert (_spend(store, new, ONE), _spend(store)) == (ONE, None)


def test_of_many_at_once_one_wins(store: Store) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: _spend(store, ONE), range(48)))
    assert sorted(answer is None for answer in answers) == [False] * 47 + [True]


def test_what_ended_is_forgotten(store: Store, clock: FixedClock) -> None:
    _spend(store, ONE)
    clock.advance(minutes=5)
    assert sweep_spent(store) == 0
    clock.advance(seconds=1)
    assert [sweep_spent(store), sweep_spent(store)] == [1, 0]
    assert _spend(store, ONE) is None

"""The bench of deliveries, small: its questions, whose answers it checks itself, on both stores."""

from __future__ import annotations

from bench.deliveries import ROUNDS, ask, fill
from contracts.store.unit import Store


def test_the_bench_asks_and_is_answered_right(store: Store) -> None:
    taken = ask(fill(store, pages=70, late=7))
    assert {name: len(seconds) for name, seconds in taken.items()} == dict.fromkeys(("record", "person", "contract", "one_by_one"), ROUNDS)

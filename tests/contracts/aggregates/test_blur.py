"""Noise: bounded, even, and the same for the same records under one contract."""

from __future__ import annotations

from collections import Counter

from contracts.aggregates.blur import count, key_from, move, total
from contracts.aggregates.plan import Clamped, Measure
from contracts.datasets.plan import Column

KEY = key_from(b"a" * 32)


def test_a_move_is_bounded_and_every_one_as_likely() -> None:
    found = Counter(move(KEY, "records", str(number), 2) for number in range(5_000))
    assert sorted(found) == [-2, -1, 0, 1, 2]
    assert all(900 <= each <= 1_100 for each in found.values())


def test_the_same_records_move_alike_and_others_differently() -> None:
    assert move(KEY, "records", "7", 500) == move(KEY, "records", "7", 500)
    assert (
        len({move(key, what, digest, 500) for key in (KEY, key_from(b"b" * 32)) for what in ("records", "people") for digest in "78"}) == 8
    )


def test_no_count_falls_below_nothing() -> None:
    assert min(count(KEY, "records", 0, str(number), 5) for number in range(50)) == 0


def test_a_sum_moves_by_its_bounds_and_anew_where_values_change() -> None:
    likes = Clamped(Column("likes", "integer"), 0, 100)
    moved = [total(KEY, likes, Measure(5, 5, value, value, 1, 1, "7"), 2) for value in range(10_000, 10_050)]
    assert all(isinstance(each, int) and abs(each - value) <= 200 for value, each in zip(range(10_000, 10_050), moved, strict=True))
    assert len({each - value for value, each in zip(range(10_000, 10_050), moved, strict=True)}) > 20
    score = Clamped(Column("score", "number"), -1, 1)
    assert abs(total(KEY, score, Measure(5, 5, 0.25, 1, 1, 1, "7"), 1) - 0.25) <= 2

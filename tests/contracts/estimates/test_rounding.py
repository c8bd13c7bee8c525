"""Estimates are told roughly, and small ones alike."""

from __future__ import annotations

import pytest

from contracts.estimates.rounding import cost, days_of, rounded
from contracts.terms.model import Price


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, 100), (1, 100), (99, 100), (100, 100), (101, 110), (999, 1_000), (1_000, 1_000), (1_001, 1_100), (123_456, 130_000)],
)
def test_numbers_are_rounded_up_to_two_digits(number: int, told: int) -> None:
    assert rounded(number) == told


def test_one_record_more_or_less_rarely_shows() -> None:
    assert len({rounded(number) for number in range(10_001)}) < 250


def test_price_and_days_follow_the_rounded_rows() -> None:
    assert [cost(rows, Price(per_1000="0.40", currency="EUR")) for rows in (100, 1_000, 130_000)] == ["0.04", "0.40", "52.00"]
    assert cost(100, Price(per_1000="0.01", currency="EUR")) == "0.01"
    assert [days_of(rows, 1_000) for rows in (100, 1_000, 1_100)] == [1, 1, 2]

"""How values are written on pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portal import filters

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def test_days_and_moments_are_written_in_utc() -> None:
    naive = datetime(2026, 11, 3, 19, 2)  # noqa: DTZ001 - as the database gives it
    assert (filters.day(date(2026, 11, 3)), filters.day(None)) == ("3 Nov 2026", "–")
    assert filters.moment(naive) == "3 Nov 2026, 19:02 UTC"
    assert filters.exact(naive) == "2026-11-03T19:02:00Z"


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=70), "1 minute ago"),
        (timedelta(minutes=6), "6 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(days=12), "12 days ago"),
        (timedelta(days=40), "23 Sep 2026"),
        (-timedelta(seconds=5), "in a moment"),
        (-timedelta(days=2), "in 2 days"),
    ],
)
def test_ago(away: timedelta, words: str) -> None:
    assert filters.ago(NOW - away, NOW) == words


def test_numbers_and_money() -> None:
    assert (filters.number(1234567), filters.number(None), filters.in_words(3), filters.in_words(12)) == ("1,234,567", "–", "Three", "12")
    assert [filters.money(each, "EUR") for each in ("0.40", "1234.5", "0.0404", "0")] == [
        "EUR 0.40",
        "EUR 1,234.50",
        "EUR 0.0404",
        "EUR 0.00",
    ]
    assert filters.short_hash("9f3a71c05be2ffff") == "9f3a 71c0 5be2"


def test_a_bar_chart_fits_its_frame_and_labels_few_bars() -> None:
    chart = filters.bar_chart([(f"{day} Nov", Decimal(day * 1000)) for day in range(1, 31)])
    assert len(chart.bars) == 30
    assert all(0 <= bar.height <= 162 and bar.x >= 48 and bar.x + bar.width <= 640 for bar in chart.bars)
    assert [text for _, text in chart.grid] == ["0", "20k", "40k"]
    assert len(chart.labels) <= 8


def test_a_bar_chart_of_nothing_is_empty_and_flat() -> None:
    assert filters.bar_chart([]).bars == ()
    assert [bar.height for bar in filters.bar_chart([("1 Nov", 0), ("2 Nov", 0)]).bars] == [0.0, 0.0]


def test_counts_have_no_half_in_the_grid_and_amounts_do() -> None:
    grids = [[text for _, text in filters.bar_chart([("1 Nov", value)]).grid] for value in (0, 1, 4, 0.5)]
    assert grids == [["0", "1"], ["0", "1"], ["0", "2", "4"], ["0", "0.25", "0.5"]]


@pytest.mark.parametrize(("value", "ceiling"), [(0, 1), (0.3, 0.4), (1, 1), (3, 4), (4.5, 5), (37_000, 40_000), (99, 100)])
def test_nice_ceiling(value: float, ceiling: float) -> None:
    assert filters.nice_ceiling(value) == pytest.approx(ceiling)

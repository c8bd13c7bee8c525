"""Costs: exact, by day, from the rows that are billed."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.billing.costs import Cost, DayCost, cost_of_contract, cost_of_entry, costs_by_day, money, total
from contracts.store.unit import Store
from tests.conftest import START
from tests.contracts.billing.rows import put_usage, usage_row

MONDAY = START.date()
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def used(store: Store) -> Store:
    """Two days of one contract, whose price changed on the second, a day in another currency, and another contract."""
    dollars = usage_row(5, START, rows=10, price="1", day=TUESDAY)
    dollars.currency = "USD"
    put_usage(
        store,
        usage_row(1, START, rows=100),
        usage_row(2, START, rows=1),
        usage_row(3, START, rows=1000, day=TUESDAY),
        usage_row(4, START, rows=3, price="0.333333", day=TUESDAY),
        dollars,
        usage_row(6, START, contract="ctr_2", rows=9),
    )
    return store


def test_each_day_is_exact_and_each_row_counts_at_its_own_price(used: Store) -> None:
    with used.read() as session:
        assert costs_by_day(session, "ctr_1") == [
            DayCost(MONDAY, 101, Decimal("0.0404"), "EUR"),
            DayCost(TUESDAY, 1003, Decimal("0.400999999"), "EUR"),
            DayCost(TUESDAY, 10, Decimal("0.01"), "USD"),
        ]
        assert cost_of_contract(session, "ctr_1") == [Cost(1104, Decimal("0.441399999"), "EUR"), Cost(10, Decimal("0.01"), "USD")]


def test_a_part_of_the_days_and_a_single_entry(used: Store) -> None:
    with used.read() as session:
        assert costs_by_day(session, "ctr_1", until=MONDAY) == [DayCost(MONDAY, 101, Decimal("0.0404"), "EUR")]
        assert total(costs_by_day(session, "ctr_1", since=TUESDAY, until=TUESDAY))[0] == Cost(1003, Decimal("0.400999999"), "EUR")
        assert cost_of_entry(session, "ent_004") == Cost(3, Decimal("0.000999999"), "EUR")
        assert (cost_of_entry(session, "ent_none"), costs_by_day(session, "ctr_3"), cost_of_contract(session, "ctr_3")) == (None, [], [])


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("0", "EUR", "EUR 0.00"),
        ("1234.5", "EUR", "EUR 1,234.50"),
        ("0.0404", "EUR", "EUR 0.0404"),
        ("12.3000", "USD", "USD 12.30"),
        ("1000", "EUR", "EUR 1,000.00"),
        ("1200", "JPY", "JPY 1,200"),
        ("0.5", "JPY", "JPY 0.5"),
    ],
)
def test_money_is_written_exactly(amount: str, currency: str, written: str) -> None:
    assert money(Decimal(amount), currency) == written


@given(st.lists(st.tuples(st.integers(1, 10**9), st.decimals(0, 10**7, places=6)), max_size=50))
def test_adding_up_days_loses_nothing(parts: list[tuple[int, Decimal]]) -> None:
    days = [DayCost(date(2026, 1, 1) + timedelta(days=number), rows, amount, "EUR") for number, (rows, amount) in enumerate(parts)]
    wanted = [Cost(sum(rows for rows, _ in parts), sum((amount for _, amount in parts), Decimal(0)), "EUR")] if parts else []
    assert total(days) == wanted

"""The meter: what leaves under a price is a usage row, and nothing else is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from contracts.billing.meter import usage
from contracts.billing.tables import UsageRow
from contracts.store.unit import Store
from contracts.terms.model import DatasetTerms, Price, Terms

NOW = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Granted:
    terms: Terms
    contract_id: str = "ctr_1"
    organisation_id: str = "org_1"


def granted(price: Price | None) -> Granted:
    return Granted(
        Terms(
            datasets=(DatasetTerms(dataset="posts", fields=("id",)),),
            purposes=("market-analysis",),
            requests_per_second=1,
            records_per_day=10,
            starts=date(2026, 1, 1),
            ends=date(2026, 12, 31),
            retention_days=30,
            price=price,
        )
    )


PRICED = granted(Price(per_1000="0.40", currency="EUR"))


@pytest.mark.parametrize(("grant", "rows"), [(granted(None), 10), (PRICED, 0)])
def test_no_price_or_no_records_cost_nothing(grant: Granted, rows: int) -> None:
    assert usage(grant, "ent_1", "posts", rows, NOW) is None


def test_the_values_fill_every_column(store: Store) -> None:
    values = usage(PRICED, "ent_1", "posts", 100, NOW)
    assert values is not None
    assert set(values) == set(UsageRow.model_fields)
    with store.write() as unit:
        unit.connection.execute(insert(UsageRow), [values])
    with store.read() as session:
        assert [row.model_dump() for row in session.exec(select(UsageRow)).all()] == [
            {
                "id": values["id"],
                "entry_id": "ent_1",
                "contract_id": "ctr_1",
                "organisation_id": "org_1",
                "dataset": "posts",
                "day": date(2026, 11, 2),
                "rows": 100,
                "price_per_1000": "0.40",
                "currency": "EUR",
                "at": NOW,
                "effect_id": "",
                "sent_at": None,
                "sent_to": "",
            }
        ]


def test_the_day_is_that_of_the_quota_where_one_is_given() -> None:
    values = usage(PRICED, "ent_1", "posts", 1, NOW, day=date(2026, 11, 3))
    assert values is not None
    assert values["day"] == date(2026, 11, 3)


def test_one_entry_is_billed_once(store: Store) -> None:
    with pytest.raises(IntegrityError), store.write() as unit:
        unit.connection.execute(insert(UsageRow), [usage(PRICED, "ent_1", "posts", 1, NOW) for _ in range(2)])

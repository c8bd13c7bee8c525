"""Usage rows and a stand-in for tests of billing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from contracts.billing.fake.server import FakeServer
from contracts.billing.stripe_port import StripePayments
from contracts.billing.tables import UsageRow
from contracts.clock import Clock
from contracts.people.tables import Organisation
from contracts.store.unit import Store


def usage_row(
    number: int, at: datetime, *, contract: str = "ctr_1", rows: int = 100, price: str = "0.40", day: date | None = None
) -> UsageRow:
    """The row of one request: `use_<number>` of `ent_<number>`."""
    return UsageRow(
        id=f"use_{number:03}",
        entry_id=f"ent_{number:03}",
        contract_id=contract,
        organisation_id="org_1",
        dataset="posts",
        day=day or at.date(),
        rows=rows,
        price_per_1000=price,
        currency="EUR",
        at=at,
    )


def put_usage(store: Store, *rows: UsageRow) -> None:
    """Store rows, and the organisation that they belong to."""
    with store.write() as unit:
        if unit.session.get(Organisation, "org_1") is None:
            unit.session.add(Organisation(id="org_1", name="Quotient Analytics GmbH", side="partner", created_at=unit.now))
        unit.session.add_all(rows)


def stand_in(clock: Clock, *, before_answer: Callable[[str], None] = lambda _path: None) -> tuple[FakeServer, StripePayments]:
    """A fake and the port over it; closing the port stops both."""
    fake = FakeServer("sk_test_fake", clock, before_answer=before_answer)
    port = StripePayments(fake.key, clock, meter_event="records", api_base=fake.url, provider="stand-in", on_close=fake.close)
    return fake, port

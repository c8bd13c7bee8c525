"""The payments port: one suite, run against the fake, and against Stripe itself where STRIPE_TEST_KEY holds a test key."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from contracts.billing.fake.server import FakeServer
from contracts.billing.port import Payments, PaymentsRefused, PaymentsUnavailable
from contracts.billing.stripe_port import StripePayments
from contracts.clock import SystemClock

CLOCK = SystemClock()
METER = "licet_records_test"


@pytest.fixture(params=["fake", "stripe"])
def payments(request: pytest.FixtureRequest) -> Iterator[Payments]:
    if request.param == "stripe":
        key = os.environ.get("STRIPE_TEST_KEY", "")
        if not key.startswith(("sk_test_", "rk_test_")):
            pytest.skip("STRIPE_TEST_KEY holds no Stripe test key")
        made = StripePayments(key, CLOCK, meter_event=METER)
    else:
        fake = FakeServer("sk_test_fake", CLOCK)
        made = StripePayments(fake.key, CLOCK, meter_event=METER, api_base=fake.url, provider="stand-in", on_close=fake.close)
    yield made
    made.close()


@pytest.fixture
def customer(payments: Payments) -> str:
    return payments.ensure_customer(f"org_{secrets.token_hex(8)}", "Quotient Analytics GmbH", 1)


def eventually(count: Callable[[], int], wanted: int, payments: Payments) -> int:
    """Stripe sums events some minutes late; the fake at once."""
    deadline = time.monotonic() + (0 if payments.stand_in else 150)
    while (found := count()) != wanted and time.monotonic() < deadline:
        time.sleep(5)
    return found


def this_hour(payments: Payments, customer: str) -> Callable[[], int]:
    since = CLOCK.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    return lambda: payments.counted(customer, since, since + timedelta(hours=2, minutes=5))


def report(payments: Payments, customer: str, value: int, identifier: str, key: str | None = None, at: datetime | None = None) -> None:
    payments.report_usage(
        identifier=identifier, customer=customer, value=value, at=at or CLOCK.now(), key=key or f"{identifier}-{secrets.token_hex(4)}"
    )


def test_the_meter_is_made_once(payments: Payments) -> None:
    assert payments.ensure_meter() == payments.ensure_meter()


def test_repeating_a_call_returns_the_same_customer_and_a_new_generation_another(payments: Payments) -> None:
    organisation = f"org_{secrets.token_hex(8)}"
    first, again, other = (payments.ensure_customer(organisation, "Lakeside", generation) for generation in (1, 1, 2))
    assert (first == again, first == other) == (True, False)
    assert (payments.customer_exists(first), payments.customer_exists("cus_nobody")) == (True, False)


def test_usage_adds_up(payments: Payments, customer: str) -> None:
    payments.ensure_meter()
    for value in (100, 42):
        report(payments, customer, value, f"use_{secrets.token_hex(8)}")
    assert eventually(this_hour(payments, customer), 142, payments) == 142


@pytest.mark.parametrize("same_key", [True, False])
def test_an_identifier_counts_once(payments: Payments, customer: str, same_key: bool) -> None:
    payments.ensure_meter()
    identifier, at = f"use_{secrets.token_hex(8)}", CLOCK.now()
    for attempt in range(3):
        report(payments, customer, 100, identifier, f"{identifier}-{0 if same_key else attempt}", at)
    assert eventually(this_hour(payments, customer), 100, payments) == 100


def test_a_key_used_for_something_else_is_refused(payments: Payments, customer: str) -> None:
    payments.ensure_meter()
    key = secrets.token_hex(8)
    report(payments, customer, 1, f"use_{secrets.token_hex(8)}", key)
    with pytest.raises(PaymentsRefused, match="IdempotencyError: Keys for idempotent requests"):
        report(payments, customer, 2, f"use_{secrets.token_hex(8)}", key)


def test_usage_older_than_stripe_takes_is_refused(payments: Payments, customer: str) -> None:
    payments.ensure_meter()
    with pytest.raises(PaymentsRefused, match="InvalidRequestError"):
        report(payments, customer, 1, f"use_{secrets.token_hex(8)}", at=CLOCK.now() - timedelta(days=36))


def test_a_wrong_key_is_refused_and_a_dead_service_unavailable() -> None:
    fake = FakeServer("sk_test_right", CLOCK)
    wrong = StripePayments("sk_test_wrong", CLOCK, meter_event=METER, api_base=fake.url)
    with pytest.raises(PaymentsRefused, match=r"^AuthenticationError: Invalid API Key provided\.$"):
        wrong.ensure_meter()
    fake.close()
    with pytest.raises(PaymentsUnavailable, match=r"^APIConnectionError"):
        wrong.ensure_meter()
    wrong.close()


@pytest.mark.parametrize(
    ("key", "provider"),
    [("sk_live_1", "stripe-live"), ("rk_live_1", "stripe-live"), ("sk_test_1", "stripe-test"), ("rk_test_1", "stripe-test")],
)
def test_the_provider_is_told_by_the_key(key: str, provider: str) -> None:
    payments = StripePayments(key, CLOCK, meter_event=METER)
    assert (payments.provider, payments.stand_in) == (provider, False)
    payments.close()

"""Which payment service is used, and that the stand-in keeps what it knows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from contracts.billing.choose import _own_inbox, open_payments
from contracts.clock import FixedClock
from contracts.settings import Settings
from tests.conftest import START


def test_without_a_key_the_stand_in_counts_and_remembers(tmp_path: Path, clock: FixedClock) -> None:
    settings = Settings.model_validate({"profile": "test", "home": tmp_path / "home"})
    first = open_payments(settings, clock)
    meter, customer = first.ensure_meter(), first.ensure_customer("org_1", "Lakeside Institute", 1)
    first.report_usage(identifier="use_1", customer=customer, value=12, at=START, key="use_1-1")
    first.close()
    second = open_payments(settings, clock)
    assert (second.provider, second.stand_in, second.ensure_meter()) == ("stand-in", True, meter)
    assert second.counted(customer, START, START + timedelta(minutes=1)) == 12
    second.close()


def test_with_a_key_it_is_stripe(tmp_path: Path, clock: FixedClock) -> None:
    settings = Settings.model_validate({"profile": "test", "home": tmp_path, "billing": {"stripe_key": "sk_live_abc"}})
    payments = open_payments(settings, clock)
    assert (payments.provider, payments.stand_in, list(tmp_path.iterdir())) == ("stripe-live", False, [])
    payments.close()


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("10.0.0.5", "10.0.0.5"), ("::", "127.0.0.1"), ("fd00::1", "[fd00::1]")],
)
def test_the_stand_in_delivers_to_where_we_listen(host: str, address: str) -> None:
    assert _own_inbox(Settings(profile="test", host=host, port=9000)) == f"http://{address}:9000/inbox/stripe"

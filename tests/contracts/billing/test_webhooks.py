"""Webhooks: what is signed for us, lately, and is an event, is one; everything else is refused with its own code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from contracts.billing.fake.webhooks import signature, snapshot_event, thin_event
from contracts.billing.port import WebhookEvent
from contracts.billing.stripe_port import StripePayments
from contracts.clock import FixedClock
from contracts.errors import Refused
from tests.conftest import START

SECRET = "whsec_ours"
AT = int(START.timestamp())
BODY = json.dumps(snapshot_event("customer.deleted", {"id": "cus_1", "object": "customer", "email": "a@b.example"}, AT)).encode()


@pytest.fixture
def payments(clock: FixedClock) -> Iterator[StripePayments]:
    made = StripePayments("sk_test_1", clock, meter_event="m", webhook_secret=f"whsec_thin, {SECRET}")
    yield made
    made.close()


def refusal(payments: StripePayments, body: bytes, header: str) -> str:
    with pytest.raises(Refused) as refused:
        payments.verify_webhook(body, header)
    return refused.value.refusal.code


def signed(event: Any, secret: str = SECRET) -> tuple[bytes, str]:
    body = json.dumps(event).encode()
    return body, signature(body, secret, AT)


def test_the_signature_is_the_one_that_stripes_library_makes() -> None:
    made = stripe.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, AT)
    assert signature(BODY, SECRET, AT) == made


def test_a_snapshot_event_is_reduced_to_a_hint(payments: StripePayments) -> None:
    found = payments.verify_webhook(BODY, signature(BODY, SECRET, AT))
    assert found == WebhookEvent(json.loads(BODY)["id"], "customer.deleted", "cus_1", START)


@pytest.mark.parametrize(("meter", "object_id"), [({"id": "mtr_1"}, "mtr_1"), (None, "")])
def test_a_thin_event_is_reduced_to_a_hint_under_its_own_secret(
    payments: StripePayments, meter: dict[str, Any] | None, object_id: str
) -> None:
    event = thin_event("v1.billing.meter.no_meter_found", meter, datetime(2026, 11, 2, 8, 59, tzinfo=UTC))
    assert payments.verify_webhook(*signed(event, "whsec_thin")) == WebhookEvent(
        event["id"], "v1.billing.meter.no_meter_found", object_id, datetime(2026, 11, 2, 8, 59, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        "t=abc,v1=00",
        f"t={AT}",
        f"t={AT},v1=",
        f"t={AT},v0={signature(BODY, SECRET, AT).split('v1=')[1]}",
        signature(BODY, "whsec_theirs", AT),
        signature(BODY, "", AT),
        signature(BODY + b" ", SECRET, AT),
        signature(BODY, SECRET, AT).replace(f"t={AT}", f"t={AT + 1}"),
        signature(BODY, SECRET, AT - 301),
        signature(BODY, SECRET, AT - 301).replace("t=", "t= ").replace(",", f",t={AT},", 1),
        f"t={AT}," + signature(BODY, SECRET, AT - 301),
        f"t={AT},v1=\xff",
        f"t={'9' * 30},v1={'0' * 64}",
        signature(BODY, SECRET, AT + 301),
    ],
    ids=lambda _secret: "",  # the values differ in every run; parallel workers must agree on names
)
def test_a_forged_or_old_signature_is_refused(payments: StripePayments, header: str) -> None:
    assert refusal(payments, BODY, header) == "signature_invalid"


def test_five_minutes_are_still_in_time(payments: StripePayments) -> None:
    assert payments.verify_webhook(BODY, signature(BODY, SECRET, AT - 300)).kind == "customer.deleted"


@pytest.mark.parametrize(
    "event",
    [
        [],
        "text",
        None,
        {},
        {"object": "customer"},
        {"object": "event", "id": "evt_1", "type": "x", "created": AT},
        {"object": "event", "id": "evt_1", "type": "x", "created": AT, "data": {"object": None}},
        {"object": "event", "id": "evt_1", "type": "x", "created": AT, "data": {"object": {"id": 7}}},
        {"object": "event", "id": "", "type": "x", "created": AT, "data": {"object": {"id": "cus_1"}}},
        {"object": "event", "id": 5, "type": "x", "created": AT, "data": {"object": {"id": "cus_1"}}},
        {"object": "event", "id": "evt_1", "type": "x", "created": 1e300, "data": {"object": {"id": "cus_1"}}},
        {"object": "v2.core.event", "id": "evt_1", "type": "x", "created": "yesterday"},
        {"object": "v2.core.event", "id": "evt_1", "type": "x", "created": AT},
        {"object": "v2.core.event", "id": "evt_1", "type": "x", "created": "2026-11-02T09:00:00Z", "related_object": [1]},
    ],
)
def test_what_is_signed_but_no_event_is_a_bad_request(payments: StripePayments, event: Any) -> None:
    assert refusal(payments, *signed(event)) == "bad_request"


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", b"[" * 100_000])
def test_bytes_that_are_no_json_are_a_bad_request(payments: StripePayments, body: bytes) -> None:
    assert refusal(payments, body, signature(body, SECRET, AT)) == "bad_request"


@pytest.mark.parametrize("secret", ["", " , "])
def test_without_a_secret_there_is_no_such_address(clock: FixedClock, secret: str) -> None:
    payments = StripePayments("sk_test_1", clock, meter_event="m", webhook_secret=secret)
    assert refusal(payments, BODY, signature(BODY, "", AT)) == "not_found"
    payments.close()

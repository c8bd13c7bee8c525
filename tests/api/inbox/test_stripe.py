"""POST /inbox/stripe: what is signed is stored once and answered; everything else leaves nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import FastAPI
from sqlmodel import select
from starlette.testclient import TestClient

from api.inbox import router
from api.problems import on_error
from contracts.billing.fake.webhooks import signature, snapshot_event
from contracts.billing.stripe_port import StripePayments
from contracts.clock import FixedClock
from contracts.errors import LicetError
from contracts.house import House
from contracts.store.inbox import InboxRow
from contracts.store.unit import Store
from tests.conftest import START

SECRET, AT = "whsec_ours", int(START.timestamp())
EVENT = snapshot_event("customer.deleted", {"id": "cus_1", "object": "customer"}, AT)
BODY = json.dumps(EVENT).encode()


def serving(store: Store, clock: FixedClock, secret: str) -> Iterator[TestClient]:
    payments = StripePayments("sk_test_1", clock, meter_event="m", webhook_secret=secret)
    app = FastAPI()
    app.add_exception_handler(LicetError, on_error)
    app.include_router(router(cast("House", SimpleNamespace(store=store, payments=payments))))
    with TestClient(app) as client:
        yield client
    payments.close()


@pytest.fixture
def client(store: Store, clock: FixedClock) -> Iterator[TestClient]:
    yield from serving(store, clock, SECRET)


@pytest.fixture
def without_secret(store: Store, clock: FixedClock) -> Iterator[TestClient]:
    yield from serving(store, clock, "")


def post(client: TestClient, body: bytes, header: str | None) -> tuple[int, Any]:
    answer = client.post("/inbox/stripe", content=body, headers={} if header is None else {"Stripe-Signature": header})
    return answer.status_code, answer.json()["code"] if answer.content else None


def stored(store: Store) -> list[tuple[str, str]]:
    with store.read() as session:
        return [(row.external_id, row.kind) for row in session.exec(select(InboxRow)).all()]


def test_a_signed_event_is_stored_once_however_often_it_comes(client: TestClient, store: Store) -> None:
    assert [post(client, BODY, signature(BODY, SECRET, AT)) for _ in range(3)] == [(200, None)] * 3
    assert stored(store) == [(EVENT["id"], "customer.deleted")]


@pytest.mark.parametrize(
    ("body", "header", "refused"),
    [
        (BODY, None, (401, "signature_invalid")),
        (BODY, signature(BODY, "whsec_forged", AT), (401, "signature_invalid")),
        (BODY.replace(b"cus_1", b"cus_2"), signature(BODY, SECRET, AT), (401, "signature_invalid")),
        (BODY, signature(BODY, SECRET, AT - 3600), (401, "signature_invalid")),
        (b"{}", signature(b"{}", SECRET, AT), (400, "bad_request")),
        (b"\xff", signature(b"\xff", SECRET, AT), (400, "bad_request")),
        (b" " * 262_145, signature(b" " * 262_145, SECRET, AT), (400, "body_too_large")),
    ],
    ids=lambda _secret: "",  # the values differ in every run; parallel workers must agree on names
)
def test_a_forged_old_or_broken_event_is_refused_and_leaves_nothing(
    client: TestClient, store: Store, body: bytes, header: str | None, refused: tuple[int, str]
) -> None:
    assert (post(client, body, header), stored(store)) == (refused, [])


def test_without_a_secret_the_address_is_not_there(without_secret: TestClient, store: Store) -> None:
    assert (post(without_secret, BODY, signature(BODY, "", AT)), stored(store)) == ((404, "not_found"), [])

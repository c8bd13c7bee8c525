"""Events of the payment service: stored once, then acted upon by kind."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from contracts.billing.events import SOURCE, accept_event, stripe_handler
from contracts.billing.port import WebhookEvent
from contracts.incidents.service import listed
from contracts.store import inbox
from contracts.store.inbox import InboxRow
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store
from tests.conftest import START


def take(store: Store, kind: str, event_id: str = "evt_1", object_id: str = "cus_1") -> bool:
    with store.write() as unit:
        return accept_event(unit, WebhookEvent(event_id, kind, object_id, START))


def handle(store: Store) -> int:
    return inbox.run_waiting(store, {SOURCE: stripe_handler})


def effects(store: Store) -> list[tuple[str, dict[str, Any]]]:
    with store.read() as session:
        return [(row.kind, row.payload) for row in session.exec(select(OutboxRow)).all()]


def test_an_event_is_stored_once_and_without_what_it_says_of_people(store: Store) -> None:
    assert (take(store, "customer.deleted"), take(store, "customer.deleted")) == (True, False)
    with store.read() as session:
        (row,) = session.exec(select(InboxRow)).all()
    assert (row.source, row.external_id, row.kind, row.payload) == (
        "stripe",
        "evt_1",
        "customer.deleted",
        {"object": "cus_1", "created": "2026-11-02T09:00:00.000Z"},
    )


def test_a_deleted_customer_is_looked_at_once(store: Store) -> None:
    take(store, "customer.deleted")
    assert (handle(store), handle(store)) == (1, 0)
    assert effects(store) == [("customer.check", {"customer": "cus_1"})]


@pytest.mark.parametrize("kind", ["v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found"])
def test_usage_that_could_not_be_placed_opens_one_incident(sqlite_store: Store, kind: str) -> None:
    take(sqlite_store, kind, "evt_1", "mtr_1")
    take(sqlite_store, kind, "evt_2", "mtr_1")
    assert handle(sqlite_store) == 2
    with sqlite_store.read() as session:
        found = [(incident.kind, incident.facts) for incident in listed(session)]
    assert found == [("usage_refused", {"event": "evt_1", "kind": kind, "meter": "mtr_1"})]


def test_a_kind_that_means_nothing_here_is_stored_and_rests(sqlite_store: Store) -> None:
    take(sqlite_store, "invoice.paid")
    assert (handle(sqlite_store), handle(sqlite_store), effects(sqlite_store)) == (1, 0, [])

"""Usage on its way: everything is counted, once, whatever fails in between."""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import stripe
from sqlmodel import col, select

from contracts.billing.report import CHECK_CUSTOMER, REPORT, ask_to_report, check_customer_handler, customer_of, report_handler
from contracts.billing.stripe_port import StripePayments
from contracts.billing.tables import Customer, UsageRow
from contracts.clock import FixedClock
from contracts.ledger.tables import LedgerEntry
from contracts.store import outbox
from contracts.store.engine import open_engine
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store
from tests.conftest import START
from tests.contracts.billing.rows import put_usage, stand_in, usage_row

EVENTS = "/v1/billing/meter_events"


@pytest.fixture
def payments(clock: FixedClock) -> Iterator[StripePayments]:
    _, made = stand_in(clock)
    yield made
    made.close()


def work(store: Store, payments: StripePayments) -> int:
    return outbox.run_due(store, {REPORT: report_handler(store, payments), CHECK_CUSTOMER: check_customer_handler(store, payments)})


def counted(payments: StripePayments, customer: str) -> int:
    return payments.counted(customer, START - timedelta(days=1), START + timedelta(days=1))


def customers(store: Store) -> list[Customer]:
    with store.read() as session:
        return list(session.exec(select(Customer)).all())


def sent(store: Store) -> list[tuple[str, str, bool]]:
    with store.read() as session:
        return [(row.id, row.sent_to, row.sent_at is not None) for row in session.exec(select(UsageRow).order_by(col(UsageRow.id))).all()]


def failures(store: Store) -> list[str]:
    with store.read() as session:
        return [row.error for row in session.exec(select(OutboxRow)).all() if row.error]


def reported(store: Store) -> list[dict[str, object]]:
    with store.read() as session:
        leaves = [json.loads(entry.leaf) for entry in session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all()]
    return [{name: leaf.get(name) for name in ("event", "organisation", "contract", "rows", "facts")} for leaf in leaves]


def test_what_was_used_is_counted_marked_and_entered(store: Store, payments: StripePayments) -> None:
    put_usage(store, usage_row(1, START, rows=100), usage_row(2, START, rows=42), usage_row(3, START, contract="ctr_2", rows=7))
    assert (ask_to_report(store), ask_to_report(store)) == (3, 0)
    assert (work(store, payments), work(store, payments)) == (2, 0)
    (customer,) = customers(store)
    assert counted(payments, customer.external_id) == 149
    assert sent(store) == [(f"use_00{number}", "stand-in", True) for number in (1, 2, 3)]
    about = {"event": "usage.reported", "organisation": "org_1"}
    told = {"provider": "stand-in", "customer": customer.external_id}
    assert sorted(reported(store), key=lambda entry: str(entry["contract"])) == [
        {**about, "contract": "ctr_1", "rows": 142, "facts": {**told, "usage": ["use_001", "use_002"]}},
        {**about, "contract": "ctr_2", "rows": 7, "facts": {**told, "usage": ["use_003"]}},
    ]


def test_no_effect_asks_for_more_than_a_hundred_rows(store: Store) -> None:
    put_usage(store, *(usage_row(number, START) for number in range(230)))
    assert [ask_to_report(store) for _ in range(4)] == [100, 100, 30, 0]


def test_a_deliberate_run_again_counts_nothing_twice(sqlite_store: Store, payments: StripePayments) -> None:
    put_usage(sqlite_store, usage_row(1, START))
    ask_to_report(sqlite_store)
    work(sqlite_store, payments)
    with sqlite_store.write() as unit:
        row = unit.session.exec(select(OutboxRow)).one()
        outbox.rerun(unit, row.id)
        usage = unit.session.get_one(UsageRow, "use_001")
        usage.sent_at, usage.sent_to = None, ""
    work(sqlite_store, payments)
    assert (counted(payments, customers(sqlite_store)[0].external_id), sent(sqlite_store)) == (100, [("use_001", "stand-in", True)])


def test_a_refused_row_keeps_none_of_the_others_back(sqlite_store: Store, payments: StripePayments, clock: FixedClock) -> None:
    put_usage(sqlite_store, usage_row(1, START), usage_row(2, START - timedelta(days=36)), usage_row(3, START))
    ask_to_report(sqlite_store)
    work(sqlite_store, payments)
    assert sent(sqlite_store) == [("use_001", "stand-in", True), ("use_002", "", False), ("use_003", "stand-in", True)]
    assert failures(sqlite_store) == [
        "PaymentsRefused: InvalidRequestError: The timestamp must be within the past 35 days or up to 5 minutes in the future."
    ]
    with sqlite_store.write() as unit:
        unit.session.get_one(UsageRow, "use_002").at = START
    clock.advance(minutes=5)
    work(sqlite_store, payments)
    assert sent(sqlite_store) == [(f"use_00{number}", "stand-in", True) for number in (1, 2, 3)]
    assert counted(payments, customers(sqlite_store)[0].external_id) == 300
    assert [entry["rows"] for entry in reported(sqlite_store)] == [200, 100]


def test_when_the_service_goes_away_the_rest_waits(sqlite_store: Store, clock: FixedClock) -> None:
    put_usage(sqlite_store, usage_row(1, START), usage_row(2, START))
    ask_to_report(sqlite_store)
    there, lost = threading.Event(), threading.Event()

    def go_away(path: str) -> None:
        if path == EVENTS and not there.is_set():
            lost.set()
            raise ConnectionResetError

    _, payments = stand_in(clock, before_answer=go_away)
    work(sqlite_store, payments)
    assert (lost.is_set(), sent(sqlite_store)) == (True, [("use_001", "", False), ("use_002", "", False)])
    assert [each.partition(":")[0] for each in failures(sqlite_store)] == ["PaymentsUnavailable"]
    there.set()
    clock.advance(minutes=5)
    work(sqlite_store, payments)
    assert sent(sqlite_store) == [("use_001", "stand-in", True), ("use_002", "stand-in", True)]
    assert counted(payments, customers(sqlite_store)[0].external_id) == 200
    payments.close()


def test_a_customer_that_is_gone_is_made_anew(store: Store, clock: FixedClock) -> None:
    put_usage(store)
    fake, payments = stand_in(clock)
    first = customer_of(store, payments, "org_1")
    assert customer_of(store, payments, "org_1") == first
    stripe.StripeClient(fake.key, base_addresses={"api": fake.url}).v1.customers.delete(first)
    with store.write() as unit:
        outbox.put(unit, CHECK_CUSTOMER, {"customer": first})
        outbox.put(unit, CHECK_CUSTOMER, {"customer": "cus_of_another_shop"})
    assert work(store, payments) == 2
    second = customer_of(store, payments, "org_1")
    assert [(row.external_id, row.generation, row.gone_at) for row in customers(store)] == [(second, 2, None)]
    assert (payments.customer_exists(first), payments.customer_exists(second)) == (False, True)
    payments.close()


def test_a_customer_that_is_still_there_is_kept(store: Store, payments: StripePayments) -> None:
    put_usage(store)
    first = customer_of(store, payments, "org_1")
    with store.write() as unit:
        outbox.put(unit, CHECK_CUSTOMER, {"customer": first})
    work(store, payments)
    assert [(row.external_id, row.gone_at) for row in customers(store)] == [(first, None)]


def _report_until_killed(database_url: str, address: str, clock: FixedClock) -> None:
    """A worker of its own process, for the test to kill."""
    store = Store(open_engine(database_url), clock)
    work(store, StripePayments("sk_test_fake", clock, meter_event="records", api_base=address, provider="stand-in"))


@pytest.mark.faults
def test_a_worker_killed_between_sending_and_marking_is_counted_once(store: Store, database_url: str, clock: FixedClock) -> None:
    counted_there, release = threading.Event(), threading.Event()

    def lose_the_answer(path: str) -> None:
        if path == EVENTS and not release.is_set():
            counted_there.set()
            release.wait(30)

    fake, payments = stand_in(clock, before_answer=lose_the_answer)
    put_usage(store, usage_row(1, START, rows=100), usage_row(2, START, rows=42))
    ask_to_report(store)
    worker = multiprocessing.get_context("spawn").Process(target=_report_until_killed, args=(database_url, fake.url, clock))
    worker.start()
    assert counted_there.wait(30)
    worker.kill()
    worker.join(30)
    release.set()
    assert sent(store) == [("use_001", "", False), ("use_002", "", False)]
    (customer,) = customers(store)
    assert counted(payments, customer.external_id) == 100
    assert work(store, payments) == 0
    clock.advance(seconds=outbox.CLAIM_SECONDS + 1)
    assert work(store, payments) == 1
    assert sent(store) == [("use_001", "stand-in", True), ("use_002", "stand-in", True)]
    assert counted(payments, customer.external_id) == 142
    assert [entry["rows"] for entry in reported(store)] == [142]
    payments.close()

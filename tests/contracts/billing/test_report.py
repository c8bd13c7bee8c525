"""Usage on its way: everything is counted, once, whatever fails in between."""

from __future__ import annotations

import json
import multiprocessing
import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import stripe
from sqlalchemy import insert
from sqlmodel import col, select

from contracts.billing.report import (
    CHECK_CUSTOMER,
    MOST_ROWS,
    REPORT,
    ask_to_report,
    check_customer_handler,
    customer_of,
    report_handler,
)
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
from tests.contracts.people.people import race

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
    assert (ask_to_report(store), ask_to_report(store)) == (0, 0)
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


def test_one_report_is_of_one_contract_organisation_and_minute_and_of_five_hundred_rows_at_most(store: Store) -> None:
    last = START.replace(second=59, microsecond=999_999)
    other = usage_row(3, START, rows=1)
    other.organisation_id = "org_2"
    some = [usage_row(number, START) for number in range(4, 607)]
    put_usage(
        store, usage_row(1, last), usage_row(2, last + timedelta(microseconds=1)), other, *some, usage_row(607, START, contract="ctr_2")
    )
    ask_to_report(store)
    with store.read() as session:
        rows = session.exec(select(UsageRow).order_by(col(UsageRow.id))).all()
        asked = {row.id: row.payload for row in session.exec(select(OutboxRow)).all()}
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(row.effect_id, []).append(row.id)
    assert sorted(map(len, groups.values())) == [1, 1, 1, 104, 500]
    assert {ids[0]: asked[effect] for effect, ids in groups.items() if len(ids) == 1} == {
        "use_002": {"contract": "ctr_1"},
        "use_003": {"contract": "ctr_1"},
        "use_607": {"contract": "ctr_2"},
    }


@pytest.mark.parametrize("contracts", [1, MOST_ROWS])
def test_a_backlog_is_asked_for_in_runs_that_hold_the_write_lock_shortly(sqlite_store: Store, contracts: int) -> None:
    put_usage(sqlite_store)
    rows = [usage_row(number, START, contract=f"ctr_{number % contracts}").model_dump() for number in range(MOST_ROWS + 1)]
    with sqlite_store.write() as unit:
        unit.connection.execute(insert(UsageRow), rows)
    assert (ask_to_report(sqlite_store), ask_to_report(sqlite_store)) == (MOST_ROWS, 0)
    assert max(hold.busy for hold in sqlite_store.holds if hold.label == "billing") < 0.1


def test_those_who_ask_and_report_at_once_give_each_row_to_one_report(store: Store, payments: StripePayments) -> None:
    put_usage(store, *(usage_row(number, START) for number in range(40)))
    race(lambda _: ask_to_report(store), 4)
    race(lambda _: work(store, payments), 4)
    (customer,) = customers(store)
    assert counted(payments, customer.external_id) == 4_000
    entries = [entry["facts"]["usage"] for entry in reported(store)]  # type: ignore[index]  # facts are a mapping
    assert sorted(each for usage in entries for each in usage) == [f"use_{number:03}" for number in range(40)]


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


def test_a_refused_report_keeps_none_of_the_others_back(sqlite_store: Store, payments: StripePayments, clock: FixedClock) -> None:
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
    assert counted_there.wait(60)
    worker.kill()
    worker.join(30)
    release.set()
    assert sent(store) == [("use_001", "", False), ("use_002", "", False)]
    (customer,) = customers(store)
    assert counted(payments, customer.external_id) == 142
    # What is used meanwhile stands in the next report: that of the killed worker goes out as it was.
    put_usage(store, usage_row(3, START, rows=7))
    ask_to_report(store)
    assert work(store, payments) == 1
    assert counted(payments, customer.external_id) == 149
    assert sent(store) == [("use_001", "", False), ("use_002", "", False), ("use_003", "stand-in", True)]
    clock.advance(seconds=outbox.CLAIM_SECONDS + 1)
    assert work(store, payments) == 1
    assert sent(store) == [(f"use_00{number}", "stand-in", True) for number in (1, 2, 3)]
    assert counted(payments, customer.external_id) == 149
    assert [entry["rows"] for entry in reported(store)] == [7, 142]
    payments.close()


@pytest.mark.parametrize("seed", range(2))
def test_whatever_fails_in_whatever_order_each_minute_counts_what_was_used_in_it(sqlite_store: Store, clock: FixedClock, seed: int) -> None:
    chance, used, lost = random.Random(seed), Counter[datetime](), threading.Event()

    def lose_the_answer(path: str) -> None:
        if path == EVENTS and lost.is_set():
            raise ConnectionResetError

    _, payments = stand_in(clock, before_answer=lose_the_answer)
    for number in range(30):
        at, rows = START + timedelta(seconds=chance.randrange(180)), chance.randrange(1, 100)
        put_usage(sqlite_store, usage_row(number, at, contract=f"ctr_{chance.randrange(2)}", rows=rows))
        used[at.replace(second=0)] += rows
        clock.advance(seconds=chance.randrange(3))
        if chance.random() < 0.3:
            ask_to_report(sqlite_store)
        if chance.random() < 0.3:
            (lost.set if chance.random() < 0.3 else lost.clear)()
            work(sqlite_store, payments)
    lost.clear()
    ask_to_report(sqlite_store)
    clock.advance(hours=1)
    work(sqlite_store, payments)
    (customer,) = customers(sqlite_store)
    assert {at: payments.counted(customer.external_id, at, at + timedelta(minutes=1)) for at in used} == dict(used)
    assert sum(int(str(entry["rows"])) for entry in reported(sqlite_store)) == sum(used.values())
    payments.close()

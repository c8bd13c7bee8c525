"""Licensed fetches under their contract: quota, bill, deliveries and ledger move together, and what is used up stops."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import col, select

from contracts.billing.tables import UsageRow
from contracts.clock import FixedClock
from contracts.datasets.catalogue import current_versions
from contracts.datasets.load import ordinal_of, refresh
from contracts.deliveries.ordinals import Ordinals, unpack
from contracts.deliveries.service import NOTICE, erase, held
from contracts.deliveries.tables import Delivery, ErasureNotice
from contracts.gate.facts import Facts
from contracts.ledger.tables import LedgerEntry
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.quotas.distinct import used_of
from contracts.quotas.service import Used, used_on
from contracts.settings import Settings
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store
from contracts.terms.model import Price
from tests.conftest import START
from tests.harness.gates import CRAWL, GRANT, TERMS, GateParts, gate_over, gate_settings

OFFICER = Actor("acc_1", "org_0", "Cora", "cora@agora.example", frozenset({Role.COMPLIANCE}), second_factor_at=START)
FIELDS = {"id": {"type": "string", "class": "key"}, "text": {"type": "string", "class": "personal"}}


@pytest.fixture
def parts(store: Store, clock: FixedClock, tmp_path: Path) -> GateParts:
    (tmp_path / "posts.csv").write_text("id,text\n" + "".join(f"{number},Rain.\n" for number in range(1, 31)), encoding="utf-8")
    dataset = {"title": "Posts", "location": str(tmp_path / "posts.csv"), "key": "id", "page": "/posts/{key}", "fields": FIELDS}
    plain = gate_settings(tmp_path)
    settings = Settings.model_validate({**plain.model_dump(), "datasets": {"posts": dataset}, "home": tmp_path})
    refresh(store, settings, "posts")
    return gate_over(store, clock, settings)


def contract(parts: GateParts, **terms: Any) -> None:
    crawl = CRAWL.model_copy(update={"requests_per_second": 1000})
    parts.grants.known["ctr_1"] = replace(GRANT, terms=TERMS.model_copy(update={"crawl": crawl, **terms}))


def fetch(parts: GateParts, *targets: str) -> list[str]:
    authorization = f"Bearer {parts.token()}"
    return [parts.decide(Facts("GET", "127.0.0.1", each, "192.0.2.7", "bot", authorization)).reason for each in targets]


def fetched(store: Store) -> list[dict[str, Any]]:
    with store.read() as session:
        leaves = [json.loads(each) for each in session.exec(select(LedgerEntry.leaf).order_by(col(LedgerEntry.index))).all()]
    wanted = ("rule", "dataset", "rows", "quota_before", "quota_after", "facts")
    return [{name: leaf[name] for name in wanted if name in leaf} for leaf in leaves if leaf["event"] == "gate.fetched"]


def ordinals(parts: GateParts, *keys: str) -> list[int]:
    with parts.store.read() as session:
        version = current_versions(session.connection(), ["posts"])["posts"]
    found = [ordinal_of(parts.settings, version, key) for key in keys]
    return [each for each in found if each is not None]


def test_quota_bill_deliveries_and_ledger_move_together(parts: GateParts, clock: FixedClock) -> None:
    contract(parts, price=Price(per_1000="2.50", currency="EUR"), distinct_records=10)
    assert fetch(parts, "/posts/1", "/posts/2", "/posts/1", "/posts/", "/posts/99", "/authors/1") == ["licensed"] * 5 + [
        "path_not_in_contract"
    ]
    parts.gate.flush_fetches()
    assert fetched(parts.store) == [
        {
            "rule": "licensed",
            "dataset": "posts",
            "rows": 3,
            **{"quota_before": 0, "quota_after": 3},
            "facts": {"fetches": 3, "different": 2},
        },
        {"rule": "licensed", "rows": 2, **{"quota_before": 3, "quota_after": 5}, "facts": {"fetches": 2, "different": 2}},
        {"rule": "path_not_in_contract", "facts": {"fetches": 1, "different": 1}},
    ]
    with parts.store.read() as session:
        [delivery] = session.exec(select(Delivery)).all()
        bill = session.exec(select(UsageRow).order_by(col(UsageRow.rows).desc())).all()
        used, different = used_on(session, "ctr_1", clock.now().date()), used_of(session.connection(), "ctr_1", 1)
    assert (delivery.contract_id, delivery.count, delivery.free) == ("ctr_1", 2, False)
    assert list(unpack(delivery.ordinals)) == sorted(ordinals(parts, "1", "2"))
    assert [(row.dataset, row.rows, row.price_per_1000) for row in bill] == [("posts", 3, "2.50"), ("", 2, "2.50")]
    assert bill[0].entry_id == delivery.entry_id
    assert (used, different) == (Used(5, 0), 2)


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"records_per_day": 4}, "quota_exhausted"),
        ({"records_in_period": 4}, "period_exhausted"),
        ({"distinct_records": 4}, "distinct_exhausted"),
    ],
)
def test_what_is_used_up_stops_at_once_and_after_a_restart(parts: GateParts, clock: FixedClock, terms: dict[str, int], reason: str) -> None:
    contract(parts, **terms)
    assert fetch(parts, *(f"/posts/{number}" for number in range(1, 7))) == ["licensed"] * 4 + [reason] * 2
    parts.gate.flush_fetches()
    again = gate_over(parts.store, clock, parts.settings)
    contract(again, **terms)
    assert fetch(again, "/posts/7") == [reason]


def test_the_days_quota_frees_at_midnight_and_says_when(parts: GateParts, clock: FixedClock) -> None:
    contract(parts, records_per_day=1)
    fetch(parts, "/posts/1")
    authorization = f"Bearer {parts.token()}"
    stopped = parts.decide(Facts("GET", "127.0.0.1", "/posts/2", "192.0.2.7", "bot", authorization))
    assert (stopped.reason, stopped.status, stopped.retry_after) == ("quota_exhausted", 429, 15 * 3600)
    parts.gate.flush_fetches()
    clock.advance(seconds=stopped.retry_after)
    assert fetch(parts, "/posts/2") == ["licensed"]


def test_in_shadow_what_was_over_is_delivered_and_costs_nothing(store: Store, parts: GateParts) -> None:
    contract(parts, records_per_day=1, price=Price(per_1000="2.50", currency="EUR"))
    parts.gate.mode = "shadow"
    assert fetch(parts, "/posts/1", "/posts/2") == ["licensed", "quota_exhausted"]
    parts.gate.flush_fetches()
    with store.read() as session:
        rows = session.exec(select(Delivery).order_by(col(Delivery.free))).all()
        assert ([(row.count, row.free) for row in rows], len(session.exec(select(UsageRow)).all())) == ([(1, False), (1, True)], 1)


def test_a_record_that_was_erased_meanwhile_is_told_of(parts: GateParts) -> None:
    contract(parts)
    fetch(parts, "/posts/3")
    gone = Ordinals(ordinals(parts, "3"))
    with parts.store.read() as session:
        what = held(session, "posts", gone)
    with parts.store.write() as unit:
        erase(unit, OFFICER, what, "The author asked.")
    parts.gate.flush_fetches()
    fetch(parts, "/posts/3")
    parts.gate.flush_fetches()
    with parts.store.read() as session:
        [notice] = session.exec(select(ErasureNotice)).all()
        sent = session.exec(select(OutboxRow).where(OutboxRow.kind == NOTICE)).all()
    assert (notice.contract_id, list(unpack(notice.ordinals)), [row.payload for row in sent]) == (
        "ctr_1",
        list(gone),
        [{"notice": notice.id}],
    )


def test_fetches_from_many_networks_are_written_in_short_transactions(parts: GateParts) -> None:
    contract(parts)
    token = parts.token()
    for number in range(100):
        parts.decide(Facts("GET", "127.0.0.1", "/posts/1", f"10.{number}.0.1", "bot", f"Bearer {token}"))
    parts.store.holds.clear()
    parts.gate.flush_fetches()
    with parts.store.read() as session:
        assert (used_on(session, "ctr_1", parts.store.clock.now().date()), len(fetched(parts.store))) == (Used(100, 0), 100)
    assert not parts.store.is_sqlite or len([each for each in parts.store.holds if each.label == "gate fetches"]) == 3


def test_what_is_left_is_known_from_the_transaction_that_took_it(parts: GateParts) -> None:
    contract(parts, records_per_day=10, bytes_per_day=1_000_000)
    fetch(parts, *("/posts/1",) * 4)
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "quota_" in statement:
            asked.append(" ".join(statement.split()[:2]))

    event.listen(parts.store.engine, "before_cursor_execute", note)
    parts.gate.flush_fetches()
    event.remove(parts.store.engine, "before_cursor_execute", note)
    # The row is looked for, made and locked, and moved; the last asks for versions that count different records.
    assert asked == [
        "SELECT quota_day.used,",
        "INSERT INTO",
        "SELECT quota_day.used,",
        "SELECT max(quota_distinct.version)",
        "UPDATE quota_day",
    ]
    assert fetch(parts, *("/posts/2",) * 7) == ["licensed"] * 6 + ["quota_exhausted"]


def test_what_others_took_meanwhile_counts_with_the_next_fetch_that_is_written(store: Store, clock: FixedClock, parts: GateParts) -> None:
    other = gate_over(store, clock, parts.settings)
    for each in (parts, other):
        contract(each, records_per_day=6, records_in_period=5)
        fetch(each, "/posts/1", "/posts/2")
    parts.gate.flush_fetches()
    other.gate.flush_fetches()
    assert fetch(other, "/posts/3", "/posts/4") == ["licensed", "period_exhausted"]
    assert fetch(parts, "/posts/3") == ["licensed"]
    parts.gate.flush_fetches()
    assert fetch(parts, "/posts/4") == ["period_exhausted"]


def test_what_left_free_of_charge_counts_as_a_different_record(store: Store, parts: GateParts) -> None:
    contract(parts, records_per_day=1, distinct_records=10)
    parts.gate.mode = "shadow"
    fetch(parts, "/posts/1")
    parts.gate.flush_fetches()
    assert fetch(parts, "/posts/2") == ["quota_exhausted"]
    parts.gate.flush_fetches()
    with store.read() as session:
        assert used_of(session.connection(), "ctr_1", 1) == 2


def test_the_key_of_a_network_that_is_new_is_kept_before_the_write_lock_is_taken(
    sqlite_store: Store, clock: FixedClock, tmp_path: Path
) -> None:
    folder = tmp_path / "keys"
    keyless = Store(sqlite_store.engine.execution_options(licet_subjects=folder), clock)
    found = gate_over(keyless, clock, gate_settings(tmp_path))
    contract(found)
    fetch(found, "/posts/1")
    folder.write_text("a file in the place of the folder: no key can be kept in it")
    keyless.holds.clear()
    with pytest.raises(OSError, match="keys"):
        found.gate.flush_fetches()
    assert [each.label for each in keyless.holds] == []

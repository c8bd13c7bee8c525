"""Announced changes of fields are told once to each live contract that names the field, and once more seven days before."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

from sqlmodel import select

from contracts.changes.service import tell_due
from contracts.clock import FixedClock
from contracts.keys import KeyRing
from contracts.ledger.tables import LedgerEntry
from contracts.lifecycle.tables import Contract
from contracts.settings import Settings
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store
from contracts.webhooks.events import PARTNERS
from tests.harness.cast import Cast
from tests.harness.data import FIELDS, TERMS, sealed_contract

DAY = date(2026, 12, 1)
LANG = {"field": "lang", "date": DAY.isoformat(), "what": "Three letters instead of two."}


def announced(*changes: dict[str, str]) -> Settings:
    posts = {"title": "Public posts", "location": "posts.csv", "key": "id", "fields": FIELDS, "changes": changes}
    return Settings.model_validate({"profile": "test", "datasets": {"posts": posts}})


def made(store: Store, cast: Cast, organisation: str = "", **changes: Any) -> str:
    return sealed_contract(store, KeyRing(b"m" * 32), cast, organisation or cast.lab, {**TERMS, **changes})[0]


def entries(store: Store) -> list[dict[str, Any]]:
    with store.read() as session:
        rows = session.exec(select(LedgerEntry).order_by(LedgerEntry.index)).all()  # type: ignore[arg-type]  # a column
    leaves = (json.loads(row.leaf) for row in rows)
    return [leaf for leaf in leaves if leaf["event"] == "dataset.change_announced"]


def subjects(store: Store) -> list[str]:
    with store.read() as session:
        rows = session.exec(select(OutboxRow.payload).where(OutboxRow.kind == "mail")).all()
    return sorted(row["subject"] for row in rows)


def test_each_live_contract_that_names_the_field_hears_twice(store: Store, clock: FixedClock) -> None:
    cast, settings = Cast(store), announced(LANG)
    contract = made(store, cast)
    made(store, cast, datasets=[{"dataset": "posts", "fields": ["id", "likes"], "rows": []}])
    assert (tell_due(store, settings), tell_due(store, settings)) == (1, 0)
    (entry,) = entries(store)
    assert {name: entry[name] for name in ("subject", "contract", "organisation", "dataset", "fields", "facts")} == {
        "subject": contract,
        "contract": contract,
        "organisation": cast.lab,
        "dataset": "posts",
        "fields": ["lang"],
        "facts": {"date": "2026-12-01", "what": LANG["what"], "days": 29},
    }
    assert set(subjects(store)) == {"The field lang changes on 1 December 2026"}
    told = len(subjects(store))
    clock.advance(days=21)
    assert tell_due(store, settings) == 0
    clock.advance(days=1)
    assert (tell_due(store, settings), tell_due(store, settings)) == (1, 0)
    assert subjects(store).count("Soon, on 1 December 2026: the field lang changes") == told
    clock.advance(days=7)
    assert (tell_due(store, settings), len(entries(store))) == (0, 2)
    assert "dataset.change_announced" in PARTNERS


def test_a_change_that_is_near_at_once_is_told_once(sqlite_store: Store, clock: FixedClock) -> None:
    cast = Cast(sqlite_store)
    made(sqlite_store, cast)
    clock.advance(days=29)
    assert (tell_due(sqlite_store, announced(LANG)), tell_due(sqlite_store, announced(LANG))) == (1, 0)
    assert set(subjects(sqlite_store)) == {"Today, 1 December 2026: the field lang changes"}
    clock.advance(days=1)
    assert tell_due(sqlite_store, announced({**LANG, "what": "Another text."})) == 0


def test_a_contract_that_comes_later_hears_as_well_and_one_that_ended_does_not(sqlite_store: Store) -> None:
    cast, settings = Cast(sqlite_store), announced(LANG)
    ended = made(sqlite_store, cast)
    with sqlite_store.write() as unit:
        unit.lock(Contract, ended).state = "terminated"
    assert tell_due(sqlite_store, settings) == 0
    later = made(sqlite_store, cast)
    assert tell_due(sqlite_store, settings) == 1
    assert [entry["contract"] for entry in entries(sqlite_store)] == [later]
    assert tell_due(sqlite_store, announced({**LANG, "what": "Another text."})) == 1


def test_several_workers_tell_once(store: Store) -> None:
    cast, settings = Cast(store), announced(LANG)
    for _ in range(3):
        made(store, cast)
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: tell_due(store, settings), range(4)))
    assert (sum(told), len(entries(store))) == (3, 3)


def test_without_announcements_nothing_is_read(sqlite_store: Store) -> None:
    made(sqlite_store, Cast(sqlite_store))
    assert tell_due(sqlite_store, announced()) == 0

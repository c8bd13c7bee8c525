"""How credentials are used, as the follower reads it out of the ledger."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlmodel import select

from contracts.clock import FixedClock, day_in
from contracts.credentials import service as credentials
from contracts.credentials.tables import Client, CredentialDay
from contracts.credentials.use import ENTRIES_A_RUN, UseFollower, used_by_day
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, record, stage
from contracts.ledger.tables import LedgerEntry, SealedValues
from contracts.people.roles import Role
from contracts.store.unit import Store
from tests.contracts.credentials.sealed import RING, contract_in_force
from tests.contracts.people.people import person, race


class Used:
    """A client under a contract, and entries about it."""

    def __init__(self, store: Store, clock: FixedClock) -> None:
        self.store, self.clock = store, clock
        lead, steward = person(store, "ada@northfield.example", Role.LEAD), person(store, "sam@agora.example", Role.STEWARD)
        contract = contract_in_force(store, lead, steward)
        with store.write() as unit:
            self.id = credentials.create_client(unit, lead, contract, name="Loader", audience="api")[0].id
        self.sequencer = Sequencer(store, RING, "agora.example/ledger")
        self.follower = UseFollower(store, "Asia/Tokyo")

    def entry(self, event: str = "access.records", decision: str = "allow", network: str = "192.0.2.0/24", **more: object) -> str:
        """Stage an entry of the client and put it into the tree."""
        with self.store.write() as unit:
            made = Entry(event=event, decision=decision, credential=self.id, personal={"network": network}, **more)  # type: ignore[arg-type]  # as given
            entry = record(unit, made)
        self.sequencer.integrate()
        return entry

    def follow(self) -> tuple[datetime | None, str, dict[date, tuple[int, int]]]:
        """Follow; then last use with its network, and requests and records by day."""
        while self.follower.tick():
            pass
        with self.store.read() as session:
            client = session.get_one(Client, self.id)
            days = used_by_day(session, self.id, date(2026, 1, 1))
        return client.last_used_at, client.last_network, {day: (each.requests, each.records) for day, each in days.items()}


@pytest.fixture
def used(store: Store, clock: FixedClock) -> Used:
    return Used(store, clock)


def test_use_is_read_out_of_the_ledger_in_the_platforms_days(used: Used, clock: FixedClock) -> None:
    assert used.follow() == (None, "", {})
    used.entry(rows=40)
    used.entry(rows=2)
    used.entry("gate.fetched", facts={"fetches": 3})
    used.entry("access.records", "refuse", "198.51.100.0/24")
    when = clock.now()
    tokyo = day_in(when, "Asia/Tokyo")
    assert used.follow() == (when, "192.0.2.0/24", {tokyo: (5, 42)})
    clock.advance(hours=24)
    used.entry("token.issued", network="203.0.113.0/24")
    assert used.follow() == (clock.now(), "203.0.113.0/24", {tokyo: (5, 42)})
    used.entry("access.catalogue")
    assert used.follow()[2].popitem()[1] == (1, 0)


def test_reading_goes_on_where_it_stopped_and_counts_each_entry_once(used: Used) -> None:
    used.entry(rows=7)
    used.follow()
    used.follower = UseFollower(used.store, "Asia/Tokyo")
    assert list(used.follow()[2].values()) == [(1, 7)]
    used.entry(rows=1)
    followers = [UseFollower(used.store, "Asia/Tokyo") for _ in range(4)]
    race(lambda number: followers[number].tick(), 4)
    assert list(used.follow()[2].values()) == [(2, 8)]


def test_a_backlog_is_read_in_runs(sqlite_store: Store, clock: FixedClock) -> None:
    used = Used(sqlite_store, clock)
    for _ in range(3):
        with sqlite_store.write() as unit:
            entries = [Entry(event="access.records", decision="allow", credential=used.id, rows=1)] * ENTRIES_A_RUN
            stage(unit.connection, unit.node, unit.now, entries)
    while used.sequencer.integrate():
        pass
    assert used.follower.tick() == ENTRIES_A_RUN
    assert list(used.follow()[2].values()) == [(3 * ENTRIES_A_RUN, 3 * ENTRIES_A_RUN)]
    assert max(hold.busy for hold in sqlite_store.holds if hold.label == "credential use") < 0.1


def test_a_run_in_which_each_entry_is_of_another_credential_holds_the_write_lock_shortly(sqlite_store: Store, clock: FixedClock) -> None:
    used = Used(sqlite_store, clock)
    others = [Entry(event="access.records", decision="allow", credential=f"cli_{number}", rows=1) for number in range(ENTRIES_A_RUN - 1)]
    with sqlite_store.write() as unit:
        stage(unit.connection, unit.node, unit.now, others)
    used.entry(rows=3)
    assert used.follow() == (clock.now(), "192.0.2.0/24", {day_in(clock.now(), "Asia/Tokyo"): (1, 3)})
    assert max(hold.busy for hold in sqlite_store.holds if hold.label == "credential use") < 0.1
    with sqlite_store.read() as session:
        rows = session.exec(select(CredentialDay).where(CredentialDay.credential_id != used.id)).all()
    assert {each.credential_id: (each.requests, each.records) for each in rows} == {each.credential: (1, 1) for each in others}


def test_an_erased_network_and_an_edited_leaf_stop_nothing(used: Used, clock: FixedClock) -> None:
    entry = used.entry(rows=5)
    with used.store.write() as unit:
        unit.session.delete(unit.session.exec(select(SealedValues).where(SealedValues.entry_id == entry)).one())
        unit.session.exec(select(LedgerEntry).where(LedgerEntry.id == entry)).one().leaf = b"nothing"
    assert used.follow() == (clock.now(), "", {})
    with used.store.read() as session:
        assert session.exec(select(CredentialDay)).all() == []

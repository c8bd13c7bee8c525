"""A contract's whole life out of the ledger: every act by itself and in order, requests summed up by day, nothing of another contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import text

from contracts.ledger.stage import Entry, stage
from contracts.search import life
from contracts.search.life import Life, Used, life_of
from contracts.store.unit import Store
from tests.contracts.search.test_search import followed, integrated

START = datetime.fromisoformat("2026-11-02T09:00:00+00:00")
BOTH = {"organisation": "org_1", "contract": "ctr_1"}
READ = Entry(event="access.records", decision="allow", rows=10, **BOTH)  # type: ignore[arg-type]  # of several types
REFUSED = Entry(event="access.records", decision="refuse", rule="rate_exceeded", **BOTH)  # type: ignore[arg-type]  # as above


def done(event: str, subject: str = "ctr_1", contract: str = "ctr_1") -> Entry:
    return Entry(event=event, subject=subject, contract=contract, organisation="org_1")


def happened(store: Store, *days: Sequence[Entry]) -> None:
    """Each day's entries, in the tree and in search."""
    for number, entries in enumerate(days):
        if entries:
            with store.write() as unit:
                stage(unit.connection, unit.node, START + timedelta(days=number), list(entries))
    integrated(store)
    followed(store)


def told(found: Life) -> list[tuple[date, date, list[str], Used]]:
    return [(each.since, each.until, [row.event for row in each.acts], each.used) for each in found.spans]


def life_in(store: Store, *applications: str) -> Life:
    with store.read() as session:
        return life_of(session, "ctr_1", applications)


def test_it_goes_from_the_application_to_the_last_access_in_order(store: Store) -> None:
    fetched = Entry(event="gate.fetched", decision="allow", **BOTH)  # type: ignore[arg-type]  # as above
    happened(
        store,
        [done("application.submitted", "app_1", ""), done("application.submitted", "app_2", "")],
        [done("application.approved", "app_1", ""), done("contract.drafted")],
        [done("contract.activated"), done("contract.activated", "ctr_2", "ctr_2"), done("client.created", "cli_1"), READ],
        [READ, READ, REFUSED, done("token.issued", "tok_1"), done("usage.reported", "use_1")],
        [],
        [READ, fetched],
        [done("contract.suspended"), REFUSED],
    )
    found, days = life_in(store, "app_1"), [(START + timedelta(days=each)).date() for each in range(7)]
    assert told(found) == [
        (days[0], days[0], ["application.submitted"], Used()),
        (days[1], days[1], ["application.approved", "contract.drafted"], Used()),
        (days[2], days[2], ["contract.activated", "client.created"], Used(answered=1, records=10)),
        (days[3], days[5], [], Used(answered=3, records=30, refused=1, fetched=1, tokens=1)),
        (days[6], days[6], ["contract.suspended"], Used(refused=1)),
    ]
    assert found.first is not None and found.last is not None
    assert (found.first.at.date(), found.last.at.date(), found.cut, found.entries) == (days[2], days[5], False, 14)
    assert {day: records for day, records in found.delivered.items() if records} == {days[2]: 10, days[3]: 20, days[5]: 10}


def test_a_contract_that_nobody_used_has_neither_first_nor_last_access(store: Store) -> None:
    happened(store, [done("contract.drafted")])
    found = life_in(store, "app_1")
    assert (len(found.spans), found.first, found.last, found.spans[0].used.any) == (1, None, None, False)


def test_an_entry_about_both_application_and_contract_stands_once(store: Store) -> None:
    happened(store, [done("renewal.begun", "app_1")])
    assert [each[2] for each in told(life_in(store, "app_1"))] == [["renewal.begun"]]


def test_more_acts_than_are_shown_are_said_to_be_left_out(store: Store) -> None:
    happened(store, [done("client.rotated", f"cli_{number}") for number in range(life.MOST + 1)])
    found = life_in(store)
    assert (len(found.spans[0].acts), found.spans[0].acts[0].subject, found.cut) == (life.MOST, "cli_1", True)


def test_an_end_whose_entry_was_pruned_is_not_taken_for_another(store: Store) -> None:
    happened(store, [READ], [READ], [READ])
    whole = life_in(store)
    assert whole.first is not None and whole.last is not None
    with store.write() as unit:
        unit.connection.execute(text('DELETE FROM ledger_entry WHERE "index" = :at'), {"at": whole.first.index})
    pruned = life_in(store)
    assert (pruned.first, pruned.last, pruned.delivered) == (None, whole.last, whole.delivered)

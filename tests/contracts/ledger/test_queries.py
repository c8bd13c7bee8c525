"""Timelines and search."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import delete

from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.ledger import queries
from contracts.ledger.queries import Results, Search, TimelineRow
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, record
from contracts.ledger.tables import SealedValues
from contracts.people.tables import Account, Organisation
from contracts.store.unit import Store
from tests.conftest import START
from tests.contracts.ledger.conftest import access


@pytest.fixture
def history(store: Store, clock: FixedClock, sequencer: Sequencer) -> list[str]:
    """Six entries a minute apart: four of one contract (one by Mara), two of another; the last two still wait."""
    with store.write() as unit:
        lab = Organisation(id="org_1", name="Northfield University", side="partner", kind="university", country="GB", created_at=START)
        unit.session.add(lab)
        unit.session.add(Account(id="acc_mara", email="mara@agora.example", name="Mara", password_hash="x", created_at=START))
    told = [
        Entry(event="contract.signed", subject="ctr_1", contract="ctr_1", organisation="org_1", personal={"account": "acc_mara"}),
        access(3),
        Entry(event="access.records", decision="refuse", rule="rate_exceeded", contract="ctr_1", organisation="org_1", credential="cli_1"),
        access(4, contract="ctr_2", organisation="org_2", dataset="adverts", credential="cli_2"),
        Entry(event="contract.suspended", subject="ctr_1", contract="ctr_1", organisation="org_1"),
        Entry(event="contract.suspended", subject="ctr_2", contract="ctr_2", organisation="org_2"),
    ]
    ids = []
    for place, entry in enumerate(told):
        clock.advance(minutes=1)
        with store.write() as unit:
            ids.append(record(unit, entry))
        if place == 3:
            sequencer.integrate()
    return ids


def test_a_timeline_is_newest_first_with_what_still_waits(store: Store, history: list[str]) -> None:
    with store.read() as session:
        rows = queries.about(session, "ctr_1")
        assert [(row.entry_id, row.index, row.text, row.who) for row in rows] == [
            (history[4], None, "Suspended", ""),
            (history[2], 3, "Records refused", ""),
            (history[1], 2, "Records delivered", ""),
            (history[0], 1, "Signed by the partner", "Mara"),
        ]
        assert [row.entry_id for row in queries.about(session, "ctr_1", limit=2)] == [history[4], history[2]]
        assert [row.entry_id for row in queries.about(session, "org_2")] == [history[5], history[3]]
        assert [row.entry_id for row in queries.about(session, "cli_1")] == [history[2], history[1]]
        assert queries.about(session, "") == []


def test_a_row_has_all_that_a_page_shows(store: Store, history: list[str]) -> None:
    with store.read() as session:
        row = queries.about(session, "cli_2")[0]
    assert row == TimelineRow(
        entry_id=history[3],
        at=START + timedelta(minutes=4),
        event="access.records",
        decision="allow",
        rule="",
        text="Records delivered",
        who="",
        index=4,
        rows=4,
        organisation_id="org_2",
        contract_id="ctr_2",
        dataset="adverts",
        credential_id="cli_2",
        subject="",
    )
    assert not row.refused


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Search(organisation="org_1"), [2, 1, 0]),
        (Search(contract="ctr_2"), [3]),
        (Search(dataset="posts"), [1]),
        (Search(decision="refuse"), [2]),
        (Search(event="contract.signed"), [0]),
        (Search(since=START + timedelta(minutes=2), until=START + timedelta(minutes=4)), [2, 1]),
        (Search(q="rate_exceeded"), [2]),
        (Search(q="#3"), [2]),
        (Search(q=" cli_1 "), [2, 1]),
        (Search(q="northfield"), [2, 1, 0]),
        (Search(q="north%"), [2, 1, 0]),
        (Search(q="%"), []),
        (Search(q="northern"), []),
        (Search(q="ctr_2\0"), []),
        (Search(organisation="org_1", decision="allow"), [1]),
        (Search(organisation="org_2", decision="refuse"), []),
    ],
)
def test_every_field_narrows(store: Store, history: list[str], wanted: Search, found: list[int]) -> None:
    with store.read() as session:
        results = queries.search(session, wanted)
    assert ([row.entry_id for row in results.rows], results.count, results.next) == ([history[place] for place in found], len(found), None)


def test_decisions_are_counted_under_the_other_fields(store: Store, history: list[str]) -> None:
    with store.read() as session:
        assert queries.by_decision(session, Search(organisation="org_1", decision="refuse")) == {"allow": 1, "refuse": 1, "done": 1}


def test_pages_meet_without_gap_or_overlap(store: Store, history: list[str]) -> None:
    with store.read() as session:
        first = queries.search(session, Search(limit=2))
        second = queries.search(session, Search(limit=2, cursor=first.next))
        third = queries.search(session, Search(limit=2, cursor=second.next))
    assert [[row.index for row in page.rows] for page in (first, second, third)] == [[4, 3], [2, 1], [0]]
    assert [(page.count, page.next) for page in (first, second, third)] == [(5, 3), (5, 1), (5, None)]


def test_an_empty_ledger_finds_nothing(store: Store) -> None:
    with store.read() as session:
        assert queries.search(session, Search()) == Results([], 0, None)


def test_an_entry_shows_leaf_and_values_until_they_are_erased(store: Store, history: list[str]) -> None:
    with store.read() as session:
        whole = queries.entry(session, history[0])
    assert (whole.row.index, whole.facts["n"], len(whole.leaf_hash)) == (1, 2, 64)
    assert [(each.name, each.value, each.matches, each.shown) for each in whole.values] == [("account", "acc_mara", True, "Mara")]
    with store.write() as unit:
        unit.connection.execute(delete(SealedValues))
    with store.read() as session:
        erased = queries.entry(session, history[0])
    assert [(each.name, each.value, each.salt, each.matches) for each in erased.values] == [("account", None, "", False)]
    assert erased.values[0].commitment == whole.values[0].commitment


def test_a_waiting_entry_is_shown_without_a_place(store: Store, history: list[str]) -> None:
    with store.read() as session:
        whole = queries.entry(session, history[5])
    assert (whole.row.entry_id, whole.row.index, whole.leaf_hash) == (history[5], None, "")


def test_an_unknown_entry_is_not_found(store: Store, history: list[str]) -> None:
    with store.read() as session, pytest.raises(Refused) as refused:
        queries.entry(session, "ent_nothing")
    assert refused.value.refusal.code == "not_found"

"""Reading leaves its trace, and a broken ledger opens one incident."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from contracts.errors import Refused
from contracts.incidents.service import listed
from contracts.keys import KeyRing
from contracts.ledger import queries, service
from contracts.ledger.queries import Search
from contracts.ledger.sequencer import Sequencer
from contracts.store.unit import Store
from tests.contracts.ledger.conftest import ORIGIN, fill
from tests.harness.cast import Cast

SEARCH = Search(organisation="org_1", q="ctr_1")


def _told(store: Store, entry_id: str) -> tuple[dict[str, object], dict[str, str | None]]:
    """Facts of a leaf without what is random, and its personal values."""
    with store.read() as session:
        view = queries.entry(session, entry_id)
    random = {"id", "at", "node", "n", "nonce", "v", "commitments"}
    return {name: value for name, value in view.facts.items() if name not in random}, {each.name: each.value for each in view.values}


def test_a_search_is_an_entry_whose_words_are_erasable(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    with sqlite_store.write() as unit:
        entry_id = service.note_search(unit, cast.cora, SEARCH, 3)
    assert _told(sqlite_store, entry_id) == (
        {"event": "ledger.searched", "decision": "done", "facts": {"fields": ["organisation", "q"], "found": 3}},
        {"account": cast.cora.account_id, "network": "192.0.2.0/24", "search": '{"organisation":"org_1","q":"ctr_1"}'},
    )


def test_a_lookup_of_a_record_is_an_entry(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    with sqlite_store.write() as unit:
        entry_id = service.note_lookup(unit, cast.cora, "posts", "p-4711", 2)
    facts, values = _told(sqlite_store, entry_id)
    assert (facts["dataset"], facts["facts"], values["search"]) == (
        "posts",
        {"fields": ["record"], "found": 2},
        "p-4711",
    )


def test_opening_an_entry_is_an_entry_about_it(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    seen = fill(sqlite_store, 1)[0]
    with sqlite_store.write() as unit:
        service.note_view(unit, cast.mara, seen)
    with sqlite_store.read() as session:
        assert [(row.text, row.who) for row in queries.about(session, seen)] == [("Ledger entry opened", "Mara Lindqvist")]


def test_only_compliance_searches_and_only_staff_views(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    for act in (
        lambda unit: service.note_search(unit, cast.mara, SEARCH, 0),
        lambda unit: service.note_lookup(unit, cast.tove, "posts", "p-1", 0),
        lambda unit: service.note_view(unit, cast.tove, "ent_x"),
    ):
        with pytest.raises(Refused) as refused, sqlite_store.write() as unit:
            act(unit)
        assert refused.value.refusal.code == "role_required"


def test_a_broken_ledger_opens_one_incident(sqlite_store: Store, keys: KeyRing) -> None:
    fill(sqlite_store, 3)
    Sequencer(sqlite_store, keys, ORIGIN).integrate()
    assert service.inspect(sqlite_store, keys).ok
    with sqlite_store.write() as unit:
        unit.connection.execute(text('DELETE FROM ledger_entry WHERE "index" = 1'))
    for _ in range(2):
        assert not service.inspect(sqlite_store, keys).ok
    with sqlite_store.read() as session:
        assert [(each.kind, each.title, each.facts["first_problem"]) for each in listed(session)] == [
            ("ledger_broken", "The ledger does not verify", "entry 1 was removed")
        ]

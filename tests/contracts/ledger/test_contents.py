"""What a check takes in at half the cost, against what it says of each entry on its own: the same of whatever somebody wrote."""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlmodel import Session

from contracts.keys import KeyRing
from contracts.ledger import rows
from contracts.ledger.contents import Contents
from contracts.ledger.reached import NOTHING
from contracts.ledger.rows import END, Row
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, record
from contracts.ledger.values import keys_of
from contracts.store.unit import Store
from tests.contracts.ledger.conftest import ORIGIN, access

COUNT = 10
_PLACES = st.integers(0, COUNT)
_MEMBERS = ["id", "at", "n", "node", "event", "decision", "rule", "organisation", "purpose", "fields", "rows", "subject", "commitments"]
_SAID: list[Any] = [None, True, 0, 3, 7.0, "", "access.records", "2026-11-02T10:00:00+01:00", [], ["id"], {}, {"network": "00"}, ...]
_WHOLE = [b"{", b"[]", b"null", b'"v"', b"7", b"\xff", b"{}"]
# Each with a place `:a` and another `:b`.
_STATEMENTS = [
    "UPDATE OR IGNORE ledger_entry SET id = 'ent_other' WHERE \"index\" = :a",
    "UPDATE OR IGNORE ledger_entry SET id = x'00' WHERE \"index\" = :a",
    'UPDATE OR IGNORE ledger_search SET kind = (SELECT kind FROM ledger_search WHERE "index" = :b) WHERE "index" = :a',
    "UPDATE OR IGNORE ledger_search SET at = 'never' WHERE \"index\" = :a",
    "UPDATE OR IGNORE ledger_search SET at = '2026-11-02 10:00:00.000000' WHERE \"index\" = :a",
    "UPDATE OR IGNORE ledger_search SET subject = 'ctr_2' WHERE \"index\" = :a",
    'UPDATE OR IGNORE ledger_search SET "index" = "index" + 40 WHERE "index" = :a',
    'DELETE FROM ledger_search WHERE "index" = :a',
    'DELETE FROM ledger_search WHERE "index" > :a',
    'UPDATE OR IGNORE entry_kind SET purpose = \'ads\' WHERE id = (SELECT kind FROM ledger_search WHERE "index" = :a)',
    'UPDATE OR IGNORE entry_kind_day SET records = records + 1 WHERE kind = (SELECT kind FROM ledger_search WHERE "index" = :a)',
    'DELETE FROM ledger_value WHERE entry_id = (SELECT id FROM ledger_entry WHERE "index" = :a)',
    'UPDATE OR IGNORE ledger_value SET sealed = zeroblob(60) WHERE entry_id = (SELECT id FROM ledger_entry WHERE "index" = :a)',
    'UPDATE OR IGNORE ledger_value SET sealed = \'text\' WHERE entry_id = (SELECT id FROM ledger_entry WHERE "index" = :a)',
    'UPDATE OR IGNORE ledger_value SET subject = 1 WHERE entry_id = (SELECT id FROM ledger_entry WHERE "index" = :a)',
    'UPDATE OR IGNORE ledger_value SET stretch = 9 WHERE entry_id = (SELECT id FROM ledger_entry WHERE "index" = :a)',
    "UPDATE OR IGNORE ledger_value SET entry_id = 'ent_none' WHERE entry_id = (SELECT id FROM ledger_entry WHERE \"index\" = :a)",
    'INSERT OR IGNORE INTO ledger_value SELECT e.id, v.subject, v.network, v.sealed, v.stretch FROM ledger_entry e, ledger_value v'
    ' WHERE e."index" = :a AND v.entry_id = (SELECT id FROM ledger_entry WHERE "index" = :b)',
    # Ids that stand far apart, with so many values between them that these are not read one by one.
    "WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 60)"
    " INSERT OR IGNORE INTO ledger_value SELECT 'ent_' || n, 1, NULL, x'00', 0 FROM many WHERE :a = :a",
]  # fmt: skip

Tampering = Callable[[Connection], object]


def _stated(statement: str, place: int, other: int) -> Tampering:
    return lambda connection: connection.execute(text(statement), {"a": place, "b": other})


def _told(place: int, member: str, said: Any) -> Tampering:
    def change(connection: Connection) -> None:
        leaf: bytes = connection.execute(text('SELECT leaf FROM ledger_entry WHERE "index" = :a'), {"a": place}).scalar_one()
        facts = {} if leaf in _WHOLE else orjson.loads(leaf)
        if facts:
            changed = {**facts, member: said} if said is not ... else {name: each for name, each in facts.items() if name != member}
            _whole(place, orjson.dumps(changed))(connection)

    return change


def _whole(place: int, leaf: bytes) -> Tampering:
    return lambda connection: connection.execute(
        text('UPDATE ledger_entry SET leaf = :leaf WHERE "index" = :a'), {"leaf": leaf, "a": place}
    )


TAMPERINGS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(_STATEMENTS), _PLACES, _PLACES).map(lambda each: _stated(*each)),
        st.tuples(_PLACES, st.sampled_from(_MEMBERS), st.sampled_from(_SAID)).map(lambda each: _told(*each)),
        st.tuples(_PLACES, st.sampled_from(_WHOLE)).map(lambda each: _whole(*each)),
    ),
    max_size=3,
)


def _filled(store: Store, keys: KeyRing) -> None:
    """The key's own entry and ten others: of two nodes, about one person, two or none; one person is erased."""
    sequencer, second = Sequencer(store, keys, ORIGIN), Store(store.engine, store.clock, node="second")
    sequencer.ensure_key()
    both = {"account": "acc_1", "member": "acc_2", "network": "192.0.2.0/24"}
    made = [access(3), access(4, purpose="research"), Entry(event="token.issued", subject="cli_1", personal=both)]
    made += [Entry(event="ledger.viewed", personal={"account": "acc_gone"}), Entry(event="ledger.viewed", subject="ent_1")]
    for number, entry in enumerate(made * 2):
        with (second if number % 3 else store).write() as unit:
            record(unit, entry)
    sequencer.integrate()
    with store.read() as session:
        known = keys_of(session.connection())
        known.destroy(known.find("acc_gone"))


def _together(contents: Contents, entries: list[Row]) -> None:
    contents.check(entries)


def _one_by_one(contents: Contents, entries: list[Row]) -> None:
    contents.read(0, len(entries), {entry_id for _, entry_id, _ in entries})
    for _ in starmap(contents.check_one, entries):
        pass


def _outcome(session: Session, check: Callable[[Contents, list[Row]], None]) -> tuple[Any, ...]:
    contents, entries = Contents(session, NOTHING), rows.entries(session.connection(), 0, END)
    try:
        check(contents, entries)
        contents.finish(len(entries), [], complete=True)
    except Exception as error:  # what neither way expects must be the same for both
        return type(error), contents.problems
    return contents.problems, contents.erased, contents.numbers


class _UndoneError(Exception):
    """Ends a transaction without its changes."""


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(tamperings=TAMPERINGS)
def test_both_ways_find_the_same(sqlite_store: Store, keys: KeyRing, tamperings: list[Tampering]) -> None:
    with sqlite_store.read() as session:
        empty = not rows.entries(session.connection(), 0, END)
    if empty:
        _filled(sqlite_store, keys)
    try:
        with sqlite_store.write() as unit:
            for tamper in tamperings:
                tamper(unit.connection)
            assert _outcome(unit.session, _together) == _outcome(unit.session, _one_by_one)
            raise _UndoneError
    except _UndoneError:
        pass


def test_an_honest_ledger_needs_the_long_way_only_for_what_is_rare(sqlite_store: Store, keys: KeyRing) -> None:
    """First entries of a node, and entries about several people."""
    _filled(sqlite_store, keys)
    told: list[int] = []

    class Counting(Contents):
        def check_one(self, place: int, entry_id: str, leaf: bytes) -> None:
            told.append(place)
            super().check_one(place, entry_id, leaf)

    with sqlite_store.read() as session:
        contents, entries = Counting(session, NOTHING), rows.entries(session.connection(), 0, END)
        _together(contents, entries)
        contents.finish(len(entries), [], complete=True)
    assert (contents.problems, contents.erased, contents.numbers) == ([], 2, {"main": 5, "second": 6})
    assert told == [0, 2, 3, 8]

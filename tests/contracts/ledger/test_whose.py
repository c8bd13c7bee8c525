"""Entries are found by the handles of their values in whichever stretch of the ledger they stand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from alembic import command
from sqlalchemy import text

from contracts.ledger.stage import Entry, stage
from contracts.ledger.tables import STRETCH
from contracts.ledger.values import entries_with, keys_of
from contracts.ledger.whose import BESIDE, SUBJECT, of_any, under
from contracts.store import schema
from contracts.store.unit import Store

MARA, TOVE, HOME = "acc_mara", "acc_tove", "198.51.100.0/24"
COUNT = 2 * STRETCH + 2
OF_MARA = (0, STRETCH - 1, STRETCH, COUNT - 1)


@pytest.fixture
def ids(store: Store) -> Sequence[str]:
    """Two stretches and a little more: at both ends of each stretch Mara read from home, everything else is Tove's."""
    entries = [
        Entry(
            event="access.records",
            decision="allow",
            personal={"account": MARA, "network": HOME} if place in OF_MARA else {"account": TOVE},
        )
        for place in range(COUNT)
    ]
    with store.write() as unit:
        return stage(unit.connection, unit.node, unit.now, entries)


def _found(store: Store, text: str) -> set[str]:
    with store.read() as session:
        return set(entries_with(session, text, COUNT + 1))


def test_a_handle_is_found_in_every_stretch_as_subject_and_beside_one(store: Store, ids: Sequence[str]) -> None:
    of_mara = {ids[place] for place in OF_MARA}
    assert _found(store, MARA) == _found(store, HOME) == of_mara
    assert _found(store, TOVE) == set(ids) - of_mara
    with store.read() as session:
        keys = keys_of(session.connection())
        mara, home = keys.find(MARA), keys.find(HOME)
        subjects = session.execute(under(SUBJECT, mara)).scalars().all()
        networks = session.execute(under(BESIDE, home)).scalars().all()
        nothing = session.execute(under(SUBJECT, home)).all() + session.execute(under(BESIDE, mara)).all()
        either = session.execute(of_any([*mara, *home])).scalars().all()
        stretches = session.execute(text("SELECT stretch, count(*) FROM ledger_value GROUP BY stretch ORDER BY stretch")).all()
    assert (sorted(subjects), sorted(networks), nothing, sorted(either)) == (*[sorted(of_mara)] * 2, [], sorted(of_mara))
    assert [tuple(each) for each in stretches] == [(0, STRETCH), (1, STRETCH), (2, 2)]


def test_a_stretch_without_values_and_one_that_somebody_invented_hide_nothing(store: Store, ids: Sequence[str]) -> None:
    with store.write() as unit:
        unit.connection.execute(text("DELETE FROM ledger_value WHERE stretch = 1"))
        for place, stretch in ((0, -(1 << 40)), (COUNT - 1, 1 << 60)):
            row = {"stretch": stretch, "id": ids[place]}
            unit.connection.execute(text("UPDATE ledger_value SET stretch = :stretch WHERE entry_id = :id"), row)
    assert _found(store, MARA) == {ids[0], ids[STRETCH - 1], ids[COUNT - 1]}


def test_a_ledger_without_values_finds_nothing(store: Store) -> None:
    with store.read() as session:
        assert (_found(store, MARA), session.execute(of_any([1])).all()) == (set(), [])


def test_values_of_before_stretches_are_put_into_theirs(store: Store, ids: Sequence[str]) -> None:
    """As the version before left them: without the column, indexed by handle alone."""
    with store.write() as unit:
        for index in ("subject", "network"):
            unit.connection.execute(text(f"DROP INDEX ix_ledger_value_{index}"))
        unit.connection.execute(text("ALTER TABLE ledger_value DROP COLUMN stretch"))
        unit.connection.execute(text("CREATE INDEX ix_ledger_value_subject ON ledger_value (subject)"))
        unit.connection.execute(text("CREATE INDEX ix_ledger_value_network ON ledger_value (network) WHERE network IS NOT NULL"))
        config = schema._config()
        config.attributes["connection"] = unit.connection
        command.stamp(config, "0050")
    schema.upgrade(store.engine)
    with store.read() as session:
        query = text('SELECT e."index" FROM ledger_entry e JOIN ledger_value v ON v.entry_id = e.id WHERE v.stretch <> e."index" / 1024')
        astray, kept = session.execute(query).all(), session.execute(text("SELECT count(*) FROM ledger_value")).scalar_one()
    assert (astray, kept, _found(store, HOME)) == ([], COUNT, {ids[place] for place in OF_MARA})

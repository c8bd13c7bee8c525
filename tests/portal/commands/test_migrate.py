"""`licet migrate` over a database of before there were keys of subjects: what stood in clear is sealed, and every commitment still holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from contracts.clock import FixedClock
from contracts.ids import new_id
from contracts.keys import KeyRing, master_key
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, leaf_bytes
from contracts.ledger.values import Kept, entries_with, values_of
from contracts.ledger.verify import verify
from contracts.settings import load
from contracts.store import schema
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from tests.conftest import START
from tests.portal.commands.conftest import Licet

BEFORE = "0040"
COUNT = 101
"""One more than are sealed in one transaction."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'old.db'}"
    url: str = request.getfixturevalue("new_postgres")
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return url


def personal(number: int) -> dict[str, str]:
    """What is personal about an entry: every third person comes again."""
    return {"account": f"acc_mara_{number % 3}", "network": f"192.0.{number}.0/24"}


def salt(number: int, name: str) -> bytes:
    return f"{name} {number}".encode().ljust(16)[:16]


def old_database(url: str) -> list[str]:
    """One as the version before left it, with entries that wait for the tree and their values in clear; their ids."""
    engine, ids = open_engine(url), [new_id("ent") for _ in range(COUNT)]
    with engine.execution_options(licet_begin="IMMEDIATE").begin() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        for number, entry_id in enumerate(ids):
            told = personal(number)
            salts = {name: salt(number, name) for name in told}
            entry = Entry(event="access.records", decision="allow", rows=number, personal=told)
            leaf = leaf_bytes(entry, entry_id, "main", number + 1, "2026-11-02T09:00:00Z", salts, bytes(16))
            row = {"index": number, "id": entry_id, "leaf": leaf}
            connection.execute(text('INSERT INTO ledger_entry ("index", id, leaf) VALUES (:index, :id, :leaf)'), row)
            rows = [{"id": entry_id, "field": name, "value": value, "salt": salts[name]} for name, value in told.items()]
            connection.execute(text("INSERT INTO ledger_value (entry_id, field, value, salt) VALUES (:id, :field, :value, :salt)"), rows)
        connection.execute(text("UPDATE ledger_counter SET written = :count"), {"count": COUNT})
        connection.execute(text("INSERT INTO ledger_node_counter (node, last) VALUES ('main', :last)"), {"last": COUNT})
    engine.dispose()
    return ids


def test_values_that_stood_in_clear_are_sealed(folder: Path, licet: Licet, empty: str) -> None:
    ids = old_database(empty)
    for _again in range(2):
        ended = licet(folder, "migrate", LICET_DATABASE=empty)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "The database is up to date.\n", "")
    settings = load(folder / "licet.toml", {"LICET_DATABASE": empty})
    engine = open_engine(empty, settings.subject_folder)
    store, keys = Store(engine, FixedClock(START), "main"), KeyRing(master_key(settings))
    Sequencer(store, keys, settings.ledger_origin).integrate()
    with store.read() as session:
        kept = values_of(session, ids)
        of_one = set(entries_with(session, "acc_mara_0", COUNT))
        left = session.execute(text("SELECT count(*) FROM ledger_plain_value")).scalar_one()
    report = verify(store, keys)
    engine.dispose()
    wanted = [{name: Kept(value, salt(number, name)) for name, value in personal(number).items()} for number in range(COUNT)]
    assert [kept[each].values for each in ids] == wanted
    assert (left, of_one) == (0, {each for number, each in enumerate(ids) if number % 3 == 0})
    assert (report.ok, report.problems, report.erased) == (True, [], 0)
    if empty.startswith("sqlite"):
        assert {
            file.name for file in Path(empty.removeprefix("sqlite:///")).parent.glob("old.db*") if b"acc_mara" in file.read_bytes()
        } == set()

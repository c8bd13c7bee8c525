"""The register of erased records: kept up with the table, and replayed over an older database, before anything of it is served."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.datasets.catalogue import current_versions
from contracts.datasets.load import ordinal_of, refresh
from contracts.datasets.register import REASON, Register, RegisterFollower
from contracts.deliveries.ordinals import Ordinals
from contracts.deliveries.service import erase, held
from contracts.deliveries.tables import ErasedRecord, ErasureNotice
from contracts.keys import KeyRing
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.settings import Settings
from contracts.store.unit import Store
from tests.conftest import START
from tests.contracts.deliveries.history import deliver

CORA = Actor("acc_cora", "org_agora", "Cora", "cora@agora.example", frozenset({Role.COMPLIANCE}), second_factor_at=START)
FIELDS = {"id": {"type": "string", "class": "key"}, "lang": {"type": "string"}}


@pytest.fixture
def register(sqlite_store: Store, tmp_path: Path) -> Register:
    """An installation with three records of a dataset; the first two went to a contract."""
    (tmp_path / "feeds.csv").write_text("id,lang\nf-1,en\nf-2,de\nf-3,sv\n", encoding="utf-8")
    feeds = {"title": "Feeds", "key": "id", "fields": FIELDS, "location": str(tmp_path / "feeds.csv")}
    settings = Settings.model_validate({"profile": "test", "home": str(tmp_path / "home"), "datasets": {"feeds": feeds}})
    refresh(sqlite_store, settings, "feeds")
    deliver(sqlite_store, "ctr_lab", "feeds", [0, 1])
    return Register(sqlite_store, settings, KeyRing(b"m" * 32))


def _erase(register: Register, *keys: str) -> None:
    with register.store.read() as session:
        (version,) = current_versions(session.connection(), ["feeds"]).values()
        what = held(session, "feeds", Ordinals([ordinal_of(register.settings, version, key) or 0 for key in keys]))
    with register.store.write() as unit:
        erase(unit, CORA, what, "She asked.")


def _forget(register: Register) -> None:
    """What an older backup does not know."""
    with register.store.write() as unit:
        for table in (ErasedRecord, ErasureNotice):
            unit.connection.execute(delete(table))


def _erased(register: Register) -> list[tuple[int, str]]:
    with register.store.read() as session:
        return [(row.ordinal, row.reason) for row in session.exec(select(ErasedRecord).order_by(ErasedRecord.ordinal)).all()]  # type: ignore[arg-type]  # a column


def test_what_a_backup_does_not_know_is_erased_again_and_told(register: Register) -> None:
    follower = RegisterFollower(register)
    _erase(register, "f-2")
    follower.tick()
    follower.tick()
    lines = register.file.read_text().splitlines()
    assert (len(lines), "f-2" in lines[0], register.file.stat().st_mode & 0o077) == (1, False, 0)
    assert register.replay("feeds") == 0
    _forget(register)
    assert (register.replay("feeds"), register.replay("feeds"), _erased(register)) == (1, 0, [(1, REASON)])
    with register.store.read() as session:
        assert [row.contract_id for row in session.exec(select(ErasureNotice)).all()] == ["ctr_lab"]


def test_what_only_a_later_load_brings_is_erased_before_it_is_served(register: Register, tmp_path: Path) -> None:
    _erase(register, "f-3")
    assert register.follow() == 1
    _forget(register)
    # A home of its own, as after a restoration: there the record was never loaded.
    (tmp_path / "feeds.csv").write_text("id,lang\nf-1,en\n", encoding="utf-8")
    empty = register.settings.model_copy(update={"home": tmp_path / "other", "subject_keys": register.settings.subject_folder})
    early = replace(register, settings=empty)
    with register.store.write() as unit:
        unit.connection.exec_driver_sql("DELETE FROM dataset_version")
    refresh(register.store, empty, "feeds")
    assert early.replay("feeds") == 0
    (tmp_path / "feeds.csv").write_text("id,lang\nf-1,en\nf-3,sv\n", encoding="utf-8")
    served: list[list[tuple[int, str]]] = []

    def before(version: str) -> None:
        early.replay("feeds", version)
        served.append(_erased(register))

    refresh(register.store, empty, "feeds", before_current=before)
    assert served == [[(1, REASON)]]


def test_nothing_is_read_where_nothing_was_erased(register: Register, clock: FixedClock) -> None:
    assert (register.follow(), register.replay("feeds"), register.file.exists()) == (0, 0, False)

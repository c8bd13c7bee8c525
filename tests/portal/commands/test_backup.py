"""A backup and its restoration: complete, without the keys, and never a way back to who was erased."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from contracts.clock import FixedClock
from contracts.errors import Misconfigured
from contracts.ledger.erasing import erase
from contracts.ledger.stage import Entry, record
from contracts.ledger.values import values_of
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.settings import Settings, write_master_key
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.alone import alone
from portal.commands.backup import Replayed, back_up, restore
from portal.commands.init import prepare
from portal.commands.ledger import erase_values
from tests.conftest import START

CORA = Actor("acc_cora", "org_agora", "Cora", "cora@agora.example", frozenset({Role.COMPLIANCE}), second_factor_at=START)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(profile="test", home=tmp_path / "home")
    write_master_key(made.home)
    prepare(made)
    (made.home / "documents").mkdir()
    (made.home / "documents" / "one.pdf").write_bytes(b"%PDF")
    return made


def _kept(settings: Settings, *ids: str) -> list[dict[str, str]]:
    engine = open_engine(settings.database_url, settings.subject_folder)
    with Store(engine, FixedClock(START)).read() as session:
        found = values_of(session, ids)
    engine.dispose()
    return [{name: kept.value for name, kept in found[each].values.items()} if each in found else {} for each in ids]


def _write(settings: Settings, account: str) -> str:
    engine = open_engine(settings.database_url, settings.subject_folder)
    with Store(engine, FixedClock(START)).write() as unit:
        made = record(unit, Entry(event="access.records", decision="allow", personal={"account": account}))
    engine.dispose()
    return made


def _erase(settings: Settings, account: str) -> None:
    engine = open_engine(settings.database_url, settings.subject_folder)
    erase(Store(engine, FixedClock(START)), CORA, account, "It is asked.")
    engine.dispose()


def _lose(settings: Settings) -> None:
    for path in settings.home.iterdir():
        if path.name not in ("subjects", "master.key"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_a_backup_made_before_an_erasure_restores_all_others(settings: Settings, tmp_path: Path) -> None:
    mara, tove = _write(settings, "acc_mara"), _write(settings, "acc_tove")
    assert back_up(settings, tmp_path / "kept.tar.gz") == 1
    _erase(settings, "acc_mara")
    _lose(settings)
    assert restore(settings, tmp_path / "kept.tar.gz") == Replayed(1, 0)
    assert _kept(settings, mara, tove) == [{}, {"account": "acc_tove"}]
    assert (settings.home / "documents" / "one.pdf").read_bytes() == b"%PDF"
    assert sorted(path.name for path in settings.home.iterdir()) == ["documents", "licet.db", "master.key", "subjects"]


def test_the_operator_erases_on_the_machine(settings: Settings) -> None:
    mara, tove = _write(settings, "acc_mara"), _write(settings, "acc_tove")
    assert erase_values(settings, "acc_mara", "She asked.").entries == 1
    assert _kept(settings, mara, tove) == [{}, {"account": "acc_tove"}]


def test_neither_key_is_in_a_backup_and_only_its_owner_reads_it(settings: Settings, tmp_path: Path) -> None:
    _write(settings, "acc_mara")
    back_up(settings, tmp_path / "kept.tar.gz")
    with tarfile.open(tmp_path / "kept.tar.gz") as archive:
        assert archive.getnames() == ["database.sqlite", "home/documents/one.pdf"]
    assert (tmp_path / "kept.tar.gz").stat().st_mode & 0o077 == 0


def test_without_a_file_erasures_are_replayed_over_what_is_there(settings: Settings, tmp_path: Path) -> None:
    mara = _write(settings, "acc_mara")
    shutil.copy(settings.home / "licet.db", tmp_path / "before.db")
    _erase(settings, "acc_mara")
    shutil.copy(tmp_path / "before.db", settings.home / "licet.db")
    assert (restore(settings, None), _kept(settings, mara), restore(settings, None)) == (Replayed(1, 0), [{}], Replayed(0, 0))


def test_what_is_there_is_never_overwritten(settings: Settings, tmp_path: Path) -> None:
    back_up(settings, tmp_path / "kept.tar.gz")
    with pytest.raises(Misconfigured, match="is there already"):
        back_up(settings, tmp_path / "kept.tar.gz")
    with pytest.raises(Misconfigured, match="is there already"):
        restore(settings, tmp_path / "kept.tar.gz")
    with alone(settings), pytest.raises(Misconfigured, match="is being served"):
        restore(settings, None)


def test_a_log_that_a_crash_left_is_not_read_into_what_is_put_back(settings: Settings, tmp_path: Path) -> None:
    mara = _write(settings, "acc_mara")
    back_up(settings, tmp_path / "kept.tar.gz")
    database, log = settings.home / "licet.db", settings.home / "licet.db-wal"
    engine = open_engine(settings.database_url, settings.subject_folder)
    with Store(engine, FixedClock(START)).write() as unit:
        record(unit, Entry(event="access.records", decision="allow", personal={"account": "acc_tove"}))
    shutil.copy(log, tmp_path / "log")
    engine.dispose()
    database.unlink()
    shutil.copy(tmp_path / "log", log)
    with pytest.raises(Misconfigured, match=r"licet\.db-wal: is there already"):
        restore(settings, tmp_path / "kept.tar.gz")
    assert not database.exists()
    log.unlink()
    restore(settings, tmp_path / "kept.tar.gz")
    assert _kept(settings, mara) == [{"account": "acc_mara"}]


def test_a_database_of_postgresql_is_left_to_its_own_tools(settings: Settings, tmp_path: Path) -> None:
    elsewhere = settings.model_copy(update={"database": "postgresql+psycopg://u@h/d"})
    with pytest.raises(Misconfigured, match="not a file"):
        back_up(elsewhere, tmp_path / "kept.tar.gz")

"""Erasing from the ledger: nothing of the person is left in any file, others' values and every proof stay."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.keys import KeyRing
from contracts.ledger import erasing
from contracts.ledger.erasing import Sweeper, erase, sweep
from contracts.ledger.proofs import Proof, check_proof, proof_of
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.source import verifiers
from contracts.ledger.stage import Entry, record
from contracts.ledger.subjects import RECORD, TAG
from contracts.ledger.tables import SealedValues
from contracts.ledger.values import entries_with, keys_of, unsealed, values_of
from contracts.ledger.verify import verify
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from tests.conftest import START
from tests.contracts.ledger.conftest import ORIGIN

MARA, TOVE, HOME, AWAY = "acc_mara@agora", "acc_tove@agora", "198.51.100.0/24", "203.0.113.0/24"
CORA = Actor("acc_cora", "org_agora", "Cora", "cora@agora.example", frozenset({Role.COMPLIANCE}), second_factor_at=START)
QUERY = "author=eq.somebody-known"


@pytest.fixture
def keys() -> KeyRing:
    return KeyRing(b"m" * 32)


def _written(store: Store, **personal: str) -> str:
    with store.write() as unit:
        return record(unit, Entry(event="access.records", decision="allow", rows=1, personal=personal))


@pytest.fixture
def history(store: Store, keys: KeyRing) -> list[str]:
    """Mara read twice and was invited once, Tove read from Mara's network."""
    ids = [
        _written(store, account=MARA, network=HOME, query=QUERY),
        _written(store, account=MARA, network=AWAY),
        _written(store, account=TOVE, network=HOME, member=MARA, reason="She asked."),
        _written(store, network=HOME, query="all"),
    ]
    Sequencer(store, keys, ORIGIN).integrate()
    return ids


def _left(store: Store, ids: list[str]) -> list[dict[str, str]]:
    with store.read() as session:
        found = values_of(session, ids)
    return [{name: kept.value for name, kept in found[each].values.items()} if each in found else {} for each in ids]


def _secrets(store: Store, subject: str) -> tuple[list[bytes], list[bytes]]:
    """All that must be gone: what a key opens (values, salts, the key, the tag), and what nobody can open any more (rows, handles)."""
    with store.read() as session:
        keys = keys_of(session.connection())
        handles = keys.find(subject)
        rows = session.exec(select(SealedValues).where(SealedValues.subject.in_(handles))).all()  # type: ignore[attr-defined]  # a column
        clear, sealed = [subject.encode()], [end for each in handles for end in (each.to_bytes(8, "big"), each.to_bytes(8, "little"))]
        for row in rows:
            cipher = keys.cipher(row.subject)
            assert cipher is not None
            for kept in (unsealed(cipher, row.entry_id, row.sealed) or {}).values():
                clear += [kept.salt, kept.salt.hex().encode()]
            sealed.append(row.sealed[:24])
        clear += [part for each in handles for record in [keys._records[each]] for part in (record[:TAG], record[TAG:RECORD])]
    return clear, sealed


def _found(folder: Path, needles: list[bytes]) -> list[tuple[str, bytes]]:
    files = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
    return [(file.name, each) for file in files for data in [file.read_bytes()] for each in needles if each in data]


def test_a_persons_values_go_and_others_and_proofs_stay(store: Store, keys: KeyRing, history: list[str]) -> None:
    with store.read() as session:
        proofs = [proof_of(session, each) for each in history]
        known = verifiers(session, keys, ORIGIN)
        assert entries_with(session, MARA, 10) == [history[2], history[1], history[0]]
    done = erase(store, CORA, MARA, "She left, and asked.")
    assert done.entries == 3
    assert _left(store, history) == [{}, {}, {"account": TOVE, "network": HOME, "reason": "She asked."}, {"network": HOME, "query": "all"}]
    with store.read() as session:
        assert entries_with(session, MARA, 10) == []
        told = [proof_of(session, each) for each in history]
    for before, after in zip(proofs, told, strict=True):
        assert isinstance(before, Proof) and isinstance(after, Proof)
        assert (check_proof(before.text(), known[0]).leaf, check_proof(after.text(), known[0]).leaf) == (after.leaf, before.leaf)
    report = verify(store, keys)
    assert (report.ok, report.erased) == (True, 6)


def test_a_network_goes_out_of_the_values_of_others_too(store: Store, keys: KeyRing, history: list[str]) -> None:
    assert erase(store, CORA, HOME, "It is one household’s.").entries == 3
    assert _left(store, history) == [
        {"account": MARA, "query": QUERY},
        {"account": MARA, "network": AWAY},
        {"account": TOVE, "member": MARA, "reason": "She asked."},
        {},
    ]
    assert (verify(store, keys).ok, verify(store, keys).erased) == (True, 4)


def test_who_comes_again_is_kept_anew(store: Store, keys: KeyRing, history: list[str]) -> None:
    erase(store, CORA, MARA, "She asked.")
    again = _written(store, account=MARA, network=HOME)
    assert _left(store, [history[0], again]) == [{}, {"account": MARA, "network": HOME}]
    assert (sweep(store), _left(store, [again])) == (0, [{"account": MARA, "network": HOME}])


@pytest.mark.parametrize(
    ("actor", "subject", "basis", "code"),
    [
        (CORA, "acc_nobody", "It is asked.", "not_found"),
        (CORA, MARA[:-1], "It is asked.", "not_found"),
        (CORA, "-", "It is asked.", "not_found"),
        (CORA, MARA, " ", "reason_required"),
        (replace(CORA, roles=frozenset({Role.STEWARD})), MARA, "It is asked.", "role_required"),
    ],
)
def test_what_is_refused_erases_nothing(store: Store, history: list[str], actor: Actor, subject: str, basis: str, code: str) -> None:
    before = _left(store, history)
    with pytest.raises(Refused) as refused:
        erase(store, actor, subject, basis)
    assert (refused.value.refusal.code, _left(store, history)) == (code, before)


def test_the_entry_of_an_erasure_does_not_name_whom_it_erased(store: Store, history: list[str]) -> None:
    done = erase(store, CORA, MARA, "She asked.")
    with store.read() as session:
        leaf = session.connection().execute(text('SELECT leaf FROM ledger_entry ORDER BY "index" DESC')).scalars().first()
    assert leaf is not None
    assert (b"values.erased" in bytes(leaf), done.id.encode() in bytes(leaf), b"mara" in bytes(leaf)) == (True, True, False)


def test_after_an_erasure_no_file_of_sqlite_or_of_the_keys_has_anything(sqlite_store: Store, keys: KeyRing, tmp_path: Path) -> None:
    for number in range(30):
        _written(sqlite_store, account=MARA, network=HOME, query=f"{QUERY}-{number}")
        _written(sqlite_store, account=TOVE, network=AWAY)
    clear, sealed = _secrets(sqlite_store, MARA)
    assert len(_found(tmp_path, [*clear[1:], *sealed])) >= 32
    erase(sqlite_store, CORA, MARA, "She asked.")
    assert _found(tmp_path, [QUERY.encode(), *clear, *sealed]) == []
    assert verify(sqlite_store, keys).ok


def test_after_an_erasure_no_file_of_postgresql_has_what_a_key_opens(
    new_postgres: str, clock: FixedClock, keys: KeyRing, tmp_path: Path
) -> None:
    engine = open_engine(new_postgres, tmp_path / "subjects")
    store = Store(engine, clock)
    for number in range(3):
        _written(store, account=MARA, network=HOME, query=f"{QUERY}-{number}")
    clear, sealed = _secrets(store, MARA)
    own, log = _data(engine, "CHECKPOINT")
    assert {each for _, each in _found(own, sealed)} >= {each for each in sealed if len(each) > 8}
    erase(store, CORA, MARA, "She asked.")
    # What no key opens lies in dead rows until the table is written anew, and in PostgreSQL's own log until its files are used again.
    _data(engine, "VACUUM FULL ledger_value", "CHECKPOINT")
    opens = [QUERY.encode(), *clear]
    assert _found(own, [*opens, *sealed]) + _found(log, opens) + _found(tmp_path, [*opens, *sealed]) == []
    assert verify(store, keys).ok
    engine.dispose()


def _data(engine: Engine, *statements: str) -> tuple[Path, Path]:
    """Run statements that want no transaction; returns the folders of the database and of the server's log."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for each in statements:
            connection.execute(text(each))
        folder = Path(str(connection.execute(text("SHOW data_directory")).scalar_one()))
        own = connection.execute(text("SELECT oid FROM pg_database WHERE datname = current_database()")).scalar_one()
    return folder / "base" / str(own), folder / "pg_wal"


def test_a_backup_made_before_an_erasure_reveals_nothing_once_it_is_swept(
    sqlite_store: Store, clock: FixedClock, keys: KeyRing, tmp_path: Path
) -> None:
    ids = [_written(sqlite_store, account=MARA, network=HOME, query=QUERY), _written(sqlite_store, account=TOVE, network=HOME)]
    database = Path(str(make_url(str(sqlite_store.engine.url)).database))
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(tmp_path / "backup")) as target:
        source.backup(target)
    clear, sealed = _secrets(sqlite_store, MARA)
    erase(sqlite_store, CORA, MARA, "She asked.")
    sqlite_store.engine.dispose()
    (tmp_path / "backup").rename(database)
    with opened(database, clock) as restored:
        # Before it is swept already nothing of hers opens.
        assert _left(restored, ids) == [{}, {"account": TOVE, "network": HOME}]
        assert len(_found(tmp_path, sealed)) > 0
        assert (sweep(restored), _left(restored, ids)) == (1, [{}, {"account": TOVE, "network": HOME}])
        assert _found(tmp_path, [QUERY.encode(), *clear, *sealed]) == []
        assert sweep(restored) == 0


@contextmanager
def opened(database: Path, clock: FixedClock) -> Iterator[Store]:
    engine = open_engine(f"sqlite:///{database}")
    yield Store(engine, clock)
    engine.dispose()


def test_an_erasure_that_a_crash_cut_off_is_finished_by_the_job(store: Store, keys: KeyRing, history: list[str]) -> None:
    sweeper = Sweeper(store)
    sweeper.tick()
    with store.read() as session:
        known = keys_of(session.connection())
        known.destroy(known.find(MARA))
    assert sweeper.tick() == 0
    with store.read() as session:
        rows = session.exec(select(SealedValues.entry_id)).all()
    assert sorted(rows) == sorted(history[2:])


def test_many_rows_are_erased_in_runs_that_hold_the_lock_for_a_moment(sqlite_store: Store) -> None:
    many = 2 * erasing.A_RUN + 1
    with sqlite_store.write() as unit:
        entry = Entry(event="access.records", decision="allow", personal={"account": MARA, "network": HOME})
        ids = [record(unit, entry) for _ in range(many)]
    ids.append(_written(sqlite_store, account=TOVE, network=HOME))
    assert erase(sqlite_store, CORA, MARA, "She asked.").entries == many
    assert _left(sqlite_store, ids) == [{}] * many + [{"account": TOVE, "network": HOME}]
    assert erase(sqlite_store, CORA, HOME, "It asked.").entries == 1
    assert _left(sqlite_store, ids[-1:]) == [{"account": TOVE}]
    held = [hold.busy for hold in sqlite_store.holds if hold.label == "erase values"]
    assert len(held) == 6

"""Closing a log at what witnesses cosigned, and beginning the next, on both stores."""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
import pytest
from sqlmodel import select

from contracts.anchors.closing import close_log, closed
from contracts.anchors.logs import current_origin
from contracts.anchors.published import published
from contracts.anchors.tables import Log
from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.keys import KeyRing, KeyRow, Purpose
from contracts.ledger import note, tree
from contracts.ledger.note import parse_vkey
from contracts.ledger.proofs import Proof, check_proof, proof_of
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.source import StoredTiles
from contracts.ledger.tables import LedgerEntry
from contracts.ledger.verify import verify
from contracts.settings import Settings
from contracts.store.unit import Store
from contracts.witness.decide import Outcome
from contracts.witness.folder import Witness, found
from tests.contracts.anchors.test_service import Outside
from tests.contracts.ledger.conftest import ORIGIN, fill

KEYS = KeyRing(b"m" * 32)
SETTINGS = Settings(profile="test", ledger_name=ORIGIN)


def witnessed(store: Store, folder: Path) -> tuple[Sequencer, list[str]]:
    """Six entries that a witness cosigned, and three after them that it did not."""
    sequencer = Sequencer(store, KEYS, ORIGIN)
    outside = Outside(folder, store, sequencer.ensure_key())
    ids = fill(store, 5)
    sequencer.integrate()
    outside.ask()
    ids += fill(store, 2)
    sequencer.integrate()
    return sequencer, ids


def refused(store: Store, why: str = "The key was lost.", key: str = "") -> str:
    with pytest.raises(Refused) as caught:
        close_log(store, KEYS, SETTINGS, why, key)
    return caught.value.refusal.reason


def test_the_next_log_extends_the_last_witnessed_checkpoint_of_the_old(store: Store, clock: FixedClock, tmp_path: Path) -> None:
    sequencer, ids = witnessed(store, tmp_path)
    old_key = parse_vkey(sequencer.ensure_key())
    sequencer.close()
    opened = close_log(store, KEYS, SETTINGS, " The key was copied. ")
    assert (opened.number, opened.origin, opened.closed_at) == (2, f"{ORIGIN}/2", None)
    with store.read() as session:
        assert current_origin(session, SETTINGS) == f"{ORIGIN}/2"
        old = closed(session, 1)
    end = note.open_checkpoint(old.closing, [old_key])
    assert (end.size, old.size, old.origin, old.key, old.why) == (6, 6, ORIGIN, old_key.vkey(), "The key was copied.")
    following = Sequencer(store, KEYS, opened.origin)
    following.integrate()
    with store.read() as session:
        told, proof, entry = published(session), proof_of(session, ids[0]), session.get_one(LedgerEntry, 9)
        assert told is not None and isinstance(proof, Proof)
        new = note.open_checkpoint(told.note, [parse_vkey(opened.key)])
        path = tree.consistency_proof(StoredTiles(session), end.size, new.size)
    assert new.origin == opened.origin and tree.verify_consistency(end.size, new.size, end.root, new.root, path)
    assert check_proof(proof.text(), parse_vkey(opened.key)).index == 1
    facts = orjson.loads(entry.leaf)
    assert (facts["event"], facts["facts"]) == (
        "ledger.opened",
        {
            "origin": opened.origin,
            "key": opened.key,
            "follows": ORIGIN,
            "size": 6,
            "root": end.root.hex(),
            "checkpoint_hash": hashlib.sha256(old.closing.encode()).hexdigest(),
        },
    )
    assert "copied" not in entry.leaf.decode()
    assert verify(store, KEYS, held=old.closing).problems == []
    following.close()


def test_a_witness_knows_the_next_log_by_its_own_key(sqlite_store: Store, tmp_path: Path) -> None:
    witnessed(sqlite_store, tmp_path / "old")
    opened = close_log(sqlite_store, KEYS, SETTINGS, "Half a year is over.")
    Sequencer(sqlite_store, KEYS, opened.origin).integrate()
    found(tmp_path / "new", "witness.example/1")
    witness = Witness(tmp_path / "new", {opened.origin: parse_vkey(opened.key)}, sqlite_store.clock)
    with sqlite_store.read() as session:
        told = published(session)
    assert told is not None
    assert witness.add_checkpoint(f"old 0\n\n{told.note}".encode()).decision.outcome is Outcome.COSIGN


def test_a_key_that_cannot_be_opened_is_replaced_by_whoever_has_the_public_one(sqlite_store: Store, tmp_path: Path) -> None:
    sequencer, _ = witnessed(sqlite_store, tmp_path)
    vkey = sequencer.ensure_key()
    with sqlite_store.write() as unit:
        unit.session.exec(select(KeyRow).where(KeyRow.purpose == Purpose.LEDGER)).one().wrapped = b"lost"
    assert refused(sqlite_store).startswith("The log's private key cannot be opened.")
    assert "is not by the key" in refused(sqlite_store, key=f"{vkey[:-4]}AAA=")
    opened = close_log(sqlite_store, KEYS, SETTINGS, "The key was lost.", vkey)
    Sequencer(sqlite_store, KEYS, opened.origin).integrate()
    report = verify(sqlite_store, KEYS)
    assert (report.ok, report.problems) == (True, [])


def test_logs_are_counted_on(sqlite_store: Store, tmp_path: Path) -> None:
    witnessed(sqlite_store, tmp_path)
    for number in (2, 3):
        opened = close_log(sqlite_store, KEYS, SETTINGS, "The key was lost.")
        Sequencer(sqlite_store, KEYS, opened.origin).integrate()
        assert opened.origin == f"{ORIGIN}/{number}"
    with sqlite_store.read() as session:
        rows = session.exec(select(Log).order_by(Log.number)).all()
        assert [(each.number, each.size, each.closed_at is None) for each in rows] == [(1, 6, False), (2, 11, False), (3, 0, True)]
        for number in (0, 3, 4, 2**31):
            with pytest.raises(Refused):
                closed(session, number)


def test_what_is_not_signed_cannot_be_closed(sqlite_store: Store, tmp_path: Path) -> None:
    assert refused(sqlite_store) == "The log has no checkpoint yet, so there is nothing to close."
    witnessed(sqlite_store, tmp_path)
    assert refused(sqlite_store, why=" ") == "Say why the log is closed; it becomes part of the ledger."
    close_log(sqlite_store, KEYS, SETTINGS, "The key was lost.")
    assert refused(sqlite_store) == "The log has no checkpoint yet, so there is nothing to close."

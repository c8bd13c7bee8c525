"""The sequencer, on both stores."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import update
from sqlmodel import Session, col, select

from contracts.clock import FixedClock
from contracts.keys import KeyRing
from contracts.ledger import note, tree
from contracts.ledger.note import CheckpointText
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.source import StoredTiles, latest_checkpoint, verifiers
from contracts.ledger.stage import Entry, record
from contracts.ledger.tables import Checkpoint, LedgerEntry, LedgerHead, LedgerTile
from contracts.ledger.verify import verify
from contracts.search.kinds import Told
from contracts.search.tables import EntryKind, SearchedEntry
from contracts.store.unit import Store
from tests.conftest import START
from tests.contracts.ledger.conftest import ORIGIN, access, fill
from tests.harness.speed import slowness


def _entries(session: Session) -> list[LedgerEntry]:
    return list(session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all())


def test_entries_enter_the_tree_in_the_order_of_staging(store: Store, sequencer: Sequencer) -> None:
    ids = fill(store, 5)
    assert sequencer.integrate() == 5
    with store.read() as session:
        entries = _entries(session)
        assert [each.index for each in entries] == list(range(6))
        assert [each.id for each in entries[1:]] == ids
        assert StoredTiles(session).tile(0, 0) == b"".join(tree.leaf_hash(each.leaf) for each in entries)
        assert sequencer.waiting(session) == (0, None)


def test_the_checkpoint_is_signed_over_the_root_of_all_entries(store: Store, keys: KeyRing, sequencer: Sequencer) -> None:
    fill(store, 300)
    sequencer.integrate()
    with store.read() as session:
        root = tree.root_of([tree.leaf_hash(each.leaf) for each in _entries(session)])
        checkpoint, head = latest_checkpoint(session), session.get(LedgerHead, 1)
        assert checkpoint is not None
        assert head is not None
        known = verifiers(session, keys, ORIGIN)
        assert note.open_checkpoint(checkpoint.note, known) == CheckpointText(ORIGIN, 301, root)
        assert (checkpoint.size, checkpoint.root, checkpoint.made_at, head.size, head.root) == (301, root, START, 301, root)
        assert sequencer.verifier_key(session) == known[0].vkey()
        assert note.parse_vkey(known[0].vkey()) == known[0]


def test_columns_are_copies_of_the_leaf(store: Store, sequencer: Sequencer) -> None:
    with store.write() as unit:
        entry_id = record(
            unit,
            Entry(
                event="access.records",
                decision="refuse",
                rule="rate_exceeded",
                subject="ctr_9",
                organisation="org_9",
                contract="ctr_9",
                dataset="posts",
                credential="cli_9",
            ),
        )
    sequencer.integrate()
    with store.read() as session:
        query = select(SearchedEntry, EntryKind).join(EntryKind, col(EntryKind.id) == col(SearchedEntry.kind))
        row, kind = session.exec(query.where(EntryKind.contract_id == "ctr_9")).one()
        place = session.exec(select(LedgerEntry.index).where(LedgerEntry.id == entry_id)).one()
    assert (row.index, row.at, row.subject) == (place, START, "ctr_9")
    assert {name: getattr(kind, name) for name in Told._fields} == {
        "event": "access.records",
        "decision": "refuse",
        "rule": "rate_exceeded",
        "organisation_id": "org_9",
        "contract_id": "ctr_9",
        "dataset": "posts",
        "credential_id": "cli_9",
        "purpose": "",
        "fields": "",
    }


def test_tiles_are_the_same_however_entries_were_batched(store: Store, keys: KeyRing, sequencer: Sequencer) -> None:
    small = Sequencer(store, keys, ORIGIN, chunk=7)
    fill(store, 20)
    assert small.integrate() == 20
    fill(store, 250)
    assert sequencer.integrate() == 250
    with store.read() as session:
        hashes = [tree.leaf_hash(each.leaf) for each in _entries(session)]
        tiles = {(row.level, row.index): row.hashes for row in session.exec(select(LedgerTile)).all()}
        sizes = session.exec(select(col(Checkpoint.size)).order_by(col(Checkpoint.size))).all()
        assert [tree.root(StoredTiles(session), size) for size in sizes] == [tree.root_of(hashes[:size]) for size in sizes]
    assert tiles == tree.extend({}, 0, hashes)
    assert sizes[:4] == [1, 8, 15, 21]


def test_tiles_that_were_edited_meanwhile_are_not_built_on(store: Store, sequencer: Sequencer) -> None:
    fill(store, 20)
    sequencer.integrate()
    with store.write() as unit:
        unit.connection.execute(update(LedgerTile).values(hashes=bytes(32 * 21)))
    fill(store, 20)
    sequencer.integrate()
    with store.read() as session:
        hashes = [tree.leaf_hash(each.leaf) for each in _entries(session)]
        tiles = {(row.level, row.index): row.hashes for row in session.exec(select(LedgerTile)).all()}
        head = session.get(LedgerHead, 1)
    assert tiles == tree.extend({}, 0, hashes)
    assert head is not None
    assert (head.size, head.root) == (41, tree.root_of(hashes))


def test_nothing_staged_changes_nothing(store: Store, sequencer: Sequencer) -> None:
    with store.read() as session:
        before = session.exec(select(Checkpoint)).all()
    assert (sequencer.integrate(), sequencer.tick()) == (0, 0)
    sequencer.close()
    with store.read() as session:
        assert session.exec(select(Checkpoint)).all() == before


def test_racing_sequencers_and_writers_lose_and_double_nothing(store: Store, keys: KeyRing, sequencer: Sequencer) -> None:
    rivals = [Sequencer(store, keys, ORIGIN, chunk=3) for _ in range(3)]
    done = threading.Event()
    ids: list[str] = []

    def write() -> None:
        for number in range(40):
            with store.write() as unit:
                entry_id = record(unit, access(number))
            ids.append(entry_id)

    def run(rival: Sequencer) -> None:
        while not done.is_set():
            rival.integrate()

    writers = [threading.Thread(target=write) for _ in range(2)]
    runners = [threading.Thread(target=run, args=(rival,)) for rival in rivals]
    for thread in [*writers, *runners]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in runners:
        thread.join()
    sequencer.integrate()
    with store.read() as session:
        assert sorted(each.id for each in _entries(session)[1:]) == sorted(ids)
    assert verify(store, keys).problems == []


def test_nothing_is_signed_over_tiles_that_were_changed(store: Store, keys: KeyRing, sequencer: Sequencer) -> None:
    fill(store, 3)
    sequencer.integrate()
    with store.write() as unit:
        unit.session.execute(update(LedgerTile).values(hashes=bytes(4 * tree.HASH)))
    fill(store, 1)
    with pytest.raises(RuntimeError, match="licet ledger verify"):
        Sequencer(store, keys, ORIGIN).integrate()
    # Whoever made the tree remembers it.
    assert (sequencer.integrate(), verify(store, keys).problems) == (1, [])


def test_what_waits_is_told_with_its_age(store: Store, clock: FixedClock, sequencer: Sequencer) -> None:
    with store.read() as session:
        assert sequencer.waiting(session) == (0, None)
    fill(store, 1)
    clock.advance(seconds=5)
    fill(store, 2)
    with store.read() as session:
        assert sequencer.waiting(session) == (3, START)


def test_the_write_lock_is_held_briefly(sqlite_store: Store, keys: KeyRing) -> None:
    fill(sqlite_store, 300)
    Sequencer(sqlite_store, keys, ORIGIN).integrate()
    held = sorted(hold.busy for hold in sqlite_store.holds if hold.label == "sequencer")
    assert held[len(held) // 2] / slowness() < 0.02

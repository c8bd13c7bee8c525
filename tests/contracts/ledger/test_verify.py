"""Attacks on a stored ledger: each is noticed and named."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlmodel import select

from contracts.errors import Misconfigured
from contracts.keys import KeyRing, Purpose, ed25519_key, newest
from contracts.ledger import note, tree
from contracts.ledger.diagnose import Problem
from contracts.ledger.note import CheckpointText
from contracts.ledger.reached import NOTHING, Resume
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.source import latest_checkpoint
from contracts.ledger.stage import Entry, record
from contracts.ledger.tables import Checkpoint, LedgerHead, LedgerTile, SealedValues
from contracts.ledger.tamper import Tampered, tamper_copy
from contracts.ledger.values import Kept, keys_of, sealed, unsealed
from contracts.ledger.verify import Report, verify
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from tests.contracts.ledger.conftest import ORIGIN, access, fill

COUNT = 12


def sql(store: Store, *statements: str, **values: Any) -> None:
    with store.write() as unit:
        for statement in statements:
            unit.connection.execute(text(statement), values)


def first(store: Store, keys: KeyRing, held: str | None = None) -> Problem:
    """The first problem of a ledger that must not pass."""
    report = verify(store, keys, held=held)
    assert not report.ok
    return report.problems[0]


def _filled(store: Store, keys: KeyRing) -> list[str]:
    """Ids by index: the key's own entry, then twelve accesses, in three checkpoints."""
    sequencer = Sequencer(store, keys, ORIGIN)
    sequencer.ensure_key()
    sequencer.integrate()
    ids = fill(store, 5)
    sequencer.integrate()
    ids += fill(store, COUNT - 5)
    sequencer.integrate()
    with store.read() as session:
        made: str = session.connection().execute(text('SELECT id FROM ledger_entry WHERE "index" = 0')).scalar_one()
    return [made, *ids]


@pytest.fixture
def ids(store: Store, keys: KeyRing) -> list[str]:
    return _filled(store, keys)


@pytest.fixture
def plain(sqlite_store: Store, keys: KeyRing) -> list[str]:
    return _filled(sqlite_store, keys)


def test_an_honest_ledger_verifies(store: Store, keys: KeyRing, ids: list[str]) -> None:
    fill(store, 2)
    told: list[tuple[int, int]] = []
    report = verify(store, keys, lambda done, size: told.append((done, size)))
    with store.read() as session:
        head = session.get(LedgerHead, 1)
        assert head is not None
    assert report == Report(ok=True, problems=[], size=13, root=head.root.hex(), erased=0, checkpoints=3)
    assert told[-1] == (13, 13)


def test_an_empty_ledger_verifies(store: Store, keys: KeyRing) -> None:
    assert verify(store, keys) == Report(ok=True, problems=[], size=0, root=hashlib.sha256(b"").hexdigest(), erased=0, checkpoints=0)


def test_one_changed_byte_is_named(store: Store, keys: KeyRing, ids: list[str]) -> None:
    with store.read() as session:
        leaf: bytes = session.connection().execute(text('SELECT leaf FROM ledger_entry WHERE "index" = 6')).scalar_one()
    for offset in (0, len(leaf) // 2, len(leaf) - 1):
        changed = leaf[:offset] + bytes([leaf[offset] ^ 1]) + leaf[offset + 1 :]
        sql(store, 'UPDATE ledger_entry SET leaf = :leaf WHERE "index" = 6', leaf=changed)
        assert first(store, keys) == Problem(6, ids[6], "entry 6 was changed: its bytes are not those that were signed")


def test_a_removed_row_is_named(store: Store, keys: KeyRing, ids: list[str]) -> None:
    sql(store, 'DELETE FROM ledger_entry WHERE "index" = 4')
    report = verify(store, keys)
    assert report.problems == [
        Problem(4, "", "entry 4 was removed"),
        Problem(None, ids[4], f"a personal value belongs to {ids[4]}, which is not in the ledger: that entry was removed"),
        Problem(None, "", "search shows an entry at 4, where the ledger has none"),
    ]


def test_a_removed_row_is_named_though_later_ones_moved_up(store: Store, keys: KeyRing, ids: list[str]) -> None:
    move = [f'UPDATE ledger_entry SET "index" = {index - 1} WHERE "index" = {index}' for index in range(5, 13)]
    sql(store, 'DELETE FROM ledger_entry WHERE "index" = 4', *move)
    assert first(store, keys) == Problem(4, "", "entry 4 was removed and later ones moved up")


def test_two_swapped_rows_are_named(store: Store, keys: KeyRing, ids: list[str]) -> None:
    sql(
        store,
        'UPDATE ledger_entry SET "index" = 99 WHERE "index" = 3',
        'UPDATE ledger_entry SET "index" = 3 WHERE "index" = 8',
        'UPDATE ledger_entry SET "index" = 8 WHERE "index" = 99',
    )
    assert verify(store, keys).problems == [Problem(3, ids[8], f"entries 3 and 8 were swapped ({ids[8]} and {ids[3]})")]


def test_swapped_leaves_are_named_like_swapped_rows(store: Store, keys: KeyRing, ids: list[str]) -> None:
    with store.read() as session:
        leaves = dict(session.connection().execute(text('SELECT "index", leaf FROM ledger_entry')).all())
    for index, other in ((3, 8), (8, 3)):
        sql(store, 'UPDATE ledger_entry SET leaf = :leaf WHERE "index" = :index', leaf=leaves[other], index=index)
    assert first(store, keys) == Problem(3, ids[3], f"entries 3 and 8 were swapped ({ids[3]} and {ids[8]})")


def _insert(store: Store, index: int) -> None:
    with store.read() as session:
        leaf: bytes = session.connection().execute(text('SELECT leaf FROM ledger_entry WHERE "index" = 1')).scalar_one()
    forged = leaf.replace(b'"rows":0', b'"rows":9')
    sql(store, "INSERT INTO ledger_entry (\"index\", id, leaf) VALUES (:index, 'ent_forged', :leaf)", index=index, leaf=forged)


def test_an_inserted_row_is_named(store: Store, keys: KeyRing, ids: list[str]) -> None:
    sql(store, *[f'UPDATE ledger_entry SET "index" = {index + 1} WHERE "index" = {index}' for index in range(12, 6, -1)])
    _insert(store, 7)
    assert first(store, keys) == Problem(7, "ent_forged", "an entry was inserted at 7: it was never signed, and later ones moved down")


def test_a_row_outside_the_signed_size_is_named(store: Store, keys: KeyRing, ids: list[str]) -> None:
    _insert(store, 13)
    assert verify(store, keys).problems == [Problem(13, "ent_forged", "an entry was inserted at 13, outside the 13 that were written")]


def test_a_cut_tail_is_named(store: Store, keys: KeyRing, ids: list[str]) -> None:
    sql(store, 'DELETE FROM ledger_entry WHERE "index" >= 11')
    assert [each.what for each in verify(store, keys).problems[:2]] == ["entry 11 was removed", "entry 12 was removed"]


def _cut_back(store: Store) -> None:
    """Take the ledger back to its second checkpoint, everywhere that one sees: entries, values, search, charts, tiles, head, checkpoints."""
    with store.write() as unit:
        unit.connection.execute(text('DELETE FROM ledger_value WHERE entry_id IN (SELECT id FROM ledger_entry WHERE "index" >= 6)'))
        for table in ("ledger_entry", "ledger_search"):
            unit.connection.execute(text(f'DELETE FROM {table} WHERE "index" >= 6'))
        unit.connection.execute(text('UPDATE entry_kind_day SET entries = 5, records = 10, "last" = 5 WHERE entries = 12'))
        tile = unit.lock(LedgerTile, (0, 0))
        tile.hashes = tile.hashes[: 6 * 32]
        head, kept = unit.lock(LedgerHead, 1), unit.lock(Checkpoint, 6)
        head.size, head.root = 6, kept.root
        unit.session.delete(unit.lock(Checkpoint, 13))


def test_a_tail_cut_together_with_head_and_checkpoints_is_noticed_by_the_counts(store: Store, keys: KeyRing, ids: list[str]) -> None:
    _cut_back(store)
    assert [each.what for each in verify(store, keys).problems] == [
        "7 entries that waited for the tree were removed, the first at 6",
        "node main wrote 13 entries, the ledger ends at its number 6: the last were cut off",
    ]


def test_a_perfectly_cut_tail_is_noticed_by_a_checkpoint_that_someone_holds(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    with sqlite_store.read() as session:
        held = latest_checkpoint(session)
        assert held is not None
    assert verify(sqlite_store, keys, held=held.note).ok
    _cut_back(sqlite_store)
    sql(sqlite_store, "UPDATE ledger_node_counter SET last = 6", "UPDATE ledger_counter SET written = 6")
    assert verify(sqlite_store, keys).ok
    assert verify(sqlite_store, keys, held=held.note).problems == [
        Problem(None, "", "you hold a checkpoint of 13 entries; the ledger has only 6")
    ]


NONCE = {b'"nonce":"': b'"nonce":"4'}


def _rewrite(store: Store, index: int, signer: Ed25519PrivateKey | None, change: dict[bytes, bytes] = NONCE) -> None:
    """Change an entry with every hash above it; sign anew where the attacker has a key."""
    ((old, new),) = change.items()
    with store.write() as unit:
        rows = unit.connection.execute(text('SELECT leaf FROM ledger_entry ORDER BY "index"')).scalars().all()
        leaves = [leaf.replace(old, new) if place == index else leaf for place, leaf in enumerate(rows)]
        hashes = [tree.leaf_hash(leaf) for leaf in leaves]
        for place, leaf in enumerate(leaves):
            changed = {"leaf": leaf, "index": place}
            unit.connection.execute(text('UPDATE ledger_entry SET leaf = :leaf WHERE "index" = :index'), changed)
        unit.lock(LedgerTile, (0, 0)).hashes = b"".join(hashes)
        unit.lock(LedgerHead, 1).root = tree.root_of(hashes)
        for size in (6, 13):
            checkpoint = unit.lock(Checkpoint, size)
            if signer is not None:
                checkpoint.root = tree.root_of(hashes[:size])
                checkpoint.note = note.sign(CheckpointText(ORIGIN, size, checkpoint.root).text(), ORIGIN, signer)


def test_a_rewrite_of_all_hashes_is_noticed_by_the_checkpoints(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    _rewrite(sqlite_store, 8, None)
    assert first(sqlite_store, keys) == Problem(6, "", "entries 6 to 12 are not those that the checkpoint of 13 entries signed")


def test_a_rewrite_signed_by_another_key_is_noticed(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    _rewrite(sqlite_store, 3, Ed25519PrivateKey.generate())
    assert [each.what for each in verify(sqlite_store, keys).problems] == [
        "the checkpoint of 6 entries does not verify: no known key signed this",
        "the checkpoint of 13 entries does not verify: no known key signed this",
        "the newest checkpoint signs 1 of 13 entries",
    ]


def test_a_rewrite_with_the_stolen_key_is_noticed_by_a_held_checkpoint(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    with sqlite_store.read() as session:
        held, row = session.get(Checkpoint, 6), newest(session, Purpose.LEDGER)
        assert held is not None
        assert row is not None
        stolen, kept = ed25519_key(keys.open(row)), held.note
    _rewrite(sqlite_store, 3, stolen)
    assert verify(sqlite_store, keys).ok
    assert first(sqlite_store, keys, held=kept) == Problem(1, "", "entries 1 to 5 are not those that the checkpoint of 6 entries signed")


def test_an_old_checkpoint_that_someone_holds_is_compared_though_an_earlier_check_read_behind_it(
    sqlite_store: Store, keys: KeyRing, plain: list[str]
) -> None:
    with sqlite_store.read() as session:
        held, row = session.get(Checkpoint, 6), newest(session, Purpose.LEDGER)
        assert held is not None
        assert row is not None
        stolen, kept = ed25519_key(keys.open(row)), held.note
    _rewrite(sqlite_store, 3, stolen)
    reached = [NOTHING]
    for checkpoint in (None, kept):
        report = verify(sqlite_store, keys, None, checkpoint, Resume(reached[-1], reached.append))
    assert (reached[-1].size, report.before) == (13, 13)
    assert report.problems == [Problem(0, "", "entries 0 to 5 are not those that the checkpoint of 6 entries signed")]


def test_what_is_no_checkpoint_is_no_held_checkpoint(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    assert verify(sqlite_store, keys, held="rubbish").problems == [
        Problem(None, "", "the checkpoint that you hold was not signed by this ledger: the note has no signature lines")
    ]


def test_a_changed_tile_is_named_and_the_entry_cleared(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    with sqlite_store.write() as unit:
        tile = unit.lock(LedgerTile, (0, 0))
        tile.hashes = tile.hashes[:64] + bytes(32) + tile.hashes[96:]
    assert verify(sqlite_store, keys).problems == [Problem(2, plain[2], "tile 0/0 was changed: it has another hash for entry 2")]


def test_tiles_above_are_checked(sqlite_store: Store, keys: KeyRing) -> None:
    fill(sqlite_store, 300)
    Sequencer(sqlite_store, keys, ORIGIN).integrate()
    assert verify(sqlite_store, keys).ok
    with sqlite_store.write() as unit:
        unit.lock(LedgerTile, (1, 0)).hashes = bytes(32)
    assert verify(sqlite_store, keys).problems == [Problem(None, "", "tile 1/0 has another root for tile 0/0")]
    sql(sqlite_store, "DELETE FROM ledger_tile WHERE level = 1")
    assert "tile 1/0 has 0 of 1 hashes" in [each.what for each in verify(sqlite_store, keys).problems]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event", "token.issued"),
        ("decision", "refuse"),
        ("rule", "x"),
        ("organisation_id", "org_2"),
        ("contract_id", "ctr_2"),
        ("dataset", "adverts"),
        ("credential_id", "cli_2"),
        ("purpose", "ads"),
        ("fields", "id"),
    ],
)
def test_a_changed_column_of_a_kind_is_named(sqlite_store: Store, keys: KeyRing, plain: list[str], column: str, value: object) -> None:
    """At the first entry of that kind, as all of them are shown otherwise then."""
    sql(sqlite_store, f'UPDATE entry_kind SET {column} = :value WHERE id = (SELECT kind FROM ledger_search WHERE "index" = 5)', value=value)
    assert first(sqlite_store, keys) == Problem(1, plain[1], f"the column {column} of entry 1 was changed: it is not what the entry says")


@pytest.mark.parametrize("column", ["event", "rule", "purpose", "fields"])
def test_a_column_of_a_kind_that_is_no_text_is_named(sqlite_store: Store, keys: KeyRing, plain: list[str], column: str) -> None:
    """Bytes stand where text stood, of which an empty one is told by no leaf."""
    sql(sqlite_store, f"UPDATE entry_kind SET {column} = CAST({column} AS BLOB) WHERE event = 'access.records'")
    assert first(sqlite_store, keys) == Problem(1, plain[1], f"the column {column} of entry 1 was changed: it is not what the entry says")


@pytest.mark.parametrize(("column", "value"), [("subject", "ctr_2"), ("at", "2026-11-03 09:00:00.000000")])
def test_a_changed_search_column_is_named(sqlite_store: Store, keys: KeyRing, plain: list[str], column: str, value: object) -> None:
    sql(sqlite_store, f'UPDATE ledger_search SET {column} = :value WHERE "index" = 5', value=value)
    assert first(sqlite_store, keys) == Problem(5, plain[5], f"the column {column} of entry 5 was changed: it is not what the entry says")


def test_an_entry_that_is_shown_as_of_another_kind_is_named(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    sql(sqlite_store, 'UPDATE ledger_search SET kind = (SELECT kind FROM ledger_search WHERE "index" = 0) WHERE "index" = 5')
    what = "the column event of entry 5 was changed: it is not what the entry says"
    assert first(sqlite_store, keys) == Problem(5, plain[5], what)
    sql(sqlite_store, 'UPDATE ledger_search SET kind = 4711 WHERE "index" = 5')
    assert first(sqlite_store, keys) == Problem(5, plain[5], what)


def test_a_kind_that_says_something_else_is_named(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    sql(sqlite_store, "UPDATE entry_kind SET dataset = 'adverts' WHERE dataset = 'posts'")
    assert first(sqlite_store, keys) == Problem(1, plain[1], "the column dataset of entry 1 was changed: it is not what the entry says")


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE entry_kind_day SET entries = 11 WHERE entries = 12", "11 entries of access.records with 31"),
        ("UPDATE entry_kind_day SET records = 7 WHERE entries = 12", "12 entries of access.records with 7"),
        ("DELETE FROM entry_kind_day WHERE entries = 12", "0 entries of access.records with 0"),
        ('UPDATE entry_kind_day SET "last" = 5 WHERE entries = 12', "12 entries of access.records with 31"),
    ],
)
def test_a_day_that_the_charts_count_otherwise_is_named(store: Store, keys: KeyRing, ids: list[str], statement: str, says: str) -> None:
    sql(store, statement)
    what = f"the charts count {says} records on 2026-11-02; the ledger has 12 with 31"
    assert verify(store, keys).problems == [Problem(None, "", what)]


def test_a_moment_that_is_none_is_named(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    sql(sqlite_store, "UPDATE ledger_search SET at = 'never' WHERE \"index\" = 5")
    assert first(sqlite_store, keys) == Problem(5, plain[5], "the column at of entry 5 was changed: it is not what the entry says")


@pytest.mark.parametrize(
    "change",
    [{b'"node":': b'"knot":'}, {b'"n":4': b'"n":[]'}, {b'"node":': b'"node":{},"knot":'}, {b'"commitments":': b'"commitments":0,"x":'}],
)
def test_a_signed_entry_that_cannot_be_read_is_named(
    sqlite_store: Store, keys: KeyRing, plain: list[str], change: dict[bytes, bytes]
) -> None:
    with sqlite_store.read() as session:
        row = newest(session, Purpose.LEDGER)
        assert row is not None
    _rewrite(sqlite_store, 3, ed25519_key(keys.open(row)), change)
    assert first(sqlite_store, keys) == Problem(3, plain[3], "entry 3 was signed, but cannot be read")


def test_pieces_are_joined_and_each_wrong_place_is_named(sqlite_store: Store, keys: KeyRing) -> None:
    small = Resume(NOTHING, lambda _: None, piece=256)
    with sqlite_store.write() as unit:
        ids = [record(unit, access(number % 200)) for number in range(700)]
    Sequencer(sqlite_store, keys, ORIGIN, chunk=300).integrate()
    told: list[tuple[int, int]] = []
    report = verify(sqlite_store, keys, lambda done, size: told.append((done, size)), None, small)
    assert (report.ok, told) == (True, [(0, 701), (256, 701), (512, 701), (701, 701)])
    sql(sqlite_store, "UPDATE ledger_entry SET leaf = x'00' WHERE \"index\" IN (255, 256, 600)")
    sql(sqlite_store, 'DELETE FROM ledger_entry WHERE "index" = 511', "DELETE FROM ledger_value WHERE entry_id = :id", id=ids[511])
    sql(sqlite_store, 'DELETE FROM ledger_search WHERE "index" = 511')
    what = "was changed: its bytes are not those that were signed"
    assert [each.what for each in verify(sqlite_store, keys, None, None, small).problems] == [
        f"entry 255 {what}",
        f"entry 256 {what}",
        "entry 511 was removed",
        f"entry 600 {what}",
    ]


def test_a_changed_id_is_named(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    sql(sqlite_store, "UPDATE ledger_entry SET id = 'ent_other' WHERE \"index\" = 5")
    assert first(sqlite_store, keys) == Problem(5, "ent_other", "the id of entry 5 was changed: it is not what the entry says")


def test_an_id_that_is_no_text_is_named(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    stray = "INSERT INTO ledger_value SELECT :stray, 1, NULL, sealed, 0 FROM ledger_value WHERE entry_id = :id"
    sql(sqlite_store, stray, stray=f"{plain[4]}X", id=plain[4])
    sql(sqlite_store, stray, stray=b"none", id=plain[4])
    sql(sqlite_store, "UPDATE ledger_value SET entry_id = CAST(entry_id AS BLOB) WHERE entry_id = :id", id=plain[5])
    sql(sqlite_store, 'UPDATE ledger_entry SET id = CAST(id AS BLOB) WHERE "index" = 5')
    assert [each.what for each in verify(sqlite_store, keys).problems] == [
        "the id of entry 5 was changed: it is not what the entry says",
        f"the values of {plain[5].encode()!r} were changed: they do not open under their key",
        "a personal value belongs to b'none', which is not in the ledger: that entry was removed",
        f"a personal value belongs to {plain[4]}X, which is not in the ledger: that entry was removed",
    ]


def test_an_entry_that_search_does_not_show_any_more_is_named(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    sql(sqlite_store, 'DELETE FROM ledger_search WHERE "index" = 5')
    assert verify(sqlite_store, keys).problems == [Problem(5, plain[5], "entry 5 was taken out of the search")]


def test_an_entry_that_only_search_shows_is_named(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    sql(sqlite_store, 'UPDATE ledger_search SET "index" = 40 WHERE "index" = 12')
    assert [each.what for each in verify(sqlite_store, keys).problems] == [
        "entry 12 was taken out of the search",
        "search shows an entry at 40, where the ledger has none",
    ]


def _without_key(store: Store, table: str) -> None:
    """The table made anew, so that a place may be any number, as often as anyone likes."""
    sql(store, f"CREATE TABLE anew AS SELECT * FROM {table}", f"DROP TABLE {table}", f"ALTER TABLE anew RENAME TO {table}")


@pytest.mark.parametrize("place", [6.5, 6])
def test_an_entry_that_stands_between_places_is_missed_in_its_own(
    sqlite_store: Store, keys: KeyRing, plain: list[str], place: float
) -> None:
    _without_key(sqlite_store, "ledger_entry")
    sql(sqlite_store, 'UPDATE ledger_entry SET "index" = :place WHERE "index" = 7', place=place)
    assert [each.what for each in verify(sqlite_store, keys).problems] == [
        "entry 7 was removed" if place == 6.5 else "entry 6 was removed and later ones moved up",
        "search shows an entry at 7, where the ledger has none",
    ]


def test_an_entry_that_search_shows_between_places_is_missed_in_its_own(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    _without_key(sqlite_store, "ledger_search")
    sql(sqlite_store, 'UPDATE ledger_search SET "index" = 6.5 WHERE "index" = 7')
    assert first(sqlite_store, keys) == Problem(7, plain[7], "entry 7 was taken out of the search")


def test_a_changed_personal_value_is_named_and_an_erased_one_counted(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    sql(sqlite_store, "DELETE FROM ledger_value WHERE entry_id = :id", id=plain[2])
    report = verify(sqlite_store, keys)
    assert (report.ok, report.erased) == (True, 1)
    sql(sqlite_store, "UPDATE ledger_value SET sealed = zeroblob(60) WHERE entry_id = :id", id=plain[3])
    _reseal(sqlite_store, plain[4], network="10.0.0.0/24")
    _reseal(sqlite_store, plain[5], account="acc_1")
    assert [each.what for each in verify(sqlite_store, keys).problems] == [
        f"the values of {plain[3]} were changed: they do not open under their key",
        f"the value network of {plain[4]} was changed: it does not fit its commitment",
        f"the value account was added to {plain[5]}, which has no commitment to it",
    ]


def _reseal(store: Store, entry_id: str, **values: str) -> None:
    """What someone can do who holds the database and the keys of subjects."""
    with store.write() as unit:
        row = unit.session.exec(select(SealedValues).where(SealedValues.entry_id == entry_id)).one()
        cipher = keys_of(unit.connection).cipher(row.subject)
        assert cipher is not None
        before = unsealed(cipher, row.entry_id, row.sealed) or {}
        row.sealed = sealed(cipher, entry_id, {**before, **{name: Kept(value, bytes(16)) for name, value in values.items()}}, bytes(12))


def test_a_value_of_no_entry_is_named_though_its_id_stands_among_those_of_entries(
    sqlite_store: Store, keys: KeyRing, plain: list[str]
) -> None:
    stray = f"{plain[4]}X"
    sql(
        sqlite_store,
        "INSERT INTO ledger_value SELECT :stray, subject, network, sealed, stretch FROM ledger_value WHERE entry_id = :id",
        stray=stray,
        id=plain[4],
    )
    what = f"a personal value belongs to {stray}, which is not in the ledger: that entry was removed"
    assert verify(sqlite_store, keys).problems == [Problem(None, stray, what)]


def test_a_value_of_no_entry_is_named_though_it_cannot_be_read(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    stray = f"{plain[4]}X"
    sql(
        sqlite_store,
        "INSERT INTO ledger_value (entry_id, subject, sealed, stretch) VALUES (:stray, 1, CAST(x'ff' AS TEXT), 0)",
        stray=stray,
    )
    what = f"a personal value belongs to {stray}, which is not in the ledger: that entry was removed"
    assert verify(sqlite_store, keys).problems == [Problem(None, stray, what)]


def test_an_entry_dropped_before_integration_leaves_a_gap(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    dropped = fill(sqlite_store, 3)[1]
    sql(sqlite_store, "DELETE FROM ledger_entry WHERE id = :id", id=dropped)
    sql(sqlite_store, "DELETE FROM ledger_value WHERE entry_id = :id", id=dropped)
    assert [each.what for each in verify(sqlite_store, keys).problems] == [
        "1 entries that waited for the tree were removed, the first at 14",
        "a waiting entry has number 16 of node main where 15 follows: entries between are missing or doubled",
    ]
    with pytest.raises(RuntimeError, match="a waiting entry was removed from its place"):
        Sequencer(sqlite_store, keys, ORIGIN).integrate()


def test_each_node_counts_for_itself(sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    other = Store(sqlite_store.engine, sqlite_store.clock, node="second")
    for number in range(3):
        for each in (sqlite_store, other):
            with each.write() as unit:
                record(unit, access(number))
    Sequencer(sqlite_store, keys, ORIGIN).integrate()
    assert verify(sqlite_store, keys).ok


@pytest.mark.parametrize("leaf", [b"{", b'{"v":1,"id":"a","at":"2026-11-02T09:00:00Z","event":"a","decision":"b","node":"main","n":"2"}'])
def test_a_waiting_entry_that_cannot_be_read_is_named(sqlite_store: Store, keys: KeyRing, plain: list[str], leaf: bytes) -> None:
    with sqlite_store.write() as unit:
        entry_id = record(unit, Entry(event="ledger.searched"))
    sql(sqlite_store, "UPDATE ledger_entry SET leaf = :leaf WHERE id = :id", leaf=leaf, id=entry_id)
    assert first(sqlite_store, keys) == Problem(None, entry_id, f"the waiting entry {entry_id} cannot be read")


def test_a_tampered_copy_is_named_and_the_original_untouched(tmp_path: Path, sqlite_store: Store, keys: KeyRing, plain: list[str]) -> None:
    copy = tmp_path / "copy.db"
    done = tamper_copy(tmp_path / "licet.db", copy)
    assert replace(done, offset=0, before=0, after=0) == Tampered(copy, 6, plain[6], 0, 0, 0)
    engine = open_engine(f"sqlite:///{copy}")
    report = verify(Store(engine, sqlite_store.clock), keys)
    engine.dispose()
    assert report.problems == [Problem(6, plain[6], "entry 6 was changed: its bytes are not those that were signed")]
    assert verify(sqlite_store, keys).ok


def test_a_copy_overwrites_nothing_and_needs_a_ledger(tmp_path: Path, sqlite_store: Store, plain: list[str]) -> None:
    with pytest.raises(Misconfigured, match="is there already"):
        tamper_copy(tmp_path / "licet.db", tmp_path / "licet.db")
    with pytest.raises(Misconfigured, match="is not there"):
        tamper_copy(tmp_path / "nothing.db", tmp_path / "copy.db")
    with pytest.raises(Misconfigured, match="has none at 99"):
        tamper_copy(tmp_path / "licet.db", tmp_path / "copy.db", 99)

"""Exports as their readers meet them: the archive is opened by the offline checker, by DuckDB, and against OCSF's own schema."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import jsonschema_rs
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from sqlalchemy import text

from contracts.errors import Refused
from contracts.keys import KeyRing
from contracts.ledger import verify_licet
from contracts.ledger.exports import ocsf, service
from contracts.ledger.exports.formats import Parquet, plain
from contracts.ledger.queries import Search, search
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, record
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.store.unit import Store
from tests.conftest import START
from tests.contracts.ledger.conftest import ORIGIN, access, fill

Parts = dict[str, bytes]
OFFICER = Actor(
    account_id="acc_cora",
    organisation_id="org_platform",
    name="Cora",
    email="cora@agora.example",
    roles=frozenset({Role.COMPLIANCE}),
    network="192.0.2.0/24",
    second_factor_at=START,
)


@pytest.fixture
def filled(store: Store, sequencer: Sequencer) -> Store:
    """Six accesses of one contract among others, more than one tile of them, and every kind of entry that differs."""
    for _ in range(3):
        fill(store, 2)
        with store.write() as unit:
            for number in range(100):
                record(unit, access(number, contract="ctr_2", organisation="=cmd|'/C calc'!A1"))
    with store.write() as unit:
        person = {"account": "acc_1", "network": "192.0.2.0/24"}
        record(unit, Entry(event="access.records", decision="refuse", rule="rate_exceeded", contract="ctr_1", dataset="posts"))
        record(unit, Entry(event="contract.activated", contract="ctr_1", contract_version=2, subject="ctr_1", personal=person))
        record(unit, Entry(event="token.refused", decision="refuse", rule="invalid_client", contract="ctr_1", credential="cli_1"))
        query = {"fields": ("place", "year"), "filter_shape": ("year >=",), "quota_before": 0, "quota_after": 7}
        record(
            unit, Entry(event="access.aggregate", decision="allow", dataset="posts", dataset_version="3", contract="ctr_1", rows=4, **query)
        )
    sequencer.integrate()
    return store


def exported(store: Store, sequencer: Sequencer, form: str = "jsonl", wanted: Search | None = None) -> bytes:
    made = service.prepare(store, sequencer, OFFICER, wanted or Search(contract="ctr_1"), form, "Agora")
    return b"".join(service.stream(store, made))


def parts_of(archive: bytes) -> Parts:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packed(file: Path, parts: Parts) -> str:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return str(file)


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def test_an_export_is_checked_by_the_offline_file_alone(filled: Store, sequencer: Sequencer, tmp_path: Path) -> None:
    file = tmp_path / "export.zip"
    file.write_bytes(exported(filled, sequencer))
    vkey = sequencer.ensure_key()
    command = [sys.executable, "-I", "-S", verify_licet.__file__, "export", str(file), vkey]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    manifest = verify_licet.check_export(str(file), vkey, [])
    expected = (
        f"Holds: 10 entries, 4 files, made at {manifest['made_at']} for "
        f'{{"contract": "ctr_1"}}. Each entry is in the ledger signed by {ORIGIN}, and each file is the one that was handed out.\n'
    )
    assert (done.stdout, done.returncode, done.stderr) == (expected, 0, "")
    told = {name: manifest[name] for name in ("count", "first", "last", "log", "platform", "format", "size")}
    entry = lines(parts_of(file.read_bytes())["entries.jsonl"])
    first, last = entry[0]["index"], entry[-1]["index"]
    assert told == {"count": 10, "first": first, "last": last, "log": ORIGIN, "platform": "Agora", "format": "jsonl", "size": last + 2}
    assert [each["entry"]["contract"] for each in entry] == ["ctr_1"] * 10


def test_the_export_is_an_entry_before_anything_leaves(filled: Store, sequencer: Sequencer) -> None:
    made = service.prepare(filled, sequencer, OFFICER, Search(contract="ctr_1", q="ctr_1"), "csv", "Agora")
    leaf = json.loads(made.proof.leaf)
    assert {name: leaf[name] for name in ("id", "event", "decision")} == {
        "id": made.entry_id,
        "event": "ledger.exported",
        "decision": "done",
    }
    own = leaf["facts"]
    assert (own["fields"], own["found"], own["format"]) == (["contract", "q"], 10, "csv")
    assert sorted(leaf["commitments"]) == ["account", "network", "search"]


Change = Callable[[Parts], Parts]


def _entries(change: Callable[[list[bytes]], list[bytes]]) -> Change:
    """Another entries.jsonl under a manifest that names it: what only a thief of the export's key could sign."""
    return lambda parts: parts | {"entries.jsonl": b"".join(change(parts["entries.jsonl"].splitlines(keepends=True)))}


NOT_SIGNED = "an entry of entries.jsonl is not what the ledger signed"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda parts: parts | {"GUIDE.txt": b"Trust us."}, "GUIDE.txt is not the file that the manifest names"),
        (lambda parts: parts | {"more.txt": b""}, "the archive has other files than the manifest names"),
        (lambda parts: {name: parts[name] for name in parts if name != "manifest.note"}, "this is not an export"),
        (lambda parts: {name: parts[name] for name in parts if name != "GUIDE.txt"}, "the archive has other files than the manifest names"),
        (
            lambda parts: parts | {"manifest.note": parts["manifest.note"].replace(b'"count":10', b'"count":11')},
            "the signature does not hold",
        ),
        (
            _entries(lambda rows: [rows[0].replace(b'"rows":0', b'"rows":9'), *rows[1:]]),
            "entries.jsonl is not the file that the manifest names",
        ),
    ],
)
def test_whatever_was_altered_afterwards_shows(filled: Store, sequencer: Sequencer, tmp_path: Path, change: Change, message: str) -> None:
    file = packed(tmp_path / "export.zip", change(parts_of(exported(filled, sequencer))))
    with pytest.raises(verify_licet.Wrong) as caught:
        verify_licet.check_export(file, sequencer.ensure_key(), [])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE ledger_entry SET leaf = REPLACE(CAST(leaf AS TEXT), 'cli_1', 'cli_2') WHERE id = :id", NOT_SIGNED),
        ("DELETE FROM ledger_entry WHERE id = :id", None),
    ],
)
def test_an_operator_who_alters_the_store_hands_out_an_export_that_does_not_hold(
    sqlite_store: Store, keys: KeyRing, tmp_path: Path, statement: str, message: str | None
) -> None:
    """An entry that is withheld leaves a gap in what is exported, which proves; that it belonged there only a question elsewhere shows."""
    sequencer = Sequencer(sqlite_store, keys, ORIGIN)
    ids = fill(sqlite_store, 6)
    sequencer.integrate()
    made = service.prepare(sqlite_store, sequencer, OFFICER, Search(contract="ctr_1"), "jsonl", "Agora")
    with sqlite_store.write() as unit:
        unit.connection.execute(text(statement), {"id": ids[3]})
    file = tmp_path / "export.zip"
    file.write_bytes(b"".join(service.stream(sqlite_store, made)))
    if message is None:
        assert verify_licet.check_export(str(file), sequencer.ensure_key(), [])["count"] == 5
        return
    with pytest.raises(verify_licet.Wrong) as caught:
        verify_licet.check_export(str(file), sequencer.ensure_key(), [])
    assert str(caught.value) == message


def test_csv_holds_the_same_entries_and_no_formula(filled: Store, sequencer: Sequencer) -> None:
    parts = parts_of(exported(filled, sequencer, "csv", Search(event="access.records")))
    rows = list(csv.DictReader(io.StringIO(parts["entries.csv"].decode())))
    entries = lines(parts["entries.jsonl"])
    assert [(int(row["index"]), row["entry"]) for row in rows] == [(each["index"], each["entry"]["id"]) for each in entries]
    assert {row["organisation"] for row in rows} == {"org_1", "'=cmd|'/C calc'!A1", ""}
    assert [plain(value) for value in ("=1", "+1", "-1", "@x", "\tx", "\rx", "x=1", None, 7)] == [
        "'=1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "x=1", "", "7",
    ]  # fmt: skip


def test_parquet_is_written_in_groups(tmp_path: Path) -> None:
    file = tmp_path / "entries.parquet"
    with file.open("wb") as opened:
        writer = Parquet(opened, group=100)
        for index in range(301):
            facts = {"id": f"ent_{index}", "at": "2026-11-02T09:00:00Z", "event": "access.records"}
            writer.add(index, json.dumps(facts).encode(), facts)
        writer.end()
    with duckdb.connect() as connection:
        groups = connection.execute("SELECT count(DISTINCT row_group_id) FROM parquet_metadata(?)", [str(file)]).fetchall()
        rows = connection.execute('SELECT count(*), max("index") FROM read_parquet(?)', [str(file)]).fetchall()
    assert (groups, rows) == ([(4,)], [(301, 300)])


def test_parquet_opens_in_duckdb(filled: Store, sequencer: Sequencer, tmp_path: Path) -> None:
    parts = parts_of(exported(filled, sequencer, "parquet", Search(dataset="posts")))
    file = tmp_path / "entries.parquet"
    file.write_bytes(parts["entries.parquet"])
    with duckdb.connect() as connection:
        kinds = dict(
            connection.execute("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(?))", [str(file)]).fetchall()
        )
        found = connection.execute('SELECT "index", entry, "rows", leaf FROM read_parquet(?) ORDER BY "index"', [str(file)]).fetchall()
    entries = lines(parts["entries.jsonl"])
    assert (kinds["time"], kinds["rows"], kinds["index"], kinds["event"]) == ("TIMESTAMP WITH TIME ZONE", "BIGINT", "BIGINT", "VARCHAR")
    assert found == [
        (each["index"], each["entry"]["id"], each["entry"].get("rows"), json.dumps(each["entry"], separators=(",", ":"), sort_keys=True))
        for each in entries
    ]


def test_every_event_is_valid_under_the_schema_of_ocsf(filled: Store, sequencer: Sequencer) -> None:
    parts = parts_of(exported(filled, sequencer, "ocsf", Search()))
    events = lines(parts["entries.ocsf.jsonl"])
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=ocsf.VERSION))
    names = {6003: "api_activity", 6005: "datastore_activity"}
    classes = {uid: schema.get_class_schema(class_name=name, profiles=["security_control"]) for uid, name in names.items()}
    checks = {uid: jsonschema_rs.validator_for(each) for uid, each in classes.items()}
    wrong = [error.message for each in events for error in checks[each["class_uid"]].iter_errors(each)]
    assert (wrong, len(events)) == ([], 311)
    kinds = {(each["message"], each["type_uid"], each["action_id"], each["status_id"]) for each in events}
    assert kinds == {
        ("key.made", 600301, 3, 1),
        ("access.records", 600501, 1, 1),
        ("access.records", 600501, 2, 2),
        ("access.aggregate", 600504, 1, 1),
        ("contract.activated", 600303, 3, 1),
        ("token.refused", 600303, 2, 2),
    }
    # The schema is strict: what it does not know is refused, so an event with one more field must fail.
    assert not checks[6003].is_valid(events[0] | {"purpose": "research"})


def test_only_compliance_exports_and_only_in_known_formats(filled: Store, sequencer: Sequencer) -> None:
    with pytest.raises(Refused, match="no such format"):
        exported(filled, sequencer, "xml")
    with pytest.raises(Refused) as caught:
        service.prepare(filled, sequencer, replace(OFFICER, roles=frozenset({Role.STEWARD})), Search(), "csv", "Agora")
    assert caught.value.refusal.code == "role_required"
    with filled.read() as session:
        assert search(session, Search(event="ledger.exported")).count == 0


def test_an_export_of_nothing_holds_as_well(filled: Store, sequencer: Sequencer, tmp_path: Path) -> None:
    for form in service.FORMATS:
        file = tmp_path / f"{form}.zip"
        file.write_bytes(exported(filled, sequencer, form, Search(contract="ctr_none")))
        told = verify_licet.check_export(str(file), sequencer.ensure_key(), [])
        assert (told["count"], told["first"], told["last"]) == (0, None, None)

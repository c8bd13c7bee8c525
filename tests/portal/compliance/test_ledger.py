"""Searching the ledger, opening entries and proving them, through the pages."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from contracts.house import House
from contracts.ledger import queries, verify_licet
from contracts.ledger.note import parse_vkey
from contracts.ledger.proofs import check_proof
from contracts.ledger.queries import Search
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, record
from tests.portal.compliance.conftest import integrate
from tests.portal.house import post, sign_in

SECRET = "192.0.2.0/24"


def _write(house: House, organisation: str, decision: str = "allow", rule: str = "") -> str:
    with house.store.write() as unit:
        entry = Entry(
            event="access.records",
            decision=decision,
            rule=rule,
            organisation=organisation,
            contract=f"ctr_{organisation}",
            dataset="feeds",
            fields=("id", "lang"),
            rows=3 if decision == "allow" else None,
            personal={"network": SECRET},
        )
        return record(unit, entry)


@pytest.fixture
def written(house: House) -> list[str]:
    ids = [_write(house, "org_lab"), _write(house, "org_lab", "refuse", "rate_exceeded"), _write(house, "org_rival")]
    integrate(house)
    return ids


def _searches(house: House) -> list[tuple[str, dict[str, str]]]:
    """Who searched for what, oldest first."""
    integrate(house)
    with house.store.read() as session:
        rows = queries.search(session, Search(event="ledger.searched")).rows
        values = [{each.name: each.value for each in queries.entry(session, row.entry_id).values} for row in reversed(rows)]
        return [(row.who, json.loads(value["search"] or "")) for row, value in zip(reversed(rows), values, strict=True)]


def test_the_first_page_tells_how_the_ledger_stands(house: House, cora: TestClient, written: list[str]) -> None:
    shown = cora.get("/compliance").text
    for each in ("Nothing waits for you", "Search the ledger", "How the ledger stands", "Verify the whole ledger now"):
        assert each in shown
    assert _searches(house) == []


def test_an_empty_ledger_says_what_will_appear(house: House, cora: TestClient) -> None:
    assert "The first entry is signed within a second" in cora.get("/compliance").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("organisation=org_lab&event=access.records", [1, 0]),
        ("decision=refuse&event=access.records", [1]),
        ("dataset=feeds&event=access.records", [2, 1, 0]),
        ("since=2026-11-02&until=2026-11-02&event=access.records", [2, 1, 0]),
        ("since=2026-11-03", []),
        ("q=rate_exceeded", [1]),
        ("q=refused+rate", [1]),
        ("q=ctr_org_rival", [2]),
        ("rule=rate_exceeded", [1]),
    ],
)
def test_search_by_partner_dataset_time_and_decision(cora: TestClient, written: list[str], query: str, found: list[int]) -> None:
    shown = cora.get(f"/compliance?{query}").text
    places = {place: shown.find(f"/compliance/entries/{entry_id}") for place, entry_id in enumerate(written)}
    assert [place for place, at in sorted(places.items(), key=lambda each: each[1]) if at > 0] == found
    assert ("No entry fits" in shown) == (not found)


def test_each_search_is_recorded_with_its_words(house: House, cora: TestClient, written: list[str]) -> None:
    cora.get("/compliance?organisation=org_lab&q=ctr_org_lab")
    cora.get("/compliance?show=all")
    assert _searches(house) == [("Cora Compliance", {"organisation": "org_lab", "q": "ctr_org_lab"}), ("Cora Compliance", {})]


def test_what_was_found_is_narrowed_down_by_a_click(cora: TestClient, written: list[str]) -> None:
    shown = cora.get("/compliance?event=access.records").text
    assert "Search knows every entry" in shown
    assert 'href="/compliance?organisation=org_rival&amp;event=access.records">Rival' in shown or "organisation=org_rival" in shown
    narrower = cora.get("/compliance?organisation=org_rival&event=access.records").text
    assert ("1 entry" in narrower, written[2] in narrower, written[0] in narrower) == (True, True, False)


def test_how_far_search_is_behind_is_said(house: House, cora: TestClient, written: list[str]) -> None:
    _write(house, "org_lab")
    Sequencer(house.store, house.keys, house.settings.ledger_origin, searched=False).integrate()
    assert "entries behind" in cora.get("/compliance?show=all").text


def test_pages_of_a_search_meet(house: House, cora: TestClient) -> None:
    for _ in range(60):
        _write(house, "org_lab")
    integrate(house)
    first = cora.get("/compliance?event=access.records").text
    older = first.split('">Older entries')[0].rsplit('href="', 1)[1].replace("&amp;", "&")
    second = cora.get(older).text
    assert (first.count('<tr class="opens">'), second.count('<tr class="opens">')) == (50, 10)
    assert "60 entries" in first
    assert "Newest" in second


def test_a_wrong_day_is_named_and_nothing_is_searched(house: House, cora: TestClient, written: list[str]) -> None:
    answer = cora.get("/compliance?since=tomorrow&organisation=org_lab")
    assert (answer.status_code, "Write the date as year-month-day" in answer.text, 'value="tomorrow"' in answer.text) == (422, True, True)
    swapped = cora.get("/compliance?since=2026-11-05&until=2026-11-01")
    assert (swapped.status_code, "The last day lies before the first" in swapped.text) == (422, True)
    assert _searches(house) == []


def test_strange_addresses_find_nothing_and_break_nothing(cora: TestClient, written: list[str]) -> None:
    for query in ("q=%27%20OR%201%3D1", "before=abc", "before=99999999999999999999", "q=%2399999999999999999999", "decision=no"):
        assert cora.get(f"/compliance?{query}").status_code == 200
    for query in ("q=%00", "decision=%00"):
        assert cora.get(f"/compliance?{query}").status_code == 400


def test_the_archive_holds_what_was_found_and_is_checked_without_us(
    house: House, cora: TestClient, written: list[str], tmp_path: Path
) -> None:
    asked = "organisation=org_lab&event=access.records"
    shown = cora.get(f"/compliance?{asked}").text
    paths = [each.partition('"')[0].replace("&amp;", "&") for each in shown.split('href="')[1:] if each.startswith("/compliance/export")]
    assert [path.rpartition("format=")[2] for path in paths] == ["csv", "jsonl", "parquet", "ocsf"]
    answer = cora.get(paths[0])
    file = tmp_path / "export.zip"
    file.write_bytes(answer.content)
    told = verify_licet.check_export(str(file), house.sequencer.ensure_key(), [])
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == f'attachment; filename="ledger-{told["entry"]}.zip"'
    assert (told["count"], told["query"]) == (2, {"organisation": "org_lab", "event": "access.records"})
    with zipfile.ZipFile(file) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("entries.csv").decode())))
    assert [(row["entry"], row["decision"], row["rule"], row["rows"]) for row in rows] == [
        (written[0], "allow", "", "3"),
        (written[1], "refuse", "rate_exceeded", ""),
    ]
    with house.store.read() as session:
        exports = queries.search(session, Search(event="ledger.exported")).rows
    assert [(row.entry_id, row.who) for row in exports] == [(told["entry"], "Cora Compliance")]
    assert cora.get("/compliance/export?show=all&format=xml").status_code == 422


def test_an_entry_shows_leaf_values_and_a_proof_that_holds(house: House, cora: TestClient, written: list[str]) -> None:
    shown = cora.get(f"/compliance/entries/{written[0]}").text
    for each in ("Records delivered", "In the ledger", SECRET, "Fits", "org_lab", "verify_licet.py", "Nobody before you"):
        assert each in shown
    file = cora.get(f"/compliance/entries/{written[0]}/proof")
    assert file.headers["content-disposition"] == f'attachment; filename="{written[0]}.tlog-proof"'
    checked = check_proof(file.text, parse_vkey(house.sequencer.ensure_key()))
    assert json.loads(checked.leaf)["id"] == written[0]


def test_opening_an_entry_is_recorded_about_it(house: House, cora: TestClient, mara: TestClient, written: list[str]) -> None:
    cora.get(f"/compliance/entries/{written[0]}")
    assert "Cora Compliance" in mara.get(f"/compliance/entries/{written[0]}").text
    with house.store.read() as session:
        assert [row.who for row in queries.about(session, written[0])] == ["Mara Steward", "Cora Compliance"]


def test_stewards_see_the_entry_without_its_personal_values(mara: TestClient, written: list[str]) -> None:
    shown = mara.get(f"/compliance/entries/{written[0]}").text
    assert ("Kept for compliance: network." in shown, SECRET in shown) == (True, False)


def test_a_waiting_entry_says_so(house: House, cora: TestClient, written: list[str]) -> None:
    waiting = _write(house, "org_lab")
    assert "Being integrated" in cora.get(f"/compliance/entries/{waiting}").text
    sent = cora.get(f"/compliance/entries/{waiting}/proof")
    assert (sent.status_code, sent.headers["location"]) == (303, f"/compliance/entries/{waiting}")


def test_an_erased_value_is_told_as_erased(house: House, cora: TestClient, written: list[str]) -> None:
    with house.store.write() as unit:
        unit.connection.execute(text("DELETE FROM ledger_value WHERE entry_id = :id"), {"id": written[0]})
    shown = cora.get(f"/compliance/entries/{written[0]}").text
    assert ("Erased" in shown, SECRET in shown, "In the ledger" in shown) == (True, False, True)


def test_verification_from_the_page_names_what_is_wrong(house: House, cora: TestClient, written: list[str]) -> None:
    assert "The ledger verifies" in post(cora, "/compliance/verify", page="/compliance").text
    with house.store.write() as unit:
        unit.connection.execute(
            text(
                "UPDATE entry_kind SET rule = 'x' WHERE id = (SELECT kind FROM ledger_search JOIN ledger_entry USING (\"index\") WHERE ledger_entry.id = :id)"
            ),
            {"id": written[1]},
        )
    shown = post(cora, "/compliance/verify", page="/compliance").text
    assert ("The ledger does not verify" in shown, "The column rule of entry" in shown) == (True, True)
    assert "1 incident is open" in cora.get("/compliance").text
    assert "The ledger does not verify" in cora.get("/compliance/incidents?show=open").text


def test_other_people_are_refused(house: House, written: list[str]) -> None:
    tove, mara = sign_in(house, "tove@lab.example"), sign_in(house, "mara@agora.example")
    paths = ["/compliance", "/compliance?show=all", "/compliance/export?show=all", "/compliance/incidents", "/compliance/erasure"]
    assert [mara.get(path).status_code for path in paths] == [403] * 5
    entry = [f"/compliance/entries/{written[0]}", f"/compliance/entries/{written[0]}/proof"]
    assert [tove.get(path).status_code for path in [*paths, *entry]] == [403] * 7
    assert _searches(house) == []


def test_an_unknown_entry_is_not_found(cora: TestClient) -> None:
    assert [cora.get(f"/compliance/entries/ent_nothing{end}").status_code for end in ("", "/proof")] == [404, 404]

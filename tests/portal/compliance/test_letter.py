"""From a handle to the letter that lists recipients, with proofs; and who may not have it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from starlette.testclient import TestClient

from contracts.datasets.load import refresh
from contracts.house import House
from contracts.ledger import queries
from tests.portal.compliance.test_deliveries import PATH, contract
from tests.portal.house import post

LETTER = f"{PATH}/letter"
__all__ = ["contract"]


def _written(house: House) -> list[tuple[str, list[str], int, str]]:
    """Letters as the ledger has them: form, contracts, records, and whom they are about."""
    with house.store.read() as session:
        rows = [row for row, _, _ in queries.unlisted(session) if row.event == "letter.written"]
        entries = [queries.entry(session, row.id) for row in reversed(rows)]
    told = [(each.facts["facts"], next(v.value or "" for v in each.values if v.name == "search")) for each in entries]
    return [(facts["form"], facts["contracts"], facts["records"], person) for facts, person in told]


def test_a_handle_an_address_and_an_id_lead_to_the_same_person(house: House, cora: TestClient, contract: str) -> None:
    site = house.settings.platform.site
    for name in ("kim", "@kim", "p-1", f"{site}/people/kim", f"{site}/people/kim?tab=posts"):
        assert "2 of 2" in post(cora, PATH, person=name).text, name


def test_a_name_of_several_people_is_asked_for_by_id_and_gets_no_letter(house: House, cora: TestClient, contract: str) -> None:
    shown = post(cora, PATH, person="kim_old").text
    assert ("Several people go by this name" in shown, "Ask for p-2 alone" in shown, "Write the letter" in shown) == (True, True, False)
    refused = post(cora, LETTER, page=PATH, person="kim_old")
    assert (refused.status_code, refused.headers["location"], _written(house)) == (303, PATH, [])


def test_the_letter_lists_who_received_what_and_is_an_entry(house: House, cora: TestClient, contract: str) -> None:
    shown = post(cora, LETTER, page=PATH, person="kim", to="Kim Ash\n1 Quay Road", asked_on="2026-10-20").text
    for each in ("Kim Ash<br>1 Quay Road", "20 October 2026", "Records about you", "Feeds for the lab", "First entry", "Download as PDF"):
        assert each in shown, each
    assert _written(house) == [("page", [contract], 2, "kim")]


def test_the_proofs_hold_by_the_files_alone(house: House, cora: TestClient, contract: str, tmp_path: Path) -> None:
    answer = post(cora, LETTER, page=PATH, person="kim", form="zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    archive.extractall(tmp_path)
    proofs = sorted(file.name for file in (tmp_path / "proofs").glob("*.tlog-proof"))
    read_me = (tmp_path / "proofs" / "READ-ME.txt").read_text()
    key = re.search(r"tlog-proof '([^']+)'", read_me)
    assert key is not None and len(proofs) == 2
    for file in proofs:
        command = [sys.executable, "-I", "verify_licet.py", "proof", file, key[1]]
        done = subprocess.run(command, cwd=tmp_path / "proofs", capture_output=True, text=True, check=True)
        assert json.loads(done.stdout[done.stdout.index("{") : done.stdout.rindex("}") + 1])["contract"] == contract
    assert (tmp_path / "letter.pdf").read_bytes().startswith(b"%PDF-")


def test_the_pdf_keeps_the_reference_of_what_was_read(house: House, cora: TestClient, contract: str) -> None:
    shown = post(cora, LETTER, page=PATH, person="kim").text
    reference = shown.split('name="reference" value="')[1].split('"')[0]
    answer = post(cora, LETTER, page=PATH, person="kim", form="pdf", reference=reference)
    headers = (answer.headers["content-type"], answer.headers["content-disposition"], answer.headers["cache-control"])
    assert headers == ("application/pdf", f'attachment; filename="letter-{reference}.pdf"', "no-store")
    assert _written(house) == [("page", [contract], 2, "kim"), ("pdf", [contract], 2, "kim")]


def test_whom_nobody_holds_records_of_gets_a_letter_that_says_so(house: House, cora: TestClient, contract: str) -> None:
    shown = post(cora, LETTER, page=PATH, person="p-9").text
    assert ("Nobody received a record about you" in shown, "Recipients" in shown) == (True, False)
    assert post(cora, LETTER, page=PATH, person="p-9", form="pdf").content.startswith(b"%PDF-")


def test_a_day_to_come_is_no_day_of_a_request(house: House, cora: TestClient, contract: str) -> None:
    answer = post(cora, LETTER, page=PATH, person="kim", asked_on="2027-01-01")
    assert (answer.status_code, "not in the future" in answer.text, _written(house)) == (422, True, [])


def test_who_was_erased_is_answered_by_handle_all_the_same(house: House, cora: TestClient, contract: str) -> None:
    for key in ("f-1", "f-2"):
        post(cora, "/compliance/erasure", page=f"/compliance/erasure?dataset=feeds&key={key}", dataset="feeds", key=key, reason="Asked.")
    refresh(house.store, house.settings, "feeds")
    shown = post(cora, PATH, person="kim").text
    assert ("2 of 2" in shown, "found by a keyed hash" in shown) == (True, True)
    assert "Feeds for the lab" in post(cora, LETTER, page=PATH, person="kim").text


def test_only_compliance_writes_letters(house: House, mara: TestClient, contract: str) -> None:
    token = mara.get("/account").text.split('name="csrf" value="')[1][:64]
    assert (mara.post(LETTER, data={"csrf": token, "person": "kim"}).status_code, _written(house)) == (403, [])


def test_a_letter_about_one_record_lists_who_received_it(house: House, cora: TestClient, contract: str) -> None:
    found = "/compliance/erasure?dataset=feeds&key=f-1"
    assert "Answer whoever asked" in cora.get(found).text
    shown = post(cora, LETTER, page=found, dataset="feeds", key="f-1", to="Kim Ash", asked_on="2026-10-20").text
    for each in (
        "Who received the record f-1",
        "“Feeds”",
        "Kim Ash",
        "20 October 2026",
        "Feeds for the lab",
        "Delivered on",
        'name="key" value="f-1"',
    ):
        assert each in shown, each
    assert ("Records about you" in shown, 'name="person"' in shown) == (False, False)
    answer = post(cora, LETTER, page=PATH, dataset="feeds", key="f-1", form="zip")
    assert sorted(zipfile.ZipFile(io.BytesIO(answer.content)).namelist())[0] == "letter.pdf"
    assert _written(house) == [("page", [contract], 1, "f-1"), ("zip", [contract], 1, "f-1")]


def test_of_a_record_that_nobody_received_the_letter_says_so(house: House, cora: TestClient) -> None:
    shown = post(cora, LETTER, page=PATH, dataset="feeds", key="f-2").text
    assert ("Nobody received the record f-2" in shown, "Nobody received it" in shown) == (True, True)


def test_a_record_that_was_never_loaded_gets_no_letter(house: House, cora: TestClient, contract: str) -> None:
    for dataset, key in (("feeds", "f-99"), ("nothing", "f-1"), ("", "f-1")):
        answer = post(cora, LETTER, page=PATH, dataset=dataset, key=key)
        assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    assert _written(house) == []

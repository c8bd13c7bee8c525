"""Erasing a record through its page: look-up, holders, erasure, and what follows."""

from __future__ import annotations

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from contracts.deliveries.tables import ErasedRecord, ErasureNotice
from contracts.house import House
from contracts.ledger import queries
from contracts.store import epochs
from tests.contracts.deliveries.history import deliver
from tests.portal.house import post

PATH = "/compliance/erasure"
FOUND = f"{PATH}?dataset=feeds&key=f-2"


@pytest.fixture
def delivered(house: House) -> None:
    """Records 0 and 1 of feeds went to a contract."""
    deliver(house.store, "ctr_lab", "feeds", [0, 1, 2])


def _erased(house: House) -> list[tuple[str, str]]:
    with house.store.read() as session:
        return [(row.dataset, row.reason) for row in session.exec(select(ErasedRecord)).all()]


def test_a_record_is_looked_up_and_the_look_up_recorded(house: House, cora: TestClient, delivered: None) -> None:
    shown = cora.get(FOUND).text
    assert ("Who holds f-2" in shown, "ctr_lab" in shown, "1 contract gets a notice and a mail" in shown) == (True, True, True)
    with house.store.read() as session:
        row = next(each for each, _, _ in queries.unlisted(session) if each.event == "ledger.searched")
        values = {each.name: each.value for each in queries.entry(session, row.id).values}
    assert (row.dataset, values["search"]) == ("feeds", "f-2")


def test_an_erasure_excludes_tells_and_is_an_entry(house: House, cora: TestClient, delivered: None) -> None:
    answer = post(cora, PATH, page=FOUND, dataset="feeds", key="f-2", reason="Request of 1 November 2026.")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?done=erased")
    assert _erased(house) == [("feeds", "Request of 1 November 2026.")]
    with house.store.read() as session:
        notices = session.exec(select(ErasureNotice)).all()
        assert [(each.contract_id, each.count) for each in notices] == [("ctr_lab", 1)]
        assert [row.text for row in queries.about(session, notices[0].erasure_id)] == ["Record erased and its holders told"]
    with house.store.engine.connect() as connection:
        assert epochs.current(connection).erasures == 1
    shown = cora.get(f"{PATH}?done=erased").text
    assert ("stops leaving within 2 seconds" in shown, "1 contract told" in shown) == (True, True)


def test_an_erasure_needs_a_reason_and_keeps_the_page(house: House, cora: TestClient, delivered: None) -> None:
    answer = post(cora, PATH, page=FOUND, dataset="feeds", key="f-2", reason=" ")
    assert (answer.status_code, "Say why the record is erased" in answer.text, "Who holds f-2" in answer.text) == (422, True, True)
    assert _erased(house) == []


def test_a_record_is_erased_once(house: House, cora: TestClient) -> None:
    assert "No contract has to be told" in cora.get(FOUND).text
    page = cora.get(FOUND).text
    post(cora, PATH, page=FOUND, dataset="feeds", key="f-2", reason="Asked.")
    token = page.split('name="csrf" value="')[1][:64]
    again = cora.post(PATH, data={"csrf": token, "dataset": "feeds", "key": "f-2", "reason": "Asked again."})
    assert (again.status_code, "erased already" in again.text) == (409, True)
    assert "Erased already" in cora.get(FOUND).text


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("dataset=feeds&key=f-9", "No record of this id was ever loaded"),
        ("dataset=feeds&key=", "own id, as it stands in the source"),
        ("dataset=nothing&key=f-1", "Choose the dataset"),
    ],
)
def test_what_cannot_be_found_is_said_beside_its_field(house: House, cora: TestClient, query: str, message: str) -> None:
    answer = cora.get(f"{PATH}?{query}")
    assert (answer.status_code, message in answer.text) == (422, True)


def test_the_empty_form_asks_for_nothing(cora: TestClient) -> None:
    answer = cora.get(PATH)
    assert (answer.status_code, "None yet" in answer.text) == (200, True)


def test_only_compliance_erases(house: House, mara: TestClient, delivered: None) -> None:
    token = mara.get("/account").text.split('name="csrf" value="')[1][:64]
    answer = mara.post(PATH, data={"csrf": token, "dataset": "feeds", "key": "f-2", "reason": "No."})
    assert (answer.status_code, _erased(house)) == (403, [])

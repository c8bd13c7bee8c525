"""The three questions of compliance: a record, a person, and what a contract received."""

from __future__ import annotations

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from contracts.applications.tables import Application
from contracts.deliveries import fold
from contracts.house import House
from contracts.ids import new_id
from contracts.ledger import queries
from contracts.lifecycle.tables import Contract
from contracts.people.tables import Account
from tests.contracts.deliveries.history import deliver
from tests.portal.house import post

PATH = "/compliance/deliveries"


@pytest.fixture
def contract(house: House) -> str:
    """A contract of the lab, which received f-1 and f-2 twice, and then f-3."""
    with house.store.write() as unit:
        person = unit.session.exec(select(Account.id)).first() or ""
        application = Application(
            id=new_id("app"), organisation_id="org_lab", dataset="feeds", state="approved", created_by=person, created_at=unit.now
        )
        unit.session.add(application)
        unit.session.flush()
        made = Contract(
            id=new_id("ctr"),
            application_id=application.id,
            organisation_id="org_lab",
            title="Feeds for the lab",
            kind="research",
            state="active",
            drafted_by=person,
            approved_by=person,
            created_at=unit.now,
        )
        unit.session.add(made)
    for ordinals in ([0, 1], [0, 1], [2]):
        deliver(house.store, made.id, "feeds", ordinals)
    house.sequencer.integrate()
    fold.tick(house.store)
    return made.id


def _asked(house: House) -> list[tuple[list[str], str]]:
    """What was asked by which field, as the ledger has it."""
    with house.store.read() as session:
        rows = [row for row, _, _ in queries.unlisted(session) if row.event == "ledger.searched"]
        entries = [queries.entry(session, row.id) for row in rows]
    return [(each.facts["facts"]["fields"], next(v.value for v in each.values if v.name == "search")) for each in entries]


def test_what_a_contract_received_is_counted_by_dataset(house: House, cora: TestClient, contract: str) -> None:
    shown = cora.get(f"{PATH}?contract={contract}&since=2026-11-01&until=2026-11-02").text
    cells = [cell.split("</td>")[0] for cell in shown.split("<td")[1:6]]
    assert [cell.split(">")[-1] for cell in cells[:4]] == ["Feeds", "3", "5", "3"]
    assert shown.count("/compliance/entries/ent_") == 3
    assert _asked(house) == [(["deliveries"], f"{contract} 2026-11-01 2026-11-02")]
    assert "received nothing" in cora.get(f"{PATH}?contract={contract}&since=2026-10-01&until=2026-10-31").text


def test_who_holds_records_of_a_person_is_said_by_contract(house: House, cora: TestClient, contract: str) -> None:
    answer = post(cora, PATH, person="p-1")
    assert (answer.status_code, "2 of 2" in answer.text, "Feeds for the lab" in answer.text) == (200, True, True)
    assert ("dataset=feeds&amp;key=f-1" in answer.text, "dataset=feeds&amp;key=f-3" in answer.text) == (True, False)
    assert "Nobody received a record" not in answer.text
    assert "No dataset has a record of this person, and none" in post(cora, PATH, person="p-9").text
    assert sorted(_asked(house)) == [(["person"], "p-1"), (["person"], "p-9")]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("contract=ctr_none&since=2026-11-01&until=2026-11-02", "Choose the contract."),
        ("contract=ctr_none&since=&until=2026-11-02", "Write the day"),
        ("contract=ctr_none&since=2026-11-03&until=2026-11-02", "The last day lies before the first."),
    ],
)
def test_what_cannot_be_asked_is_said_beside_its_field(house: House, cora: TestClient, query: str, message: str) -> None:
    answer = cora.get(f"{PATH}?{query}")
    assert (answer.status_code, message in answer.text, _asked(house)) == (422, True, [])


def test_a_person_has_to_be_named(house: House, cora: TestClient) -> None:
    answer = post(cora, PATH, person=" ")
    assert (answer.status_code, "their own id, as it stands in the source" in answer.text, _asked(house)) == (422, True, [])


def test_only_compliance_asks(house: House, mara: TestClient, contract: str) -> None:
    token = mara.get("/account").text.split('name="csrf" value="')[1][:64]
    assert (mara.get(f"{PATH}?contract={contract}").status_code, mara.post(PATH, data={"csrf": token, "person": "p-1"}).status_code) == (
        403,
        403,
    )
    assert _asked(house) == []

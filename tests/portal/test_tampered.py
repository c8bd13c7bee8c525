"""Rows that someone edited in the database: pages stay readable for those who have to find out, and say what does not hold."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from contracts.house import House
from contracts.ledger.sequencer import Sequencer
from contracts.people.roles import Role
from tests.portal.house import add_person, post, sign_in
from tests.portal.scene import contract

LEAD, STEWARDS = "lead@lab.example", ("mara@agora.example", "jon@agora.example")
OFFERED = 'WHERE "index" = (SELECT "index" FROM ledger_search JOIN entry_kind ON entry_kind.id = kind WHERE event = \'contract.offered\')'
LEAVES = {
    "its bytes changed by a text function": f"UPDATE ledger_entry SET leaf = replace(leaf, 'contract.offered', 'contract.offereD') {OFFERED}",
    "no JSON": f"UPDATE ledger_entry SET leaf = x'ff00' {OFFERED}",
    "another JSON": f"UPDATE ledger_entry SET leaf = CAST('{{}}' AS BLOB) {OFFERED}",
}


@pytest.fixture
def house(house: House) -> House:
    """With a lead, two stewards, a compliance officer and a sequencer."""
    object.__setattr__(house, "sequencer", Sequencer(house.store, house.keys, house.settings.ledger_origin))
    add_person(house, LEAD, "Lee", Role.LEAD, Role.SIGNATORY, organisation="org_lab")
    for email in STEWARDS:
        add_person(house, email, email[:4], Role.STEWARD, organisation="org_agora", side="platform")
    add_person(house, "cora@agora.example", "Cora", Role.COMPLIANCE, organisation="org_agora", side="platform")
    return house


def edit(house: House, statement: str) -> None:
    with house.store.write() as unit:
        assert unit.connection.execute(text(statement)).rowcount > 0


def statuses(house: House, email: str, *paths: str) -> dict[str, int]:
    client = sign_in(house, email)
    return {path: client.get(path).status_code for path in paths}


@pytest.mark.parametrize("terms", ["garbage", "{}", ""])
def test_terms_that_nobody_can_read_close_no_page(house: House, terms: str) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    edit(house, f"UPDATE contract_version SET terms_json = '{terms}'")
    desk, own = f"/desk/contracts/{made.id}", f"/partner/contracts/{made.id}"
    pages = {
        LEAD: ("/partner", "/partner/contracts", own, f"{own}/usage", f"{own}/pdf"),
        STEWARDS[0]: ("/desk", "/desk/contracts", desk, "/licences"),
    }
    assert {path: status for email, paths in pages.items() for path, status in statuses(house, email, *paths).items()} == dict.fromkeys(
        [path for paths in pages.values() for path in paths], 200
    )
    assert "The seal is broken: no data leaves" in sign_in(house, STEWARDS[0]).get(desk).text
    assert statuses(house, LEAD, f"{own}/odrl.json") == {f"{own}/odrl.json": 503}


@pytest.mark.parametrize("how", LEAVES)
def test_an_entry_that_was_changed_is_shown_as_such(house: House, how: str) -> None:
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    house.sequencer.integrate()
    edit(house, LEAVES[how])
    with house.store.read() as session:
        entry = session.connection().execute(text(f"SELECT id FROM ledger_entry {OFFERED}")).scalar_one()
    paths = (f"/compliance/entries/{entry}", f"/compliance/entries/{entry}/proof", "/compliance", "/compliance?show=all")
    assert statuses(house, "cora@agora.example", *paths) == dict.fromkeys(paths, 200)
    own = ("/partner", f"/partner/contracts/{made.id}", f"/partner/entries/{entry}")
    assert statuses(house, LEAD, *own) == dict.fromkeys(own, 200)
    officer = sign_in(house, "cora@agora.example")
    assert "Not what was signed" in officer.get(paths[0]).text
    assert "bytes are not those that were signed" in post(officer, "/compliance/verify", page="/compliance").text


def test_missing_tiles_are_told_and_nothing_fails(house: House) -> None:
    contract(house, "offered", lead=LEAD, stewards=STEWARDS)
    house.sequencer.integrate()
    with house.store.read() as session:
        entry = session.connection().execute(text(f"SELECT id FROM ledger_entry {OFFERED}")).scalar_one()
    edit(house, "DELETE FROM ledger_tile")
    path = f"/compliance/entries/{entry}"
    assert statuses(house, "cora@agora.example", path, "/compliance") == {path: 503, "/compliance": 200}

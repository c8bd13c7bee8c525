"""A contract's whole life on one page: linked from where one looks for it, for stewards and compliance alone, and itself an entry."""

from __future__ import annotations

import re
from datetime import date, timedelta

from contracts.house import House
from contracts.ledger import queries
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, record
from contracts.people.roles import Role
from portal.pages.desk.whole_life import DAYS_DRAWN, Chart, drawn
from tests.portal.house import add_person, sign_in
from tests.portal.scene import contract

LEAD, STEWARDS = "ada@northfield.example", ("mara@agora.example", "jon@agora.example")
CORA = "cora@agora.example"


def in_force(house: House) -> str:
    """A contract in force that was read under once; everything is in the tree and in search."""
    add_person(house, LEAD, "Ada Okafor", Role.LEAD, organisation="org_northfield")
    for email, role in ((STEWARDS[0], Role.STEWARD), (STEWARDS[1], Role.STEWARD), (CORA, Role.COMPLIANCE)):
        add_person(house, email, email, role, organisation="org_agora", side="platform")
    made = contract(house, "active", lead=LEAD, stewards=STEWARDS)
    with house.store.write() as unit:
        named = {"organisation": made.organisation_id, "contract": made.id}
        record(unit, Entry(event="access.records", decision="allow", rows=7, **named))  # type: ignore[arg-type]  # of several types
    integrate(house)
    return made.id


def integrate(house: House) -> None:
    object.__setattr__(house, "sequencer", Sequencer(house.store, house.keys, house.settings.ledger_origin))
    while house.sequencer.integrate():
        pass


def looked(house: House) -> list[tuple[list[str], str, str]]:
    """Who looked at whose life, as the ledger has it: what it was asked by, the contract, and which contract the entry belongs to."""
    with house.store.read() as session:
        rows = [row for row, _, _ in queries.unlisted(session) if row.event == "ledger.searched"]
        seen = [queries.entry(session, row.id) for row in rows]
    return [
        (each.facts["facts"]["fields"], next(v.value or "" for v in each.values if v.name == "search"), each.row.contract_id)
        for each in seen
    ]


def test_the_life_begins_with_the_application_and_ends_with_the_last_access(house: House) -> None:
    made = in_force(house)
    shown = sign_in(house, CORA).get(f"/desk/contracts/{made}/life").text
    lines = ["Application begun", "Application submitted", "Application approved", "Contract drafted", "Signed by the partner"]
    lines += ["Countersigned and sealed; in force", "Requests answered"]
    at = [shown.find(each) for each in lines]
    assert (-1 in at, at == sorted(at), "1, with 7" in shown) == (False, True, True), at
    assert len(set(re.findall(r"/compliance/entries/ent_\w+", shown[shown.index("First records") :]))) == 1
    assert looked(house) == [(["life"], made, "")]


def test_it_is_linked_from_the_contract_its_chain_its_entries_and_the_search(house: House) -> None:
    made = in_force(house)
    officer, steward, link = sign_in(house, CORA), sign_in(house, STEWARDS[0]), f'href="/desk/contracts/{made}/life"'
    entry = re.findall(r"/compliance/entries/ent_\w+", officer.get(f"/compliance?contract={made}").text)[0]
    assert [steward.get(path).text.count(link) for path in (f"/desk/contracts/{made}", entry)] == [2, 2]
    assert [officer.get(f"/compliance?{query}").text.count(link) for query in (f"contract={made}", f"q={made}", "q=suspended")] == [1, 1, 0]


def test_a_steward_sees_it_without_links_into_the_search(house: House) -> None:
    made = in_force(house)
    shown = sign_in(house, STEWARDS[0]).get(f"/desk/contracts/{made}/life").text
    assert ("Requests answered" in shown, "/compliance?" in shown) == (True, False)


def test_a_partner_has_no_such_page(house: House) -> None:
    made = in_force(house)
    assert (sign_in(house, LEAD).get(f"/desk/contracts/{made}/life").status_code, looked(house)) == (403, [])


def test_many_days_are_drawn_by_month_and_one_not_at_all() -> None:
    first = date(2026, 11, 29)
    some = {first: 3, first + timedelta(days=2): 4}
    assert drawn({first: 3}).bars == []
    assert drawn(some) == Chart("records a day", "Day", [("29 Nov", 3), ("30 Nov", 0), ("1 Dec", 4)])
    many = some | {first + timedelta(days=DAYS_DRAWN): 5}
    assert drawn(many) == Chart("records a month", "Month", [("Nov 2026", 3), ("Dec 2026", 4), ("Jan 2027", 5)])

"""Entries by a personal value: exactly, by account, mail address and network; the value in no address, and gone once it is erased."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

from contracts.house import House
from contracts.ledger import queries
from contracts.ledger.erasing import erase
from contracts.ledger.stage import Entry, record
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.service import find_account
from tests.portal.compliance.conftest import integrate
from tests.portal.house import post

PATH, NETWORK = "/compliance/values", "203.0.113.0/24"


def account(house: House, email: str) -> str:
    with house.store.read() as session:
        found = find_account(session, email)
    assert found is not None
    return found.id


def written(house: House) -> list[str]:
    """An entry by a lead, one from a network, and one of neither."""
    lead = account(house, "tove@lab.example")
    each = ({"account": lead, "network": "198.51.100.0/24"}, {"network": NETWORK}, {"network": "192.0.2.0/24"})
    ids = []
    for personal in each:
        with house.store.write() as unit:
            ids.append(record(unit, Entry(event="access.records", decision="allow", rows=3, organisation="org_lab", personal=personal)))
    integrate(house)
    return ids


def found(house: House, client: TestClient, value: str) -> tuple[str, str]:
    """Search for a value from the ledger's first page: the address that answers, and its page."""
    answer = post(client, PATH, page="/compliance?show=all", value=value)
    assert answer.status_code == 303, answer.text
    path = answer.headers["location"]
    shown = client.get(path)
    assert shown.status_code == 200
    return path, shown.text


def listed(page: str, ids: list[str]) -> list[int]:
    return [place for place, each in enumerate(ids) if f"/compliance/entries/{each}" in page]


def test_a_value_is_found_exactly_and_by_what_stands_for_it(house: House, cora: TestClient) -> None:
    ids = written(house)
    values = (account(house, "tove@lab.example"), "Tove@lab.example ", NETWORK, "203.0.113.77", "203.0.113", "nobody@lab.example")
    assert [listed(found(house, cora, each)[1], ids) for each in values] == [[0], [0], [1], [1], [], []]


def test_the_value_stands_in_no_address_and_each_search_and_look_is_an_entry(house: House, cora: TestClient) -> None:
    written(house)
    path, page = found(house, cora, NETWORK)
    assert re.fullmatch(r"/compliance/values/ent_[0-9A-Z]+", path)
    assert [each for each in re.findall(r'(?:href|action)="([^"]*)"', page) if "203.0" in each] == []
    with house.store.read() as session:
        fresh = [queries.entry(session, each.columns.id) for each in queries.unlisted(session)]
    told = [(each.row.event, each.row.subject, next((v.value for v in each.values if v.name == "search"), None)) for each in fresh]
    assert told[:2] == [("ledger.viewed", path.rpartition("/")[2], None), ("ledger.searched", "", NETWORK)]
    assert NETWORK.encode() not in fresh[1].leaf


def test_a_colleague_opens_the_search_by_its_address(house: House, cora: TestClient, mara: TestClient) -> None:
    ids = written(house)
    path, _ = found(house, cora, NETWORK)
    assert (listed(cora.get(path).text, ids), mara.get(path).status_code) == ([1], 403)


def test_once_the_value_is_erased_the_search_says_so_and_finds_nothing(house: House, cora: TestClient) -> None:
    ids = written(house)
    path, _ = found(house, cora, NETWORK)
    officer = Actor(
        account(house, "cora@agora.example"),
        "org_agora",
        "Cora",
        "cora@agora.example",
        frozenset({Role.COMPLIANCE}),
        second_factor_at=house.clock.now(),
    )
    erase(house.store, officer, NETWORK, "Asked for.")
    page = cora.get(path).text
    assert ("was erased since" in page, NETWORK in page, listed(page, ids)) == (True, False, [])


def test_another_entry_is_no_search_and_nothing_is_asked_for(house: House, cora: TestClient) -> None:
    ids = written(house)
    assert [cora.get(f"{PATH}/{each}").status_code for each in (ids[0], "ent_none")] == [404, 404]
    empty = post(cora, PATH, page="/compliance", value=" ")
    assert (empty.status_code, "Write the value whole" in empty.text) == (422, True)

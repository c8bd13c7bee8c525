"""Programs that people let read for them: made on the contract's page, with what they run to sign in."""

from __future__ import annotations

import re

import pytest
from sqlmodel import select

from contracts.credentials.tables import Client
from contracts.house import House
from contracts.people.roles import Role
from tests.portal.house import add_person, post, sign_in
from tests.portal.scene import contract

LEAD, FIRST, SECOND = "ada@northfield.example", "mara@agora.example", "jon@agora.example"


@pytest.fixture(autouse=True)
def people(house: House) -> None:
    add_person(house, LEAD, "Ada Okafor", Role.LEAD, organisation="org_northfield")
    for email, name in ((FIRST, "Mara Lindqvist"), (SECOND, "Jon Petrov")):
        add_person(house, email, name, Role.STEWARD, organisation="org_agora", side="platform")


def made(house: House) -> Client:
    with house.store.read() as session:
        return session.exec(select(Client)).one()


def test_a_program_on_peoples_own_machines_has_no_secret_but_a_command(house: House) -> None:
    path = f"/partner/contracts/{contract(house, 'active', lead=LEAD, stewards=(FIRST, SECOND)).id}"
    browser = sign_in(house, LEAD)
    shown = post(browser, f"{path}/clients", page=path, name="desk", audience="api", who="people", redirect_uris="")
    client = made(house)
    assert (shown.status_code, "licet_cs_" in shown.text) == (200, False)
    assert f"licet login {house.settings.base_url} --client {client.id}" in shown.text
    assert (client.auth_method, client.redirect_uris) == ("none", ["http://127.0.0.1/licet"])
    page = browser.get(f"{path}/clients/{client.id}").text
    assert "licet pull posts --out posts.ndjson" in page and "Create new secret" not in page
    assert "OAuth client for people" in browser.get(path).text


def test_a_program_on_a_server_has_a_secret_and_its_own_addresses(house: House) -> None:
    path = f"/partner/contracts/{contract(house, 'active', lead=LEAD, stewards=(FIRST, SECOND)).id}"
    browser = sign_in(house, LEAD)
    wrong = post(
        browser, f"{path}/clients", page=path, name="site", audience="api", who="people-server", redirect_uris="http://tool.example/"
    )
    assert (wrong.status_code, "http://tool.example/: The address is https" in wrong.text) == (422, True)
    addresses = "https://tool.example/back\r\nhttp://127.0.0.1/back"
    shown = post(browser, f"{path}/clients", page=path, name="site", audience="api", who="people-server", redirect_uris=addresses)
    client = made(house)
    secret = re.search(r"licet_cs_\w+", shown.text)
    assert secret is not None and secret.group() not in client.model_dump_json()
    assert f"{house.settings.base_url.rstrip('/')}/oauth/authorize" in shown.text
    assert (client.auth_method, client.redirect_uris) == ("client_secret", ["https://tool.example/back", "http://127.0.0.1/back"])
    rotated = post(browser, f"{path}/clients/{client.id}/rotate", page=f"{path}/clients/{client.id}", overlap="0")
    assert re.search(r"licet_cs_\w+", rotated.text)


def test_a_contract_that_names_its_users_offers_programs_for_people_only(house: House) -> None:
    path = f"/partner/contracts/{contract(house, 'active', lead=LEAD, stewards=(FIRST, SECOND), named_users=True).id}"
    browser = sign_in(house, LEAD)
    page = browser.get(path).text
    assert "Records are read for people who sign in by name" in page
    assert re.findall(r'name="who" value="([a-z-]+)"( checked)?', page) == [("people", " checked"), ("people-server", "")]
    refused = post(browser, f"{path}/clients", page=path, name="nightly", audience="api", who="program")
    assert (refused.status_code, "The contract names its users" in refused.text) == (422, True)

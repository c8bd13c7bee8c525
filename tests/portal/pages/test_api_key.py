"""API keys on pages: chosen on the contract, shown once beside a command, held to bounds, told of where they work no more."""

from __future__ import annotations

import html
import re

import pytest
from sqlmodel import select

from contracts.credentials.tables import Client
from contracts.house import House
from contracts.people.roles import Role
from tests.portal.house import add_person, post, sign_in
from tests.portal.pages.test_partner import LEAD, STEWARDS
from tests.portal.scene import contract

SECRET = re.compile(r"licet_ak_\w{49}")


@pytest.fixture(autouse=True)
def people(house: House) -> None:
    """A partner's lead and two stewards."""
    add_person(house, LEAD, "Ada Okafor", Role.LEAD, Role.SIGNATORY, organisation="org_northfield")
    for email, name in zip(STEWARDS, ("Mara Lindqvist", "Jon Steward"), strict=True):
        add_person(house, email, name, Role.STEWARD, organisation="org_agora", side="platform")


@pytest.fixture
def page(house: House) -> str:
    """The page of a contract in force."""
    return f"/partner/contracts/{contract(house, 'active', lead=LEAD, stewards=STEWARDS).id}"


def _key(house: House) -> Client:
    with house.store.read() as session:
        return session.exec(select(Client)).one()


def test_a_key_is_made_and_shown_once_with_a_command_that_uses_it(house: House, page: str) -> None:
    browser = sign_in(house, LEAD)
    offered = browser.get(page).text
    assert all(each in offered for each in ("OAuth client", "API key", "Read the contract, its usage and its access log"))
    shown = post(browser, f"{page}/clients", page=page, name="spreadsheet", audience="api", who="key", scopes="records:read")
    secret, key = SECRET.search(shown.text), _key(house)
    assert shown.status_code == 200 and secret is not None
    assert (key.kind, key.scopes, key.id[:4]) == ("api_key", ["records:read"], "key_")
    command = f'curl -sS -H "Authorization: Bearer {secret.group()}" "{house.settings.base_url}/v1/datasets/posts/records?'
    assert command in html.unescape(shown.text)
    told = browser.get(f"{page}/clients/{key.id}").text
    assert ("API key" in told, "New secret" in told, secret.group() in told) == (True, True, False)
    renewed = post(browser, f"{page}/clients/{key.id}/rotate", page=f"{page}/clients/{key.id}", overlap="1")
    assert SECRET.search(renewed.text) is not None and "The old secret works until" in renewed.text


def test_a_key_for_the_contract_alone_gets_a_command_for_it(house: House, page: str) -> None:
    shown = post(sign_in(house, LEAD), f"{page}/clients", page=page, name="board", audience="api", who="key", scopes="contract:read")
    assert (_key(house).scopes, '/v1/contract"' in html.unescape(shown.text)) == (["contract:read"], True)


@pytest.mark.parametrize("wanted", [{"scopes": "everything"}, {"scopes": "site:fetch"}, {"datasets": "pictures"}])
def test_what_is_not_offered_is_not_taken(house: House, page: str, wanted: dict[str, str]) -> None:
    answer = post(sign_in(house, LEAD), f"{page}/clients", page=page, name="board", audience="api", who="key", **wanted)
    with house.store.read() as session:
        assert (answer.status_code, session.exec(select(Client)).all()) == (422, [])


def test_staff_see_what_a_credential_is_held_to_and_end_it(house: House, page: str) -> None:
    bounds = {"networks": "192.0.2.0/24", "last_day": "2026-12-31"}
    post(sign_in(house, LEAD), f"{page}/clients", page=page, name="spreadsheet", audience="api", who="key", **bounds)
    desk, key = page.replace("/partner/", "/desk/"), _key(house)
    steward = sign_in(house, STEWARDS[0])
    shown = " ".join(steward.get(desk).text.split())
    assert all(each in shown for each in ("spreadsheet", "API key", "records:read", "192.0.2.0/24", "until 31 Dec 2026"))
    post(steward, f"{desk}/clients/{key.id}/revoke", page=desk)
    assert _key(house).revoked_at is not None

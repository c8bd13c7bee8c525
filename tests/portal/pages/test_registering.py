"""Tokens with which programs register themselves: made on a page, shown once beside a command, listed with their programs, ended."""

from __future__ import annotations

import html
import json
import re
import shlex
from typing import Any

import httpx
import pytest
from sqlmodel import select

from contracts.credentials.metadata import Metadata, read_metadata
from contracts.credentials.registration import opening, register
from contracts.credentials.service import terms_of
from contracts.credentials.tables import Client, RegistrationToken
from contracts.house import House
from contracts.lifecycle.tables import Contract
from contracts.people.roles import Role
from portal import cookies
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.portal.house import add_person, portal, post, sign_in
from tests.portal.pages.test_partner import LEAD, RIVAL, STEWARDS
from tests.portal.scene import contract

DEVELOPER, READER = "dev@northfield.example", "ron@northfield.example"
SECRET = re.compile(r"licet_ia_\w{49}")
ALONE = {"client_name": "nightly-pull", "grant_types": ["client_credentials"]}
PEOPLE = {"client_name": "desk-tool", "redirect_uris": ["http://127.0.0.1/back"], "token_endpoint_auth_method": "none"}


@pytest.fixture(autouse=True)
def people(house: House) -> None:
    """Two partners' leads, a developer, a reader, and two stewards."""
    add_person(house, LEAD, "Ada Okafor", Role.LEAD, Role.SIGNATORY, organisation="org_northfield")
    add_person(house, DEVELOPER, "Dan Developer", Role.DEVELOPER, organisation="org_northfield")
    add_person(house, READER, "Ron Reader", Role.READER, organisation="org_northfield")
    add_person(house, RIVAL, "Rita Rival", Role.LEAD, organisation="org_rival")
    for email, name in zip(STEWARDS, ("Mara Lindqvist", "Jon Steward"), strict=True):
        add_person(house, email, name, Role.STEWARD, organisation="org_agora", side="platform")


def list_page(house: House, state: str = "active", *, named_users: bool = False) -> str:
    """The page of the tokens of a contract."""
    return f"/partner/contracts/{contract(house, state, lead=LEAD, stewards=STEWARDS, named_users=named_users).id}/registration"


def one(house: House) -> RegistrationToken:
    with house.store.read() as session:
        return session.exec(select(RegistrationToken)).one()


def shown_secret(answer: httpx.Response) -> str:
    found = SECRET.search(answer.text)
    assert answer.status_code == 200 and found is not None, answer.text
    return found.group()


def registers(house: House, token: str, document: Any = ALONE) -> Client:
    """A program that registered with the token."""
    with house.store.write() as unit:
        row = opening(unit, token)
        assert row is not None
        made = register(unit, row, document, "")
        assert isinstance(made, tuple)
        return made[0]


def words(text: str) -> str:
    return " ".join(html.unescape(text).split())


@pytest.mark.parametrize("who", [LEAD, DEVELOPER])
def test_a_token_is_made_shown_once_listed_with_its_programs_and_ended(house: House, who: str) -> None:
    path, browser = list_page(house), sign_in(house, who)
    assert f'<a href="{path}">Let programs register themselves</a>' in browser.get(path.removesuffix("/registration")).text
    assert "None yet. Nobody registers" in browser.get(path).text
    secret, row = shown_secret(post(browser, path, uses="2", days="3")), one(house)
    assert (row.uses_left, (row.expires_at - row.created_at).days) == (2, 3)
    client = registers(house, secret)
    listed = words(browser.get(path).text)
    assert all(each in listed for each in ("Open", "nightly-pull", f"/clients/{client.id}", '<td class="num">1</td>'))
    assert secret not in listed
    assert post(browser, f"{path}/{row.id}/end", page=path).headers["location"] == f"{path}?done=registration-closed"
    listed = words(browser.get(path).text)
    assert ("Ended" in listed, f"{row.id}/end" in listed, "nightly-pull" in listed) == (True, False, True)
    with house.store.write() as unit:
        assert opening(unit, secret) is None
        assert unit.session.get_one(Client, client.id).revoked_at is None, "a program that registered stays"


@pytest.mark.parametrize(("named_users", "document"), [(False, ALONE), (True, PEOPLE)])
def test_the_command_beside_the_token_is_a_registration_that_the_contract_takes(house: House, named_users: bool, document: Any) -> None:
    path = list_page(house, named_users=named_users)
    answer = post(sign_in(house, LEAD), path, uses="1", days="7")
    found, secret = re.search(r'<pre id="curl"[^>]*>(.*?)</pre>', answer.text, re.DOTALL), shown_secret(answer)
    assert found is not None
    curl, s, h1, bearer, h2, kind, d, body, address = shlex.split(html.unescape(found.group(1)).replace("\\\n", " "))
    assert (curl, s, h1, bearer, h2, kind) == (
        "curl",
        "-sS",
        "-H",
        f"Authorization: Bearer {secret}",
        "-H",
        "Content-Type: application/json",
    )
    assert (d, json.loads(body), address) == ("-d", document, f"{house.settings.base_url}/oauth/register")
    with house.store.read() as session:
        terms = terms_of(session, session.get_one(Contract, one(house).contract_id))
    assert terms is not None and isinstance(read_metadata(json.loads(body), terms), Metadata)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"uses": "0", "days": "7"}, {"uses": "from 1 to 20"}),
        ({"uses": "21", "days": "7"}, {"uses": "from 1 to 20"}),
        ({"uses": "1", "days": "31"}, {"days": "from 1 to 30"}),
        ({"uses": "", "days": ""}, {"uses": "from 1 to 20", "days": "from 1 to 30"}),
        ({"uses": "two", "days": "7"}, {"uses": "Write a whole number"}),
    ],
)
def test_numbers_out_of_bounds_come_back_beside_their_fields(house: House, typed: dict[str, str], told: dict[str, str]) -> None:
    path = list_page(house)
    answer = post(sign_in(house, LEAD), path, **typed)
    errors = dict(re.findall(r'<p class="error" id="e-(\w+)">.*?</svg>(.*?)</p>', answer.text, re.DOTALL))
    assert answer.status_code == 422 and errors.keys() == told.keys()
    assert all(text in errors[name] for name, text in told.items())


def test_the_bounds_themselves_are_taken(house: House) -> None:
    path = list_page(house)
    shown_secret(post(sign_in(house, LEAD), path, uses="20", days="30"))
    assert one(house).uses_left == 20


def test_used_up_tokens_say_so_and_cannot_be_ended(house: House) -> None:
    path, browser = list_page(house), sign_in(house, LEAD)
    registers(house, shown_secret(post(browser, path, uses="1", days="7")))
    listed = browser.get(path).text
    assert ("Used up" in listed, f"{one(house).id}/end" in listed) == (True, False)


def test_a_contract_that_is_not_in_force_gives_no_token(house: House) -> None:
    path, browser = list_page(house, "suspended"), sign_in(house, LEAD)
    shown = browser.get(path)
    assert (shown.status_code, "Make token" in shown.text) == (200, False)
    refused = post(browser, path, page="/account", uses="1", days="7")
    assert (refused.status_code, "Programs register under an active contract" in refused.text) == (403, True)


def test_readers_are_refused_and_others_find_nothing(house: House) -> None:
    path = list_page(house)
    post(sign_in(house, LEAD), path, uses="1", days="7")
    reader, rival = sign_in(house, READER), sign_in(house, RIVAL)
    assert path not in reader.get(path.removesuffix("/registration")).text
    for person, status in ((reader, 403), (rival, 404)):
        assert person.get(path).status_code == status
        assert post(person, path, page="/account", uses="1", days="7").status_code == status
        assert post(person, f"{path}/{one(house).id}/end", page="/account").status_code == status
    assert one(house).revoked_at is None


def test_a_token_is_not_ended_by_the_address_of_another_contract(house: House) -> None:
    path, browser = list_page(house), sign_in(house, LEAD)
    post(browser, path, uses="1", days="7")
    other = list_page(house)
    assert post(browser, f"{other}/{one(house).id}/end", page=other).status_code == 404
    assert one(house).revoked_at is None


@pytest.mark.browser
def test_how_the_pages_look_and_read(house: House) -> None:
    path = list_page(house)
    session = sign_in(house, LEAD).cookies.get(cookies.SESSION) or ""
    with serving(portal(house)) as port, chromium() as browser:
        page = visitor(browser, f"http://127.0.0.1:{port}").new_page()
        page.context.add_cookies([{"name": cookies.SESSION, "value": session, "url": f"http://127.0.0.1:{port}"}])
        page.goto(path.removesuffix("/registration"))
        page.get_by_role("link", name="Let programs register themselves").click()
        page.get_by_label("How many programs may register with it").fill("21")
        page.get_by_role("button", name="Make token").click()
        look(page, "registration with too many programs")
        page.get_by_label("How many programs may register with it").fill("2")
        page.get_by_role("button", name="Make token").click()
        look(page, "registration token shown once")
        registers(house, shown_secret(post(sign_in(house, LEAD), path, uses="1", days="7")))
        page.get_by_role("link", name="back to the list").click()
        look(page, "registration tokens of a contract")
        page.get_by_role("button", name="End iat_").first.click()
        page.wait_for_url(f"**{path}?done=registration-closed")

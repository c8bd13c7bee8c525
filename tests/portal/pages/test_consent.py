"""The page on which a person lets a program read for them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from starlette.testclient import TestClient

from contracts.credentials import authorizations
from contracts.credentials.authorizations import Asked
from contracts.credentials.tables import Client
from contracts.house import House
from contracts.ids import is_well_formed_secret, new_id
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.pages.account.consent import REFUSED
from tests.contracts.credentials.sealed import contract_in_force
from tests.contracts.people.people import person
from tests.portal.house import add_person, browser, post, sign_in

DETAILS = ({"type": "dataset-access", "dataset": "posts", "fields": ["id"], "actions": ["read"], "purpose": "research"},)
BACK = "http://127.0.0.1:49152/back"


@pytest.fixture
def asked(house: House) -> str:
    """The path of a request of a program to the people of Northfield."""
    account = add_person(house, "ada@northfield.example", "Ada Moss", Role.LEAD, organisation="org_northfield")
    lead = Actor(account, "org_northfield", "Ada Moss", "ada@northfield.example", frozenset({Role.LEAD}))
    contract = contract_in_force(house.store, lead, person(house.store, "sam@agora.example", Role.STEWARD))
    with house.store.write() as unit:
        client = Client(
            id=new_id("cli"),
            contract_id=contract.id,
            organisation_id=lead.organisation_id,
            name="Reader <b>",
            audience="api",
            scopes=["records:read"],
            secret_sha256="",
            auth_method="none",
            grant_types=["authorization_code"],
            redirect_uris=["http://127.0.0.1/back"],
            created_by=account,
            created_at=unit.now,
        )
        unit.session.add(client)
        unit.session.flush()
        values = Asked(client.id, contract.id, lead.organisation_id, BACK, "s 1", "records:read", "c" * 43, details=DETAILS)
        return f"/consent/{authorizations.begin(unit, values).id}"


def _answer(response: Any) -> dict[str, str]:
    assert response.status_code == 303
    assert response.headers["location"].startswith(BACK + "?")
    return dict(parse_qsl(urlsplit(response.headers["location"]).query))


def test_the_page_says_who_asks_and_what_the_contract_allows(house: House, asked: str) -> None:
    shown = sign_in(house, "ada@northfield.example").get(asked)
    assert shown.status_code == 200
    assert "Of the dataset “Public posts” only these fields: id. For this purpose alone: Research in the public interest." in shown.text
    for words in ("Reader &lt;b&gt; asks to read for you", "A study of topics", "these fields may be read: id, text", BACK):
        assert words in shown.text
    assert f"form-action 'self' {BACK.removesuffix('/back')};" in shown.headers["content-security-policy"]


def test_allowing_gives_the_program_a_code(house: House, asked: str) -> None:
    client = sign_in(house, "ada@northfield.example")
    response = post(client, asked, answer="allow")
    said = _answer(response)
    assert said == {"code": said["code"], "state": "s 1", "iss": house.settings.base_url.rstrip("/")}
    assert is_well_formed_secret(said["code"]) and response.headers["referrer-policy"] == "no-referrer"
    assert client.get(asked).status_code == 409


def test_refusing_is_told_to_the_program(house: House, asked: str) -> None:
    client = sign_in(house, "ada@northfield.example")
    assert _answer(post(client, asked, answer="deny")) == {
        "error": "access_denied",
        "error_description": "The person did not allow it.",
        "state": "s 1",
        "iss": house.settings.base_url.rstrip("/"),
    }


def test_nobody_answers_without_signing_in_a_form_of_their_own_or_a_choice(house: House, asked: str) -> None:
    assert browser(house).get(asked).headers["location"].startswith("/sign-in?next=%2Fconsent%2F")
    client = sign_in(house, "ada@northfield.example")
    assert client.post(asked, data={"answer": "allow"}).status_code == 403
    assert post(client, asked, answer="perhaps").status_code == 400
    assert client.get(asked).status_code == 200


@pytest.mark.parametrize(("organisation", "role", "status"), [("org_south", Role.LEAD, 404), ("org_northfield", Role.BILLING, 403)])
def test_others_may_not_answer(house: House, asked: str, organisation: str, role: Role, status: int) -> None:
    add_person(house, "eve@south.example", "Eve", role, organisation=organisation)
    client: TestClient = sign_in(house, "eve@south.example")
    assert client.get(asked).status_code == status
    assert post(client, asked, page="/account", answer="allow").status_code in (status, 403)


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_a_request_that_goes_nowhere_is_explained_to_the_person(house: House, code: str) -> None:
    shown = browser(house).get(f"/consent/refused/{code}")
    assert (shown.status_code, REFUSED[code][:40] in shown.text.replace("&#39;", "'")) == (
        429 if code == "too_many_requests" else 400,
        True,
    )


def test_only_refusals_of_programs_are_explained_there(house: House) -> None:
    for other in ("seal_broken", "nothing", "<b>"):
        assert browser(house).get(f"/consent/refused/{other}").status_code == 404

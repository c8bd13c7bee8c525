"""The sandbox's pages: from a dataset to a credential in few steps, and what an application asks later."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from sqlmodel import select

from contracts.house import House
from contracts.people.queries import find_account
from contracts.people.roles import Role
from contracts.people.tables import Membership, Organisation
from contracts.sandbox.tables import SandboxClient
from tests.portal.house import PASSWORD, add_person, browser, link_in, mails, post, settings, sign_in, small_house

SECRET = re.compile(r"licet_sb_\w+")
TRIES = "/sign-up?next=%2Fpartner%2Fsandbox%3Fdataset%3Dposts"
NEW = {"name": "Ingrid Sandvik", "email": "ingrid@fjord.example", "password": "four quiet harbour lights", "organisation_name": "Fjord"}


@pytest.fixture
def lead(house: House) -> Any:
    add_person(house, "ada@northfield.example", "Ada", Role.LEAD, organisation="org_north")
    return sign_in(house, "ada@northfield.example")


def clients(house: House) -> list[SandboxClient]:
    with house.store.read() as session:
        return list(session.exec(select(SandboxClient)).all())


def organisation(house: House, email: str) -> Organisation:
    with house.store.read() as session:
        account = find_account(session, email)
        assert account is not None
        home = session.exec(select(Membership.organisation_id).where(Membership.account_id == account.id)).first()
        return session.get_one(Organisation, home)


def test_every_dataset_has_a_button_that_leads_each_visitor_there(house: House, lead: Any) -> None:
    add_person(house, "sam@agora.example", "Sam", Role.STEWARD, organisation="org_agora", side="platform")
    ways = {"": TRIES, "lead": "/partner/sandbox?dataset=posts"}
    for who, visitor in (("", browser(house)), ("lead", lead)):
        for path in ("/datasets", "/datasets/posts"):
            assert ways[who].replace("&", "&amp;") in visitor.get(path).text, (who, path)
    staff = sign_in(house, "sam@agora.example")
    assert [path for path in ("/datasets", "/datasets/posts") if "sandbox" in staff.get(path).text] == []


def test_a_newcomer_is_asked_for_four_things_and_lands_in_the_sandbox(house: House) -> None:
    visitor = browser(house)
    form = visitor.get(TRIES).text
    assert re.findall(r'<(?:input|select)[^>]* name="(\w+)"', form) == ["csrf", "next", "name", "email", "password", "organisation_name"]
    assert "try <b>Public posts</b> with invented rows" in form
    answer = post(visitor, "/sign-up", page=TRIES, next=unquote(TRIES.partition("next=")[2]), **NEW)
    assert (answer.status_code, "Look into your mail" in answer.text) == (200, True)
    confirmed = post(visitor, link_in(mails(house, NEW["email"])[0]), password=NEW["password"])
    assert (confirmed.status_code, confirmed.headers["location"]) == (303, "/partner/sandbox?dataset=posts")
    page = visitor.get(confirmed.headers["location"]).text
    assert "Create sandbox credential" in page and "a command that reads Public posts" in page
    home = organisation(house, NEW["email"])
    assert (home.name, home.kind, home.country) == ("Fjord", "", "")


def test_elsewhere_signing_up_asks_for_everything_as_before(house: House) -> None:
    visitor = browser(house)
    for path in ("/apply", "/partner/sandboxes", "/partner/contracts?x=/partner/sandbox", ""):
        answer = post(visitor, "/sign-up", next=path, **NEW)
        assert (answer.status_code, "Choose what kind of organisation it is." in answer.text) == (422, True), path


def test_an_application_asks_first_what_the_sandbox_did_not(house: House, lead: Any) -> None:
    with house.store.write() as unit:
        home = unit.lock(Organisation, "org_north")
        home.kind = home.country = ""
    sent = post(lead, "/apply", dataset="posts")
    assert (sent.status_code, sent.headers["location"]) == (303, "/partner/organisation?next=%2Fapply%3Fdataset%3Dposts")
    asked = lead.get(sent.headers["location"]).text
    assert "Two things about org_north" in asked and 'value="/apply?dataset=posts"' in asked
    wrong = post(lead, "/partner/organisation", next="/apply?dataset=posts", organisation_kind="club", country="")
    assert (wrong.status_code, "Choose the country" in wrong.text) == (422, True)
    right = post(lead, "/partner/organisation", next="/apply?dataset=posts", organisation_kind="company", country="se")
    assert (right.status_code, right.headers["location"]) == (303, "/apply?dataset=posts")
    home = organisation(house, "ada@northfield.example")
    assert (home.kind, home.country) == ("company", "SE")
    assert post(lead, "/apply", dataset="posts").headers["location"].startswith("/partner/applications/app_")
    again = post(lead, "/partner/organisation", page="/partner/sandbox", organisation_kind="university", country="DE")
    assert again.status_code == 409 and organisation(house, "ada@northfield.example").kind == "company"


def test_the_secret_is_shown_once_beside_a_command_for_the_dataset(house: House, lead: Any) -> None:
    shown = post(lead, "/partner/sandbox", name="First try", dataset="posts")
    (client,) = clients(house)
    (secret,) = set(SECRET.findall(shown.text))
    assert (shown.status_code, shown.headers["cache-control"], client.name) == (200, "no-store", "First try")
    assert f"{client.id}:{secret}" in shown.text and "/v1/datasets/posts/records?fields=id,author_id," in shown.text
    listed = lead.get("/partner/sandbox").text
    assert (SECRET.findall(listed), client.id in listed) == ([], True)


def test_a_new_secret_and_the_end_of_a_credential(house: House, lead: Any) -> None:
    first = SECRET.findall(post(lead, "/partner/sandbox", name="First try", dataset="adverts").text)[0]
    (client,) = clients(house)
    renewed = post(lead, f"/partner/sandbox/{client.id}/renew", page="/partner/sandbox")
    assert SECRET.findall(renewed.text)[0] != first and "The old secret has ended." in renewed.text
    ended = post(lead, f"/partner/sandbox/{client.id}/revoke", page="/partner/sandbox")
    assert ended.headers["location"] == "/partner/sandbox?done=sandbox-revoked"
    assert "Revoked" in lead.get("/partner/sandbox").text and clients(house)[0].revoked_at is not None


def test_names_numbers_and_roles_are_said_on_the_page(house: House, lead: Any) -> None:
    nameless = post(lead, "/partner/sandbox", name=" ", dataset="posts")
    assert (nameless.status_code, "Give the credential a name" in nameless.text) == (422, True)
    for number in range(5):
        assert post(lead, "/partner/sandbox", name=f"Try {number}", dataset="posts").status_code == 200
    assert "has all of its sandbox credentials" in lead.get("/partner/sandbox").text
    add_person(house, "rob@northfield.example", "Rob", Role.READER, organisation="org_north")
    reader = sign_in(house, "rob@northfield.example").get("/partner/sandbox").text
    assert "Leads and developers make sandbox credentials" in reader and "New secret" not in reader


def test_where_no_dataset_is_described_the_page_says_so(house: House) -> None:
    bare = small_house(house.store, house.clock, settings(datasets={}))
    add_person(bare, "ada@northfield.example", "Ada", Role.LEAD, organisation="org_north")
    assert PASSWORD and "Nothing to try yet" in sign_in(bare, "ada@northfield.example").get("/partner/sandbox").text

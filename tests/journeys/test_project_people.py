"""An applicant with two members and a document, in a real browser: named, confirmed, looked at, admitted, accepted, taken off.

On the way every page of it is looked at wide and narrow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from contracts.applications import service as applications
from contracts.applications.tables import Application
from contracts.clock import FixedClock
from contracts.credentials import authorizations
from contracts.credentials import service as credentials
from contracts.credentials.authorizations import Asked
from contracts.credentials.decide import ForPeople
from contracts.house import House
from contracts.lifecycle.tables import Contract
from contracts.members.tell import ask_acceptance
from contracts.people import service as people
from contracts.people.roles import Role
from contracts.people.tables import Account
from contracts.store.unit import Store
from portal import cookies
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.harness.documents import PDF
from tests.journeys.steps import follow, press
from tests.portal.house import PASSWORD, add_person, mails, portal, settings, small_house
from tests.portal.scene import actor, begun, contract

pytestmark = pytest.mark.browser

ADA, BEA, RHEA = "ada@fjord.example", "bea@fjord.example", "rhea@post.example"
SAM, TESS = "sam@agora.example", "tess@agora.example"


@pytest.fixture
def house(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> House:
    """A university with a lead and a reader, and two stewards."""
    made = small_house(sqlite_store, clock, settings(home=tmp_path / "home"))
    add_person(made, ADA, "Ada Okafor", Role.LEAD, Role.SIGNATORY, organisation="Fjord University")
    add_person(made, BEA, "Bea Lind", Role.READER, organisation="Fjord University")
    for email, name in ((SAM, "Sam Rossi"), (TESS, "Tess Brandt")):
        add_person(made, email, name, Role.STEWARD, organisation="org_platform", side="platform")
    return made


@pytest.fixture
def base_url(house: House) -> Iterator[str]:
    with serving(portal(house)) as port:
        yield f"http://127.0.0.1:{port}"


def _signed_in(house: House, browser: Browser, base_url: str, email: str) -> Page:
    with house.store.write("test") as unit:
        account = people.find_account(unit.session, email)
        assert isinstance(account, Account)
        token = people.open_session(unit, account.id, "127.0.0.0/24", browser="Firefox, Linux", second_factor=True)
    context = visitor(browser, base_url)
    context.add_cookies([{"name": cookies.SESSION, "value": token, "url": base_url}])
    return context.new_page()


def _aside(act: Any, *given: Any) -> Any:
    """Done in a thread of its own: Playwright's event loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act, *given).result()


def _handed_in(house: House, application_id: str) -> Application:
    with house.store.write() as unit:
        found = unit.session.get_one(Application, application_id)
        return applications.submit(unit, actor(house, ADA), found.id, found.revision, house.settings)


def _in_force(house: House, application: Application) -> Contract:
    made = contract(house, "active", lead=ADA, stewards=(SAM, TESS), named_users=True, application=application)
    assert ask_acceptance(house.store) == 2
    return made


def _asked_to_consent(house: House, made: Contract) -> str:
    lead, back = actor(house, ADA), ("http://127.0.0.1/back",)
    with house.store.write() as unit:
        client, _ = credentials.create_client(unit, lead, made, name="notebook", audience="api", people=ForPeople(back))
        asked = Asked(client.id, made.id, made.organisation_id, back[0], "state", "records:read", "x" * 43)
        return authorizations.begin(unit, asked).id


def test_an_applicant_with_two_members(house: House, base_url: str) -> None:
    application = begun(house, ADA)
    home = f"/partner/applications/{application.id}"
    with chromium() as browser:
        ada = _signed_in(house, browser, base_url, ADA)
        _document_and_names(ada, home)
        bea = _signed_in(house, browser, base_url, BEA)
        _confirms_as_colleague(bea, house)
        rhea = _joins_and_waits(visitor(browser, base_url).new_page(), house, home)
        handed_in = _aside(_handed_in, house, application.id)
        sam = _signed_in(house, browser, base_url, SAM)
        _admits(sam, handed_in)
        made = _aside(_in_force, house, handed_in)
        _accepts(bea, made)
        _is_led_to_the_terms_and_back(rhea, made, _aside(_asked_to_consent, house, made))
        ada.goto(f"{home}/members")
        look(ada, "people on a project in force")
        press(ada, "Take off Bea Lind")
        expect(ada.get_by_text("Bea Lind")).to_have_count(0)
        bea.goto(f"/partner/contracts/{made.id}/membership")
        expect(bea.get_by_text("You are not on this project any more.")).to_be_visible()


def _document_and_names(ada: Page, home: str) -> None:
    ada.goto(f"{home}/evidence")
    ada.get_by_label("Decision of your ethics board").check()
    ada.get_by_label("File").set_input_files({"name": "ethics.pdf", "mimeType": "application/pdf", "buffer": b"MZ\x90\x00"})
    press(ada, "Add document")
    expect(ada.locator("#e-file")).to_contain_text("The file is a program, whatever its name says.")
    look(ada, "a document that is refused")
    name = "<b>Grüße</b> & decision.pdf".replace("/", " ")
    ada.get_by_label("File").set_input_files({"name": name, "mimeType": "application/pdf", "buffer": PDF})
    press(ada, "Add document")
    expect(ada.get_by_role("link", name=name)).to_be_visible()
    look(ada, "documents")
    with ada.expect_download() as file:
        ada.get_by_role("link", name=name).click()
    assert Path(file.value.path()).read_bytes() == PDF
    ada.goto(f"{home}/members")
    for person, email in (("Bea Lind", BEA), ("Rhea Castellan", RHEA)):
        ada.get_by_label("Name", exact=True).fill(person)
        ada.get_by_label("Mail address").fill(email)
        press(ada, "Name this person")
    look(ada, "people on a project")


def _confirms_as_colleague(bea: Page, house: House) -> None:
    bea.goto("/partner")
    follow(bea, "Answer")
    bea.get_by_label("What you are at").fill("data engineer")
    press(bea, "Confirm who I am")
    expect(bea.get_by_text("Tick this, or leave the project.").first).to_be_visible()
    look(bea, "who one is on a project")
    bea.get_by_label("I am this person").check()
    press(bea, "Confirm who I am")
    expect(bea.get_by_role("heading", name="You are on the project")).to_be_visible()


def _joins_and_waits(rhea: Page, house: House, home: str) -> Page:
    link = re.search(r"https?://[^/\s]+(/join/\S+)", _aside(mails, house, RHEA)[0])
    assert link is not None
    rhea.goto(link.group(1))
    rhea.get_by_label("Your name").fill("Rhea Castellan")
    rhea.get_by_label("Choose a password").fill(PASSWORD)
    press(rhea, "Join as reader")
    assert rhea.url.endswith(f"{home}/membership")
    rhea.get_by_label("What you are at").fill("doctoral researcher")
    rhea.get_by_label("I am this person").check()
    press(rhea, "Confirm who I am")
    expect(rhea.get_by_role("heading", name="The platform looks at it")).to_be_visible()
    return rhea


def _admits(sam: Page, application: Application) -> None:
    sam.goto("/desk")
    follow(sam, "Look: Look at a person: Rhea Castellan")
    assert application.id in sam.url
    look(sam, "application with people and documents")
    person = sam.locator(".people > li").filter(has_text="Rhea Castellan")
    press(sam, "Admit", person)
    expect(person.locator("p.error")).to_contain_text("Give the reason in words")
    person.get_by_label("Reason").fill("The institute confirmed by telephone that she works there.")
    press(sam, "Admit", person)
    expect(sam.get_by_role("status")).to_contain_text("Admitted.")


def _accepts(bea: Page, made: Contract) -> None:
    bea.goto("/partner")
    follow(bea, "Read the terms")
    look(bea, "terms to accept")
    bea.get_by_label("I have read these terms").check()
    bea.get_by_role("textbox", name="Your name").fill("Bea Lind")
    press(bea, "Accept the terms")
    expect(bea.get_by_role("heading", name="The terms that you accepted")).to_be_visible()


def _is_led_to_the_terms_and_back(rhea: Page, made: Contract, asked: str) -> None:
    rhea.goto(f"/consent/{asked}")
    assert f"/partner/contracts/{made.id}/membership" in rhea.url
    rhea.get_by_label("I have read these terms").check()
    rhea.get_by_role("textbox", name="Your name").fill("rhea castellan")
    press(rhea, "Accept the terms")
    expect(rhea.get_by_role("heading", name="notebook asks to read for you")).to_be_visible()

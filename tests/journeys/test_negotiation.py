"""A contract is negotiated in two browsers: wishes, another version, what changed, signature; and own words for a clause are confirmed."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from contracts.clock import FixedClock
from contracts.house import House
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.tables import Contract
from contracts.people.roles import Role
from contracts.store.unit import Store
from contracts.terms.model import from_json
from portal import cookies
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.portal.house import add_person, mails, portal, settings, sign_in, small_house
from tests.portal.scene import contract

LEAD, FIRST, SECOND = "ada@northfield.example", "mara@agora.example", "jon@agora.example"
TITLE = "Weather talk in three languages"
LIABILITY = "Each side is liable as the law of its own country says."
OWN_PACE = """
title = "Pace of reading"
binds = "pace"
text = "$pace Please read slowly."
monitored = "Every request is counted."
breach = "Faster requests are refused."
"""


def _page(browser: Browser, base_url: str, house: House, email: str) -> Page:
    context = visitor(browser, base_url)
    context.add_cookies([{"name": cookies.SESSION, "value": sign_in(house, email).cookies[cookies.SESSION], "url": base_url}])
    return context.new_page()


def _asks(lead: Page, contract_id: str) -> None:
    lead.goto(f"/partner/contracts/{contract_id}")
    lead.get_by_role("link", name="Ask for changes").click()
    lead.get_by_role("button", name="Send your wishes").click()
    lead.get_by_text("Say what should be otherwise").first.wait_for()
    lead.locator("summary", has_text="Pace").click()
    lead.locator("[id='f-term.pace']").fill("Twenty requests in a second.\n<b>Please</b>")
    lead.locator("[id='f-why.term.pace']").fill("The archive is large.")
    lead.locator("summary", has_text="Liability").click()
    lead.locator("[id='f-clause.liability']").fill(LIABILITY)
    lead.get_by_role("button", name="Send your wishes").click()
    lead.get_by_role("alert").wait_for()
    assert lead.locator("[id='e-why.clause.liability']").inner_text() == "Say why, in at most 2,000 characters."
    look(lead, "ask for changes")
    lead.locator("[id='f-why.clause.liability']").fill("Our statutes ask for it.")
    lead.get_by_role("button", name="Send your wishes").click()
    lead.get_by_role("heading", name="What you asked for").wait_for()
    look(lead, "partner waits for an answer")


def _answers(steward: Page, contract_id: str) -> None:
    steward.goto("/desk")
    steward.get_by_role("link", name="Read and answer").click()
    steward.get_by_text("<b>Please</b>").wait_for()
    look(steward, "desk reads the wishes")
    steward.get_by_role("link", name="Make the next version").click()
    steward.get_by_role("link", name="Start from their wording").click()
    steward.get_by_label("Requests a second").fill("5")
    steward.get_by_role("button", name="Show what changes").click()
    steward.get_by_role("region", name="Terms that change").get_by_role("heading", name="Pace", exact=True).wait_for()
    look(steward, "desk makes the next version")
    steward.get_by_role("button", name="Offer this version").click()
    assert "Give the reason in words" in steward.locator("#e-note").inner_text()
    steward.get_by_label("What is different, and what is not").fill("Liability as you wished. The pace is lower: the site is small.")
    steward.get_by_role("button", name="Offer this version").click()
    steward.get_by_role("status").wait_for()
    steward.get_by_role("link", name="What changed from version to version").click()
    look(steward, "desk compares versions")


def _accepts(lead: Page, contract_id: str) -> None:
    lead.goto(f"/partner/contracts/{contract_id}")
    lead.get_by_role("link", name="What changed from version to version").click()
    assert [each.inner_text() for each in lead.locator(".marked ins").all()] and "what was put in" in lead.locator(".head").inner_text()
    look(lead, "partner compares versions")
    lead.goto(f"/partner/contracts/{contract_id}")
    look(lead, "partner reads the second version")
    lead.get_by_label("In what role you sign").fill("Head of laboratory")
    lead.locator("#sign input[name=read]").check()
    lead.get_by_role("button", name="Sign contract").click()
    lead.get_by_text("Signed by you; countersignature is next").wait_for()


def _confirms(steward: Page) -> None:
    steward.goto("/desk")
    steward.get_by_role("link", name="Read and confirm").click()
    look(steward, "templates with own words to confirm")
    steward.get_by_role("button", name="The term still stands in it").click()
    steward.get_by_role("status").wait_for()
    assert steward.get_by_role("button", name="The term still stands in it").count() == 0
    steward.get_by_role("link", name="Read it as a contract").first.click()
    look(steward, "template as a contract")


@pytest.mark.browser
def test_two_sides_agree_on_the_second_version(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> None:
    house = small_house(sqlite_store, clock, settings(home=tmp_path))
    add_person(house, LEAD, "Ada Okafor", Role.LEAD, Role.SIGNATORY, organisation="org_northfield")
    for email, name in ((FIRST, "Mara Lindqvist"), (SECOND, "Jon Petrov")):
        add_person(house, email, name, Role.STEWARD, organisation="org_agora", side="platform")
    made = contract(house, "offered", lead=LEAD, stewards=(FIRST, SECOND))
    with serving(portal(house)) as port, chromium() as browser:
        base_url = f"http://127.0.0.1:{port}"
        lead, steward = (_page(browser, base_url, house, each) for each in (LEAD, FIRST))
        _asks(lead, made.id)
        _answers(steward, made.id)
        _accepts(lead, made.id)
        (tmp_path / "clauses").mkdir()
        (tmp_path / "clauses" / "pace.toml").write_text(OWN_PACE, encoding="utf-8")
        _confirms(steward)
    with house.store.read() as session:
        row = session.get_one(Contract, made.id)
        version = version_of(session, row)
    assert (row.state, row.version, from_json(version.terms_json).requests_per_second) == ("signed", 2, 5)
    assert version.passages == {"liability": LIABILITY} and LIABILITY in version.text
    assert any("Liability as you wished." in body and "version 2" in body for body in mails(house, LEAD))
    assert any("Number of wishes: 2" in body for body in mails(house, SECOND))

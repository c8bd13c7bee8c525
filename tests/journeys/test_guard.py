"""Staff in a browser: a Coordinator's request from receipt to draft, a bar and its lifting by two, a wider policy confirmed by two."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from contracts.applications import service as applications
from contracts.applications.tables import Application
from contracts.clock import FixedClock
from contracts.house import House
from contracts.people import service as people
from contracts.people.roles import Role
from contracts.policies.service import hold
from contracts.store.unit import Store
from portal import cookies
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.harness.server import free_port
from tests.journeys.steps import follow, press
from tests.portal.house import add_person, portal, settings, small_house
from tests.portal.scene import actor, contract

MARA, JON, CORA, TOVE = "mara@agora.example", "jon@agora.example", "cora@agora.example", "tove@northfield.example"
AMENDED = "We hold no such data before March; the months after it would do for the research."


class Desk:
    """The portal with four people, and a browser for each."""

    def __init__(self, house: House, browser: Browser, at: str) -> None:
        self.house, self._browser, self._at = house, browser, at
        self._pages: dict[str, Page] = {}

    def page(self, email: str) -> Page:
        """The person's page, signed in whole."""
        if email not in self._pages:
            with self.house.store.read() as session:
                account = people.find_account(session, email)
            assert account is not None
            with self.house.store.write("seed") as unit:
                token = people.open_session(unit, account.id, "127.0.0.0/24", second_factor=True)
            context = visitor(self._browser, self._at)
            context.add_cookies([{"name": cookies.SESSION, "value": token, "url": self._at}])
            self._pages[email] = context.new_page()
        return self._pages[email]


@pytest.fixture
def desk(sqlite_store: Store, clock: FixedClock) -> Iterator[Desk]:
    port = free_port()
    house = small_house(sqlite_store, clock, settings(base_url=f"http://127.0.0.1:{port}", port=port))
    add_person(house, MARA, "Mara Lindqvist", Role.STEWARD, organisation="org_agora", side="platform")
    add_person(house, JON, "Jon Steward", Role.STEWARD, organisation="org_agora", side="platform")
    add_person(house, CORA, "Cora Compliance", Role.COMPLIANCE, organisation="org_agora", side="platform")
    add_person(house, TOVE, "Tove Okafor", Role.LEAD, Role.SIGNATORY, organisation="org_northfield")
    with serving(portal(house), port) as at, chromium() as browser:
        yield Desk(house, browser, f"http://127.0.0.1:{at}")


@pytest.mark.browser
def test_two_people_where_two_are_asked_and_a_coordinators_request(desk: Desk) -> None:
    _request(desk)
    _bar(desk)
    _policy(desk)


def _request(desk: Desk) -> None:
    page = desk.page(MARA)
    page.goto("/desk/requests")
    look(page, "no reasoned request yet")
    page.get_by_label("Which dataset it names").select_option("posts")
    press(page, "Go on")
    page.get_by_label("Digital Services Coordinator").fill("Coimisiún na Meán")
    page.get_by_label("Its reference").fill("DSA-40-4/2026/17")
    page.get_by_label("Received on").fill("2026-11-02")
    page.get_by_label("The researchers’ organisation").select_option("org_northfield")
    page.get_by_label("The research project, in a few words").fill("Reach of <b>political</b> posts")
    page.get_by_label("The request’s own words").fill("Access is requested to the posts named, to measure how far they reach.")
    for name in ("id", "created_at", "lang"):
        page.locator(f"input[name=fields][value={name}]").check()
    page.get_by_label("First day of access").fill("2026-11-02")
    press(page, "Enter the request")
    expect(page.get_by_role("alert").or_(page.locator(".summary")).first).to_contain_text("last day")
    look(page, "a reasoned request with a missing day")
    page.get_by_label("Last day of access").fill("2027-04-30")
    press(page, "Enter the request")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reach of <b>political</b> posts")
    look(page, "a reasoned request as received")
    page.get_by_label("We do not have access to the data").check()
    page.get_by_label("Why, and what would do instead").fill(AMENDED)
    press(page, "Ask for an amendment")
    look(page, "a reasoned request whose amendment was asked for")
    page.get_by_label("The Coordinator’s answer").fill("The months before March are left out.")
    page.get_by_label("First day of access").fill("2027-03-01")
    press(page, "Enter the answer")
    press(page, "Take it over as it stands")
    expect(page.locator(".chip").first).to_have_text("Taken over")
    look(page, "a reasoned request taken over")
    _confirm_basis(desk)
    follow(page, "Draft the contract")
    look(page, "the draft of a reasoned request")
    page.locator("[name=records_per_day]").fill("10")
    press(page, "Create draft")
    expect(page.locator("body")).to_contain_text("it is taken over as it stands")
    page.locator("[name=records_per_day]").fill("500000")
    press(page, "Create draft")
    expect(page).to_have_url(re.compile("/desk/contracts/ctr_"))


def _confirm_basis(desk: Desk) -> None:
    """Compliance confirms the lawful basis, as for every application."""
    with desk.house.store.write("seed") as unit:
        application = unit.session.exec(select(Application)).one()
        applications.confirm_basis(
            unit, actor(desk.house, CORA), application.id, application.revision, "public-task", "Art. 40(4) asks it."
        )


def _bar(desk: Desk) -> None:
    made = contract(desk.house, "active", lead=TOVE, stewards=(MARA, JON))
    page = desk.page(CORA)
    page.goto("/desk/partners/org_northfield")
    look(page, "a partner with a form to bar it")
    page.get_by_label("Why").last.fill("Records were sold on, and our questions went unanswered.")
    press(page, "Bar")
    expect(page.get_by_role("heading", level=1)).to_have_text("org_northfield")
    expect(page.get_by_role("link", name=made.title).first).to_be_visible()
    look(page, "a bar in force")
    page.get_by_label("Why it should be lifted").fill("They deleted what they had and proved it.")
    press(page, "Ask to lift it")
    expect(page.get_by_role("button", name="Lift the bar")).to_have_count(0)
    other = desk.page(MARA)
    other.goto("/desk")
    other.locator("a[href^='/desk/bars/']").first.click()
    look(other, "a bar whose lifting waits for a second person")
    press(other, "Lift the bar")
    expect(other.locator(".chip").first).to_have_text("Lifted")
    follow(other, "Bars", other.locator(".crumbs"))
    other.wait_for_load_state()
    look(other, "bars")


def _policy(desk: Desk) -> None:
    known = desk.house.settings
    wider = known.datasets["posts"].model_copy(update={"max_records_per_day": 900_000, "purposes": ["research", "ai-training"]})
    hold(desk.house.store, known)
    hold(desk.house.store, known.model_copy(update={"datasets": {**known.datasets, "posts": wider}}))
    page, other = desk.page(MARA), desk.page(CORA)
    page.goto("/desk/policies")
    expect(page.locator("body")).to_contain_text("A contract may allow 900,000 records in a day instead of 500,000.")
    look(page, "a wider policy that waits for two")
    press(page, "Confirm as the first of two")
    expect(page.get_by_role("button", name="Confirm as the first of two")).to_have_count(0)
    other.goto("/desk/policies")
    press(other, "Confirm as the second")
    expect(other.locator("body")).to_contain_text("Nothing waits")
    look(other, "policies once confirmed")

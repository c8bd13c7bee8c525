"""An application with two members until its contract is sealed, in a real browser: returned, handed in again with what changed, looked
at by two reviewers, approved for less than was asked, its offer answered with wishes. What each side sees in between is read as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from contracts.clock import FixedClock
from contracts.house import House
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.tables import Contract
from contracts.people import service as people
from contracts.people.roles import Role
from contracts.store.unit import Store
from contracts.terms.model import from_json
from portal import cookies
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.journeys import steps
from tests.journeys.steps import done, follow, press
from tests.portal.house import PASSWORD, add_person, link_in, mails, portal, settings, small_house

pytestmark = pytest.mark.browser

ADA, BEA, RHEA = "ada@fjord.example", "bea@fjord.example", "rhea@post.example"
SAM, TESS, CORA = "sam@agora.example", "tess@agora.example", "cora@agora.example"
PROJECT = "How the weather turns talk"
TOO_LONG = "Two years are more than one winter needs. Ask for one."
PRIVATE, SHARED = "The funder is a client of ours; it does not touch this.", "Please keep the language codes in what you publish."
NARROWER = "Languages and countries answer the question; the words themselves are not needed."
Result = TypeVar("Result")


@dataclass
class Stage:
    """The portal as served, and a browser for each person."""

    house: House
    browser: Browser
    base_url: str
    pages: dict[str, Page] = field(default_factory=dict)

    def page(self, email: str) -> Page:
        """The person's browser, signed in whole; Rhea has no account until she makes one."""
        if email not in self.pages:
            context = visitor(self.browser, self.base_url)
            if email != RHEA:
                token = beside(lambda: self._session(email))
                context.add_cookies([{"name": cookies.SESSION, "value": token, "url": self.base_url}])
            self.pages[email] = context.new_page()
        return self.pages[email]

    def _session(self, email: str) -> str:
        with self.house.store.write("test") as unit:
            account = people.find_account(unit.session, email)
            assert account is not None
            return people.open_session(unit, account.id, "127.0.0.0/24", second_factor=True)

    def letter(self, to: str) -> str:
        """The newest mail to a person."""
        return beside(lambda: mails(self.house, to)[0])


def beside(act: Callable[[], Result]) -> Result:
    """Done in a thread of its own: Playwright's event loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result()


@pytest.fixture
def stage(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[Stage]:
    house = small_house(sqlite_store, clock, settings(home=tmp_path / "home"))
    add_person(house, ADA, "Ada Okafor", Role.LEAD, Role.SIGNATORY, organisation="Fjord University")
    add_person(house, BEA, "Bea Lind", Role.READER, organisation="Fjord University")
    for email, name, role in ((SAM, "Sam Rossi", Role.STEWARD), (TESS, "Tess Brandt", Role.STEWARD), (CORA, "Cora Vance", Role.COMPLIANCE)):
        add_person(house, email, name, role, organisation="Agora", side="platform")
    with serving(portal(house)) as port, chromium() as browser:
        yield Stage(house, browser, f"http://127.0.0.1:{port}")


def test_an_application_is_vetted_and_its_contract_agreed(stage: Stage, clock: FixedClock) -> None:
    home = _applies_with_two_members(stage, clock)
    _is_returned(stage, home)
    _is_handed_in_again(stage, home, clock)
    _is_looked_at_by_two(stage, home)
    _is_granted_for_less(stage, home, clock)
    contract_id = _is_offered(stage)
    _wishes_are_declined(stage, contract_id)
    _is_signed_by_both(stage, contract_id)
    with stage.house.store.read() as session:
        made = session.exec(select(Contract)).one()
        terms = from_json(version_of(session, made).terms_json)
    assert (made.id, made.state, made.version) == (contract_id, "active", 1)
    assert terms.datasets[0].fields == ("id", "author_id", "created_at", "lang", "country")
    assert (terms.starts, terms.ends) == (clock.now().date(), clock.now().date() + timedelta(days=200))


def _applies_with_two_members(stage: Stage, clock: FixedClock) -> str:
    """Filled in, two people named and confirmed, handed in; the address of the application."""
    ada = stage.page(ADA)
    ada.goto("/apply?dataset=posts")
    press(ada, "Begin an application for Public posts")
    steps.fill_application(
        ada,
        PROJECT,
        "research",
        "How people talk about the weather when it turns, by language.",
        ("id", "author_id", "created_at", "lang", "country", "text"),
        {"lang": "en, de"},
        days=730,
    )
    press(ada, "Save draft")
    home = f"/partner/applications/{steps.application_id(ada)}"
    ada.goto(f"{home}/members")
    for person, email in (("Bea Lind", BEA), ("Rhea Castellan", RHEA)):
        ada.get_by_label("Name", exact=True).fill(person)
        ada.get_by_label("Mail address").fill(email)
        press(ada, "Name this person")
    rhea = stage.page(RHEA)
    rhea.goto(link_in(stage.letter(RHEA)))
    rhea.get_by_label("Your name").fill("Rhea Castellan")
    rhea.get_by_label("Choose a password").fill(PASSWORD)
    press(rhea, "Join as reader")
    for page in (stage.page(BEA), rhea):
        page.goto(f"{home}/membership")
        page.get_by_label("What you are at").fill("doctoral researcher")
        page.get_by_label("I am this person").check()
        press(page, "Confirm who I am")
    ada.goto(home)
    press(ada, "Hand in application")
    assert done(ada) == "Sent. You get a mail when it is decided."
    return home


def _is_returned(stage: Stage, home: str) -> None:
    ada, sam = stage.page(ADA), stage.page(SAM)
    _opens(sam, "Check")
    sam.locator("summary", has_text="Return it for changes").click()
    press(sam, "Return for changes")
    expect(sam.locator("#e-return_code")).to_have_text("Choose one of the reasons.")
    sam.get_by_label("Why", exact=True).first.select_option("dates")
    sam.get_by_label("What to change").fill(TOO_LONG)
    press(sam, "Return for changes")
    assert done(sam).startswith("Returned.")
    expect(sam.get_by_role("heading", name=re.compile("^With the applicant until"))).to_be_visible()
    assert TOO_LONG in stage.letter(ADA)
    ada.goto("/partner")
    ada.get_by_role("main").locator(f"a[href='{home}']").first.click()
    expect(ada.get_by_text(TOO_LONG)).to_be_visible()
    look(ada, "application returned, to its applicant")
    bea = stage.page(BEA)
    bea.goto(home)
    expect(bea.get_by_text("A lead of your organisation changes it.")).to_be_visible()
    expect(bea.get_by_role("button", name="Hand in again")).to_have_count(0)


def _is_handed_in_again(stage: Stage, home: str, clock: FixedClock) -> None:
    ada, sam = stage.page(ADA), stage.page(SAM)
    ada.get_by_label("Last day").fill(_day(clock, 365).isoformat())
    ada.get_by_label("What you want to find out or do").fill("How people talk about the weather when it turns, over one winter.")
    press(ada, "Save changes")
    sam.reload()
    expect(sam.get_by_text("over one winter")).to_have_count(0)
    press(ada, "Hand in again")
    _opens(sam, "Check")
    changed = sam.locator("section", has=sam.get_by_role("heading", name="Changed since it was returned"))
    expect(changed.get_by_role("heading", level=3)).to_have_text(["In the applicant’s words", "Last day"])
    expect(changed.locator(".added").first).to_contain_text("over one winter")
    look(sam, "what changed since the return")
    ada.goto(home)
    expect(ada.get_by_role("heading", name=re.compile("^A person decides by"))).to_be_visible()
    press(sam, "It is complete")


def _is_looked_at_by_two(stage: Stage, home: str) -> None:
    sam, tess, cora, ada = (stage.page(each) for each in (SAM, TESS, CORA, ADA))
    for name in ("Tess Brandt", "Cora Vance"):
        sam.locator("summary", has_text="Ask for a review").click()
        sam.get_by_label("Whom", exact=True).select_option(label=name)
        press(sam, "Ask")
    sam.get_by_label("Why it is approved").select_option("as-asked")
    sam.locator("form[action$='/approve']").get_by_label("Reason", exact=True).fill("Too early.")
    press(sam, "Approve application")
    expect(sam.get_by_role("alert")).to_contain_text("A colleague was asked for a review and has not answered.")
    _opens(tess, "Give advice")
    tess.locator("summary", has_text="Add a remark or advice").click()
    tess.get_by_label("Remark", exact=True).fill(SHARED)
    tess.get_by_label("The applicant as well, in a mail").check()
    press(tess, "Keep the remark")
    _advises(tess, "It is few fields for a clear question.", "for")
    _opens(cora, "Give advice")
    _advises(cora, PRIVATE, "neutral")
    cora.get_by_label("On which basis is the data given?").select_option("public-task")
    cora.get_by_label("Why it holds").fill("University law names research.")
    press(cora, "Confirm the lawful basis")
    assert SHARED in stage.letter(ADA)
    ada.goto(home)
    expect(ada.get_by_text(SHARED)).to_be_visible()
    for secret in (PRIVATE, "It is few fields for a clear question.", "University law"):
        expect(ada.get_by_text(secret)).to_have_count(0)
    look(ada, "application with a shared remark")


def _advises(page: Page, text: str, advice: str) -> None:
    page.locator("summary", has_text="Add a remark or advice").click()
    page.get_by_label("Remark", exact=True).fill(text)
    page.get_by_label("Advice").select_option(advice)
    press(page, "Keep the remark")


def _is_granted_for_less(stage: Stage, home: str, clock: FixedClock) -> None:
    sam, ada = stage.page(SAM), stage.page(ADA)
    _opens(sam, "Decide")
    sam.get_by_label("Why it is approved").select_option("narrowed")
    sam.locator("form[action$='/approve']").get_by_label("Reason", exact=True).fill(NARROWER)
    sam.locator("summary", has_text="Grant less than was asked for").click()
    sam.locator("form[action$='/approve'] input[name=fields][value=text]").uncheck()
    sam.locator("form[action$='/approve']").get_by_label("Last day").fill(_day(clock, 200).isoformat())
    look(sam, "granting less than was asked")
    press(sam, "Approve application")
    expect(sam.get_by_role("heading", name="Granted narrower than asked")).to_be_visible()
    assert NARROWER in stage.letter(ADA)
    ada.goto(home)
    expect(ada.get_by_role("heading", name="Granted narrower than you asked")).to_be_visible()
    expect(ada.locator(".removed").first).to_contain_text("text")
    look(ada, "application granted narrower, to its applicant")


def _is_offered(stage: Stage) -> str:
    """Drafted from what was granted and offered; the contract's id."""
    sam, ada = stage.page(SAM), stage.page(ADA)
    follow(sam, "Draft the contract")
    press(sam, "Create draft")
    contract_id = steps.contract_id(sam)
    ada.goto(f"/partner/contracts/{contract_id}")
    expect(ada.get_by_role("heading", name=PROJECT)).to_have_count(0)
    press(sam, "Offer to the partner")
    assert done(sam).startswith("Offered")
    return contract_id


def _wishes_are_declined(stage: Stage, contract_id: str) -> None:
    sam, ada = stage.page(SAM), stage.page(ADA)
    ada.goto("/partner")
    follow(ada, "Read and sign")
    follow(ada, "Ask for changes")
    ada.locator("summary", has_text="Pace").click()
    ada.locator("[id='f-term.pace']").fill("Twenty requests in a second.")
    ada.locator("[id='f-why.term.pace']").fill("The archive is large.")
    press(ada, "Send your wishes")
    expect(ada.get_by_role("button", name="Sign contract")).to_have_count(0)
    ada.goto("/partner")
    expect(ada.get_by_text(f"Answer to what you asked to change in “{PROJECT}”")).to_be_visible()
    _opens(sam, "Answer")
    sam.locator("summary", has_text="Decline all of it").click()
    press(sam, "Decline the changes")
    expect(sam.locator("#e-decline_reason")).to_contain_text("Give the reason in words")
    sam.get_by_label("Reason", exact=True).first.fill("The site bears no more; ask again in spring.")
    press(sam, "Decline the changes")
    assert "The site bears no more" in stage.letter(ADA)
    ada.goto(f"/partner/contracts/{contract_id}")
    expect(ada.get_by_text("The site bears no more; ask again in spring.")).to_be_visible()


def _is_signed_by_both(stage: Stage, contract_id: str) -> None:
    sam, tess, ada = stage.page(SAM), stage.page(TESS), stage.page(ADA)
    ada.get_by_label("In what role you sign").fill("Head of laboratory")
    ada.locator("#sign input[name=read]").check()
    press(ada, "Sign contract")
    sam.goto(f"/desk/contracts/{contract_id}")
    expect(sam.get_by_role("button", name="Countersign contract")).to_have_count(0)
    _opens(tess, "Countersign")
    tess.get_by_label("In what capacity").fill("Director of data access")
    press(tess, "Countersign contract")
    assert done(tess).startswith("Countersigned and sealed.")
    ada.reload()


def _opens(page: Page, duty: str) -> None:
    """Find on Today that this waits, and open it."""
    page.goto("/desk")
    follow(page, f"{duty}: {PROJECT}")


def _day(clock: FixedClock, later: int) -> date:
    return clock.now().date() + timedelta(days=later)

"""A regulator's visit in the browser: opened, joined, read, taken along as an archive that its own guide checks, and ended.

On the way, what compliance keeps for such a visit: the export beside a search, and one contract's whole life.
"""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from contracts.deliveries import fold
from contracts.ledger import verify_licet
from portal import cookies
from tests.harness.browser import chromium, look, visitor
from tests.harness.codes import code_of, learn
from tests.journeys import reading_guide, steps
from tests.journeys.steps import press
from tests.journeys.two_partners import PASSWORD, Ground, ground

pytestmark = pytest.mark.browser
AUTHORITY, EMAIL = "Data Protection Authority", "grace@authority.example"


def caught_up(place: Ground) -> None:
    """Mail is sent, every entry is in the tree, and search knows it."""
    place.settle()
    fold.tick(place.house.store)


def read_under_a_contract(place: Ground) -> str:
    """A contract of the lab under which records were read, and more than it allows was asked for."""
    contract = place.contract("lab-founder")
    client = place.story.make_client("lab-founder", contract, "maps of shade", "api")
    answers = [place.ask(client, f"/v1/datasets/trees/records?{query}").status for query in ("limit=30", "species=oak", "fields=note")]
    assert answers == [200, 200, 403]
    caught_up(place)
    return contract.id


def test_a_regulator_visits_and_checks_by_the_archives_own_guide(tmp_path: Path) -> None:
    with ground(tmp_path) as place:
        # Before the browser, whose thread runs no other event loop such as that of the seal.
        contract = read_under_a_contract(place)
        with chromium() as browser:
            visited(place, browser, contract, tmp_path)


def visited(place: Ground, browser: Browser, contract: str, tmp_path: Path) -> None:
    """The visit itself, from its opening to its end, and what is beside it."""
    officer, auditor = visitor(browser, place.base_url), visitor(browser, place.base_url)
    desk = signed_in(place, officer)
    opened(place, desk)
    outside = joined(place, auditor)
    archive = taken(outside, tmp_path)
    found = reading_guide.followed(archive, place.house.sequencer.ensure_key(), tmp_path / "unpacked")
    assert found.checked.startswith("Holds: ")
    assert (reading_guide.held_against_what_was_agreed(found), list(found.contracts)) == (2, [contract])
    assert "contract.activated" in found.decided
    ended(desk, outside)
    caught_up(place)
    life_of(desk, contract)
    exported(place, desk, contract, tmp_path)
    found_by_value(desk)


def signed_in(place: Ground, context: BrowserContext) -> Page:
    context.add_cookies([{"name": cookies.SESSION, "value": place.session("compliance"), "url": place.base_url}])
    return context.new_page()


def opened(place: Ground, page: Page) -> None:
    """The officer opens a visit about the lab; the authority's person is invited by mail."""
    page.goto("/compliance")
    steps.follow(page, "Visits of auditors")
    page.get_by_label("One partner").check()
    page.locator("select[name=partner]").select_option(label="Zephyrine Laboratory")
    page.get_by_label("Authority or auditor").fill(AUTHORITY)
    page.get_by_label("Address of the person who reads").fill(EMAIL)
    page.get_by_label("Last day of access").fill((place.house.clock.now().date() + timedelta(days=7)).isoformat())
    press(page, "Open the visit")
    expect(page.get_by_role("link", name=f"Download the archive for {AUTHORITY}")).to_be_visible()
    look(page, "visit running")
    place.settle()


def joined(place: Ground, context: BrowserContext) -> Page:
    """The auditor makes the account by the mail's link, sets up a second factor, and stands before the slice."""
    page = context.new_page()
    link = steps.mail(page, EMAIL, "Read a part of the access ledger").get_by_role("link").first.get_attribute("href")
    page.goto(f"/join/{(link or '').rpartition('/')[2]}")
    page.get_by_label("Your name").fill("Grace Auditor")
    page.get_by_label("Choose a password").fill(PASSWORD)
    look(page, "join as auditor")
    page.get_by_role("button", name="Join as").click()
    page.wait_for_load_state()
    learn(EMAIL, page.locator(".copyable code").first.inner_text())
    # The clock of the place stands still.
    ahead = place.house.clock.now().timestamp() - time.time()
    page.get_by_label("Code", exact=True).fill(code_of(EMAIL, place.base_url, ahead))
    press(page, "Set up")
    steps.follow(page, "I have kept them, go on")
    page.goto("/audit")
    return page


def taken(page: Page, folder: Path) -> Path:
    """The slice is looked at, an entry of it opened, and everything taken along."""
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your visit at")
    look(page, "an auditor's visit")
    page.get_by_role("row").filter(has_text="Records delivered").first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Records delivered")
    look(page, "an entry for an auditor")
    steps.follow(page, "Your visit")
    with page.expect_download() as sent:
        page.get_by_role("link", name="Download everything as one archive").click()
    sent.value.save_as(folder / "visit.zip")
    return folder / "visit.zip"


def ended(desk: Page, outside: Page) -> None:
    """The officer ends the visit before its day, and the auditor reads no more."""
    press(desk, f"End the visit of {AUTHORITY} now")
    expect(desk.get_by_role("heading", name="Ended")).to_be_visible()
    outside.goto("/audit")
    expect(outside.get_by_role("heading", level=1)).not_to_contain_text("Your visit at")


def life_of(page: Page, contract: str) -> None:
    """From the search of a contract's entries to its whole life."""
    page.goto(f"/compliance?contract={contract}")
    steps.follow(page, "From application to last access")
    told = page.locator("main").inner_text()
    lines = ("Application submitted", "Signed by the partner", "Countersigned and sealed", "Requests answered")
    assert [told.find(each) > 0 for each in lines] == [True] * len(lines)
    look(page, "a contract's whole life")


def exported(place: Ground, page: Page, contract: str, folder: Path) -> None:
    """The export beside a search, checked by the file that lies in it."""
    page.goto(f"/compliance?contract={contract}")
    page.get_by_text("Export with proofs").click()
    look(page, "export of a search")
    with page.expect_download() as sent:
        page.get_by_role("link", name="CSV, for spreadsheets").click()
    sent.value.save_as(folder / "export.zip")
    told = verify_licet.check_export(str(folder / "export.zip"), place.house.sequencer.ensure_key(), [])
    assert told["query"] == {"contract": contract}


def found_by_value(page: Page) -> None:
    """What the auditor did, found by the auditor's mail address, which stands in no address."""
    page.goto("/compliance")
    page.get_by_text("Find by a person, an account").click()
    page.get_by_label("The value, exactly").fill(EMAIL)
    press(page, "Find its entries")
    expect(page.get_by_role("row").filter(has_text="Ledger searched").first).to_be_visible()
    assert EMAIL not in page.url
    look(page, "entries by a personal value")

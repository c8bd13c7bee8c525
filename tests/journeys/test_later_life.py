"""A contract after its signature, in a real browser: a new version, a suspension, a renewal asked for, a new text for all, the end with
its certificate of destruction; and a partner who had signed before, brought in. Each page is looked at wide and narrow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, Page, expect

from contracts.agreements.reading import read
from contracts.agreements.service import stage
from contracts.amendments import rounds
from contracts.clock import FixedClock
from contracts.house import House
from contracts.lifecycle.expiry import expire_due
from contracts.people import service as people
from contracts.people.roles import Role
from portal import cookies
from tests.harness.agreements import TERMS, written
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.portal import scene
from tests.portal.conftest import house as house  # noqa: PLC0414 - a fixture, used under its name
from tests.portal.house import PASSWORD, add_person, link_in, mails, portal

pytestmark = pytest.mark.browser

ADA, SAM, TESS = "ada@fjord.example", "sam@agora.example", "tess@agora.example"
Result = TypeVar("Result")


@pytest.fixture
def base_url(house: House) -> Iterator[str]:
    """A partner whose lead signs, and two stewards."""
    add_person(house, ADA, "Ada Okafor", Role.LEAD, Role.SIGNATORY, organisation="Fjord University")
    for email, name in ((SAM, "Sam Rossi"), (TESS, "Tess Brandt")):
        add_person(house, email, name, Role.STEWARD, organisation="org_platform", side="platform")
    with serving(portal(house)) as port:
        yield f"http://127.0.0.1:{port}"


def _aside(act: Callable[[], Result]) -> Result:
    """Done in a thread of its own: Playwright's event loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result()


def _press(page: Page, name: str, **typed: str) -> str:
    """Fill the form of a button and press it, with the password where it asks for one; what the next page says was done."""
    form = page.locator("form").filter(has=page.get_by_role("button", name=name, exact=True)).first
    for field, value in typed.items():
        form.locator(f"[name={field}]").fill(value)
    for field in form.locator("input[type=password]").all():
        field.fill(PASSWORD)
    for box in form.locator("input[name=read]").all():
        box.check()
    form.get_by_role("button", name=name, exact=True).click()
    return page.get_by_role("status").inner_text().strip() if page.get_by_role("status").count() else ""


def test_a_contract_lives_on_and_ends(house: House, clock: FixedClock, base_url: str) -> None:
    contract = scene.contract(house, "active", lead=ADA, stewards=(SAM, TESS))
    with chromium() as browser:
        sam, tess, ada = (_page(house, browser, base_url, email) for email in (SAM, TESS, ADA))
        _amended(sam, ada, tess, contract.id)
        _suspended_and_lifted(sam, tess, contract.id)
        _new_text(house, clock, sam, ada, tess, contract.id)
        ada.goto(f"/partner/contracts/{contract.id}")
        _press(ada, "Ask for a renewal")
        expect(ada).to_have_url(re.compile("/partner/applications/app_"))
        _ended(house, clock, browser, base_url, contract.id)


def _session(house: House, email: str) -> str:
    with house.store.write("test") as unit:
        account = people.find_account(unit.session, email)
        assert account is not None
        return people.open_session(unit, account.id, "127.0.0.0/24", browser="Firefox, Linux", second_factor=True)


def _amended(sam: Page, ada: Page, tess: Page, contract_id: str) -> None:
    sam.goto(f"/desk/contracts/{contract_id}")
    sam.get_by_role("link", name="Offer a new version").click()
    sam.get_by_label("What changes, and why").fill("Fewer records are enough, and a certificate at the end.")
    sam.get_by_label("Records a day").fill("1,000")
    sam.get_by_label("Days to certify destruction").fill("30")
    sam.get_by_role("button", name="Update the text").click()
    look(sam, "new version form")
    sam.get_by_role("button", name="Offer to the partner").click()
    expect(sam.get_by_role("heading", name="Waiting for Fjord University")).to_be_visible()
    ada.goto("/partner")
    ada.get_by_role("link", name=re.compile("A new version of")).first.click()
    look(ada, "new version to sign")
    assert _press(ada, "Sign the new version", capacity="Head of laboratory").startswith("Signed.")
    tess.goto("/desk")
    tess.get_by_role("link", name=re.compile("Countersign the new version")).first.click()
    look(tess, "new version to countersign")
    assert _press(tess, "Countersign the new version", capacity="Data access").startswith("Countersigned")
    tess.goto(f"/desk/contracts/{contract_id}")
    expect(tess.get_by_text("version 2, in force since")).to_be_visible()
    look(tess, "contract with versions")


def _suspended_and_lifted(sam: Page, tess: Page, contract_id: str) -> None:
    sam.goto(f"/desk/contracts/{contract_id}")
    sam.locator("summary", has_text=re.compile("^Suspend$")).click()
    assert _press(sam, "Suspend contract", reason="Records were found on a public page.").startswith("Suspended")
    sam.locator("summary", has_text="Ask to lift").click()
    assert _press(sam, "Ask a colleague to lift it", lift_reason="They took them down.").startswith("Asked")
    tess.goto(f"/desk/contracts/{contract_id}")
    assert _press(tess, "Lift suspension").startswith("Lifted")


def _new_text(house: House, clock: FixedClock, sam: Page, ada: Page, tess: Page, contract_id: str) -> None:
    clock.advance(seconds=1)
    sam.goto("/desk/texts")
    look(sam, "new texts")
    day = (clock.now().date() + timedelta(days=30)).isoformat()
    sam.get_by_label("Contracts of the kind").select_option("research")
    assert _press(sam, "Offer the text", reason="The law changed.", accept_by=day).startswith("Opened")
    assert _aside(lambda: rounds.advance(house.store, house.settings)) == 1
    sam.reload()
    look(sam, "new text")
    ada.goto(f"/partner/contracts/{contract_id}")
    expect(ada.get_by_role("heading", name="Version 3 waits for your signature")).to_be_visible()
    ada.goto("/partner")
    ada.get_by_role("link", name=re.compile("A new text of|A new version of")).first.click()
    assert _press(ada, "Sign the new version", capacity="Head of laboratory").startswith("Signed.")
    tess.goto(sam.url.partition("?")[0])
    tess.get_by_role("checkbox", name=re.compile("Fjord University")).check()
    look(tess, "several to countersign")
    assert _press(tess, "Countersign those ticked", capacity="Data access").startswith("Countersigned")
    expect(tess.get_by_text("1 of 1")).to_be_visible()
    sam.locator("summary", has_text="Stop it").click()
    assert _press(sam, "Stop this text").startswith("Stopped")


def _ended(house: House, clock: FixedClock, browser: Browser, base_url: str, contract_id: str) -> None:
    clock.advance(days=367)
    assert _aside(lambda: expire_due(house.store, "UTC")) == 1
    ada, sam = (_page(house, browser, base_url, email) for email in (ADA, SAM))
    ada.goto("/partner")
    ada.get_by_role("link", name=re.compile("Certify that the records")).first.click()
    look(ada, "certificate")
    said = _press(ada, "Certify", statement="All copies and backups were overwritten.", capacity="Head of laboratory")
    assert said.startswith("Given.")
    sam.goto(f"/desk/contracts/{contract_id}")
    expect(sam.get_by_text("All copies and backups were overwritten.")).to_be_visible()
    look(sam, "contract closed")


def _page(house: House, browser: Browser, base_url: str, email: str) -> Page:
    """A browser of a person who has given the password and a second factor just now."""
    token, context = _aside(lambda: _session(house, email)), visitor(browser, base_url)
    context.add_cookies([{"name": cookies.SESSION, "value": token, "url": base_url}])
    return context.new_page()


def test_a_partner_who_signed_before_is_brought_in(house: House, clock: FixedClock, base_url: str, tmp_path: Path) -> None:
    found = read(written(tmp_path, terms=TERMS), house.settings, clock.now().date())
    with house.store.write("test") as unit:
        stage(unit, found)
    with chromium() as browser:
        sam, tess = (_page(house, browser, base_url, email) for email in (SAM, TESS))
        sam.goto("/desk")
        sam.get_by_role("link", name=re.compile("Confirm the agreement")).first.click()
        look(sam, "agreement signed before")
        assert _press(sam, "Confirm").startswith("Confirmed.")
        tess.goto("/desk/agreements")
        look(tess, "agreements signed before")
        tess.get_by_role("link", name="Tides of talk").click()
        assert _press(tess, "Confirm").startswith("Confirmed by two.")
        tess.get_by_role("link", name="The contract", exact=True).click()
        expect(tess).to_have_url(re.compile("/desk/contracts/ctr_"))
        whole = tess.url
        tess.goto(f"{whole.partition('?')[0]}/signing")
        expect(tess.get_by_text("Signed before Licet").first).to_be_visible()
        tess.goto(whole)
        tess.locator("summary", has_text="Change what it names").click()
        tess.get_by_label("The names of the fields").check()
        assert _press(tess, "Save", register_reason="Agreed so.").startswith("Saved.")
        (letter,) = _aside(lambda: mails(house, "ingrid@harbour.example"))
        ingrid = visitor(browser, base_url).new_page()
        ingrid.goto(link_in(letter))
        ingrid.get_by_label("Your name").fill("Ingrid Hav")
        ingrid.get_by_label("Choose a password").fill(PASSWORD)
        ingrid.get_by_role("button", name="Join as lead").click()
        ingrid.goto("/licences")
        expect(ingrid.get_by_role("heading", name="Harbour Institute")).to_be_visible()
        expect(ingrid.get_by_text("3 fields, names confidential")).to_be_visible()
        look(ingrid, "licences with confidential parts")
        home = _page(house, browser, base_url, "ingrid@harbour.example")
        home.goto("/partner/contracts")
        home.get_by_role("link", name="Tides of talk").click()
        expect(home.get_by_role("heading", name="Tides of talk").first).to_be_visible()

"""An officer asks who received what: a contract's days, a person, and from there a record and its entry."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from contracts.deliveries import fold
from portal import cookies
from tests.contracts.deliveries.history import deliver
from tests.harness.browser import chromium, look, visitor
from tests.journeys import steps
from tests.journeys.steps import press
from tests.journeys.two_partners import Ground, ground

pytestmark = pytest.mark.browser


def delivered(place: Ground, contract_id: str) -> None:
    """Three answers, of which the last is not in the tree yet, nor in the fold."""
    for ordinals in (range(20), range(10, 30), range(3)):
        place.house.sequencer.integrate()
        fold.tick(place.house.store)
        deliver(place.house.store, contract_id, "trees", list(ordinals))


def test_an_officer_learns_who_received_what(tmp_path: Path) -> None:
    with ground(tmp_path) as place, chromium() as browser:
        contract = place.contract("lab-founder")
        delivered(place, contract.id)
        context = visitor(browser, place.base_url)
        context.add_cookies([{"name": cookies.SESSION, "value": place.session("compliance"), "url": place.base_url}])
        page, today = context.new_page(), place.house.clock.now().date().isoformat()
        page.goto("/compliance")
        steps.follow(page, "Who received what")
        expect(page.get_by_role("heading", level=1)).to_have_text("Who received what")
        page.get_by_label("From day").fill(today)
        page.get_by_label("To day, included").fill(today)
        press(page, "Show what it received")
        row = page.get_by_role("row").filter(has_text="Street trees").first
        expect(row.get_by_role("cell").nth(1)).to_have_text("3")
        expect(row.get_by_role("cell").nth(3)).to_have_text("30")
        look(page, "what a contract received")
        page.get_by_label("The person", exact=True).fill("@keeper-1")
        press(page, "Show who holds their records")
        expect(page.get_by_role("cell", name="10 of 10")).to_be_visible()
        look(page, "who holds records of a person")
        page.locator("#main").get_by_role("link", name="10", exact=True).click()
        expect(page.get_by_role("heading", name="2. Who holds 10")).to_be_visible()
        steps.follow(page, "latest")
        expect(page.locator("main")).to_contain_text("Records")
        place.house.sequencer.integrate()
        proved(letter_of(page, "@keeper-1", tmp_path), tmp_path)
        answered_by_questions(page)


def letter_of(page: Page, person: str, folder: Path) -> Path:
    """From a handle to the letter with its proofs, in fewer than ten clicks from the first page on."""
    clicks = 0
    page.goto("/compliance")
    steps.follow(page, "Who received what")
    page.get_by_label("The person", exact=True).fill(person)
    press(page, "Show who holds their records")
    page.get_by_label("To", exact=False).first.fill("Kim Ash\n1 Quay Road")
    press(page, "Write the letter")
    clicks += 3
    expect(page.get_by_role("heading", name="Who received records about you", exact=False)).to_be_visible()
    look(page, "letter to a person")
    with page.expect_download() as sent:
        press(page, "Download with proofs")
    clicks += 1
    assert clicks < 10
    file = folder / "letter.zip"
    sent.value.save_as(file)
    return file


def proved(letter: Path, folder: Path) -> None:
    """Every proof holds, by what came with the letter alone."""
    with zipfile.ZipFile(letter) as archive:
        archive.extractall(folder)
    there = folder / "proofs"
    key = re.search(r"tlog-proof '([^']+)'", (there / "READ-ME.txt").read_text())
    assert key is not None
    proofs = sorted(there.glob("*.tlog-proof"))
    for each in proofs:
        subprocess.run([sys.executable, "-I", "verify_licet.py", "proof", each.name, key[1]], cwd=there, check=True, capture_output=True)
    assert (len(proofs), (folder / "letter.pdf").read_bytes()[:5]) == (2, b"%PDF-")


def answered_by_questions(page: Page) -> None:
    """The prepared questions, a click each, and the search narrowed down by one."""
    page.goto("/compliance")
    steps.follow(page, "Questions")
    look(page, "questions of auditors")
    steps.follow(page, "Who read which dataset?")
    expect(page.get_by_role("cell", name="Street trees").first).to_be_visible()
    look(page, "who read which dataset")
    steps.follow(page, "Is anything missing?")
    look(page, "completeness")
    page.goto("/compliance?show=all")
    page.get_by_text("Narrow it down").click()
    look(page, "search narrowed down")

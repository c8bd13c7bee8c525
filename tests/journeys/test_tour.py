"""A visitor takes the demo's tour and clicks only what it offers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.harness.browser import chromium, look, visitor
from tests.harness.server import free_port, start

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo, made in an empty folder."""
    port = free_port(pair=True)
    running = start(tmp_path_factory.mktemp("tour"), ["demo"], {"PORT": str(port)}, port, wait=300)
    yield running.base_url
    running.stop()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()
    page.wait_for_load_state()


def back(page: Page, now: str) -> None:
    """Back to the tour by the strip on every page; `now` is the stop that is due."""
    page.get_by_role("link", name="Take the tour").click()
    expect(page.locator("[aria-current=step] h2")).to_have_text(now)


def test_a_visitor_reaches_every_stop_by_what_the_tour_offers(base_url: str, tmp_path: Path) -> None:
    with chromium() as browser:
        context = visitor(browser, base_url)
        page = context.new_page()
        page.goto("/demo")
        look(page, "tour begun")
        page.get_by_role("link", name="Open the dataset").click()
        back(page, "See what there is")
        press(page, "Go on: become Nora and apply")
        press(page, "Hand in application")
        back(page, "Decide")
        press(page, "Become Samir and decide")
        look(page, "desk application")
        press(page, "Approve application")
        back(page, "Draft and offer the contract")
        press(page, "Draft as Samir")
        look(page, "desk draft")
        press(page, "Create draft")
        press(page, "Offer to the partner")
        back(page, "Sign")
        press(page, "Become Nora and sign")
        page.get_by_label("I have read the contract").check()
        press(page, "Sign contract")
        back(page, "Countersign")
        press(page, "Become Sofia and countersign")
        look(page, "desk countersign")
        press(page, "Countersign contract")
        back(page, "Read the first records")
        press(page, "Make the client and read")
        expect(page.locator("#request .chip")).to_have_text(["200 OK", "200 OK"])
        back(page, "Find its entry and proof")
        press(page, "Become Colm and open the entry")
        expect(page.locator("h1")).to_have_text("Records delivered")
        back(page, "Suspend, and watch it bite")
        press(page, "Become Samir and suspend")
        press(page, "Suspend contract")
        look(page, "desk suspended")
        back(page, "Suspend, and watch it bite")
        press(page, "Repeat the request")
        expect(page.locator("#suspension .exchange .chip")).to_have_text(["403 Forbidden"])
        back(page, "Stop a scraper")
        press(page, "Let it crawl")
        expect(page.locator("#scraper .crawls .chip")).to_have_text(["Stopped with 403", "Finished"], timeout=120_000)
        expect(page.locator("#scraper .crawls dt")).to_contain_text(["Reason", "license", "register"])
        expect(page.get_by_text("You have seen the whole chain")).to_be_visible()
        look(page, "tour done")
        press(page, "Become Samir Lund")
        look(page, "desk today")
        context.close()

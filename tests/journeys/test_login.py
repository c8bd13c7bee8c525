"""A partner's person reads from their own machine: a client made on the page, `licet login` and the consent page, `licet pull`."""

from __future__ import annotations

import json
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from portal.demo.people import person
from tests.harness.browser import chromium, look, visitor
from tests.harness.installation import Installation, install
from tests.harness.server import free_port, start
from tests.harness.smtp import Mailserver
from tests.harness.terminal import Terminal
from tests.journeys.steps import press, sign_in

pytestmark = pytest.mark.browser

ROWS, ALLOWED = 1_800, 1_200


@dataclass
class Desk:
    """A person of the partner: a browser in which they are signed in, and a terminal."""

    made: Installation
    page: Page
    terminal: Terminal
    home: Path

    def asked(self, command: str) -> str:
        """Run the login without a browser; the address that it shows."""
        self.terminal.type(f"{command} --no-browser")
        self.terminal.wait_for("and allow it:")
        self.terminal.wait_for("http://")
        return "http://" + self.terminal.wait_for("\n").strip()


@pytest.fixture
def desk(tmp_path: Path, post: Mailserver) -> Iterator[Desk]:
    folder, own = tmp_path / "platform", tmp_path / "own"
    folder.mkdir()
    own.mkdir()
    port = free_port()
    made = install(folder, port, rows=ROWS, mail=post, named_users=True)
    running = start(folder, ["serve"], {}, port)
    environ = {"LICET_PARTNER_HOME": str(tmp_path / "home")}
    try:
        with chromium() as browser, Terminal(own, environ) as terminal:
            terminal.run(f'export PATH="{Path(sys.prefix) / "bin"}:$PATH"')
            nora = person("lead")
            page = visitor(browser, running.base_url).new_page()
            sign_in(page, nora.email, nora.password)
            yield Desk(made, page, terminal, tmp_path / "home")
    finally:
        running.stop()


def test_a_person_signs_in_allows_it_and_has_the_records_in_a_file(desk: Desk) -> None:
    page, terminal = desk.page, desk.terminal
    page.goto(f"/partner/contracts/{desk.made.contract.id}")
    page.get_by_label("Name of the new credential").fill("my laptop")
    expect(page.get_by_label("People, with a program on their own machine")).to_be_checked()
    look(page, "new client for people")
    press(page, "Create credential")
    look(page, "client for people")
    login, pull = page.locator("#licet").inner_text().splitlines()

    page.goto(desk.asked(login))
    expect(page.get_by_role("heading", level=1)).to_have_text("my laptop asks to read for you")
    expect(page.locator("main")).to_contain_text("Of the dataset “Street trees” these fields may be read")
    expect(page.locator("main")).to_contain_text("Records are read for people who sign in by name")
    look(page, "a program asks")
    press(page, "Allow my laptop to read")
    expect(page.locator("body")).to_contain_text("Go back to the terminal")
    assert "Signed in at http://127.0.0.1" in terminal.wait_for("ready-for-a-line> ")
    assert terminal.exit_code() == 0
    kept = desk.home / "sign-in.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    assert pull == "licet pull trees --out trees.ndjson"
    shown = terminal.run(pull)
    assert terminal.exit_code() == 0, shown
    assert f"trees.ndjson has {ALLOWED:,} records." in shown
    lines = (kept.parent.parent / "own" / "trees.ndjson").read_text().splitlines()
    assert (len(lines), {json.loads(line)["species"] for line in lines}) == (ALLOWED, {"oak", "ash"})
    assert "is there already" in terminal.run(pull)
    first = terminal.run("licet pull trees --fields species,height --where species.eq=ash | head -1")
    assert re.match(r'\{"species":"ash","height":[0-9.]+\}', first)

    page.goto(desk.asked(login))
    press(page, "Do not allow")
    assert "It was not allowed in the browser." in terminal.wait_for("ready-for-a-line> ")
    assert terminal.exit_code() == 1
    refused = page.request.get("/oauth/authorize?client_id=nobody", headers={"accept": "text/html"})
    page.goto(refused.url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("main")).to_contain_text("No program of this id reads under a contract here")
    look(page, "a program that nobody knows")

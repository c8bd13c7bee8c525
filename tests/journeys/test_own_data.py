"""README's "Your own data, under contract", followed word by word: typed at a terminal, clicked in a browser, with a file of other people's."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.harness import readme
from tests.harness.browser import chromium, look, visitor
from tests.harness.server import free_port, is_ready
from tests.harness.terminal import Terminal
from tests.journeys import steps
from tests.journeys.steps import Newcomer, follow, press

pytestmark = pytest.mark.browser

SECTION = "Your own data, under contract"
ANSWERS = {
    "Short name of the platform": "Airfield",
    "Legal name that signs contracts": "Airfield Records Ltd",
    "Mail address for questions": "data@airfield.example",
    "Address of the main site": "https://airfield.example",
    "Your own mail address": "ada@airfield.example",
    "Try it on this machine only": "y",
}
ADA, SAMIR, SOFIA, COLM = (f"{name}@airfield.example" for name in ("ada", "samir", "sofia", "colm"))
PASSWORD = "seven quiet runway lamps"
INGRID = Newcomer("Ingrid Sandvik", "ingrid@fjord.example", "four quiet harbour lights", "Fjord University", "Head of Department")
FIELDS = ("iata", "name", "state", "latitude", "longitude")

Window = Callable[[], Page]


@dataclass
class Reader:
    """Somebody with README open: the lines that are left, the names that are theirs, and the terminal in which they type."""

    terminal: Terminal
    lines: list[str]
    own: dict[str, str]

    def next(self, starts: str) -> str:
        """The next line of README, which must begin so, with the reader's own names put in."""
        line = self.lines.pop(0)
        assert line.startswith(starts), f"README goes on with {line!r}"
        for theirs, ours in self.own.items():
            line = line.replace(theirs, ours)
        return line

    def run(self, starts: str) -> str:
        """Type it; what it printed. It must end well."""
        shown = self.terminal.run(self.next(starts))
        assert self.terminal.exit_code() == 0, shown
        return shown


@pytest.fixture
def window() -> Iterator[Callable[[str], Window]]:
    """Opens windows of a browser, each of a person of its own."""
    opened: list[BrowserContext] = []
    with chromium() as browser:

        def at(base_url: str) -> Window:
            return lambda: _page(browser, base_url, opened)

        yield at
        for context in opened:
            context.close()


def _page(browser: Browser, base_url: str, opened: list[BrowserContext]) -> Page:
    opened.append(visitor(browser, base_url))
    return opened[-1].new_page()


def airports() -> Path:
    """A table of airports from a package of samples that this project did not make; its code is not run."""
    found = importlib.util.find_spec("vega_datasets")
    assert found is not None and found.origin is not None, "install deploy/requirements-samples.txt"
    return Path(found.origin).parent / "_data" / "airports.csv"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder that looks like the clone after `make install`: its environment is this one."""
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    return folder


def test_a_new_platform_reaches_a_signed_contract_over_its_own_file(clone: Path, window: Callable[[str], Window]) -> None:
    home, port = clone.parent / "airfield", free_port()
    home.mkdir()
    shutil.copy(airports(), home)
    base_url = f"http://127.0.0.1:{port}"
    with Terminal(clone) as terminal, Terminal(clone) as second:
        reader = Reader(terminal, readme.commands(SECTION), {"trees": "airports"})
        assert reader.next("make install") == "make install"  # the fixture's environment is what it makes
        export = reader.next("export PATH=")
        for each in (terminal, second):
            each.run(export)
            each.run(f"cd {home}")
        link = initialised(reader, port)
        described(reader, home)
        assert [line.split()[0] for line in reader.run("licet doctor").splitlines()] == ["fine"] * 16

        terminal.type(reader.next("licet serve"))
        assert terminal.wait_for("Stop it with Ctrl-C.").strip() == f"Airfield data access is at {base_url}."
        assert answers(base_url), terminal.shown()
        open_window = window(base_url)
        administrator(open_window(), link)
        samir, sofia = (member(open_window(), name, email, "steward") for name, email in (("Samir Haddad", SAMIR), ("Sofia Reyes", SOFIA)))
        colm = member(open_window(), "Colm Birk", COLM, "compliance")
        ingrid = open_window()
        applied(ingrid)
        approved_and_offered(samir, colm)
        signed(ingrid)
        countersigned(sofia)
        first_records(ingrid, second)

        reader.terminal = second
        assert re.match(
            r"The ledger is whole: \d+ entries, \d+ checkpoints, 0 values erased\.\n", reader.run("licet ledger verify").lstrip()
        )
        assert re.match(r"airports is now at version v2-\w+\.", reader.run("licet dataset refresh"))
        assert reader.lines == []
        terminal.interrupt()


def answers(base_url: str) -> bool:
    """Whether the portal comes up within a minute."""
    deadline = time.monotonic() + 60
    while not is_ready(base_url):
        if time.monotonic() > deadline:
            return False
    return True


def initialised(reader: Reader, port: int) -> str:
    """`licet init`, its questions answered one by one; the administrator's link."""
    reader.terminal.type(f"{reader.next('licet init')} --port {port}")
    for question, answer in ANSWERS.items():
        reader.terminal.wait_for(question)
        reader.terminal.wait_for(": ")
        reader.terminal.type(answer)
    reader.terminal.wait_for(f"Then open this link, as {ADA}.")
    return re.findall(r"http://\S+/join/\S+", reader.terminal.wait_for("ready-for-a-line> "))[0]


def described(reader: Reader, home: Path) -> None:
    """The proposal appended, then edited as README says: the summary, and every field but the key made plain."""
    reader.run("licet dataset describe")
    file = home / "licet.toml"
    text = file.read_text().replace('summary = ""', 'summary = "Airports of the United States with their places, from the vega datasets."')
    file.write_text(text.replace('class = "personal"', 'class = "plain"'))
    section = tomllib.loads(file.read_text())["datasets"]["airports"]
    assert (section["title"], section["location"], section["key"]) == ("Airports", "airports.csv", "iata")
    assert {field["class"] for name, field in section["fields"].items() if name != "iata"} == {"plain"}


def administrator(page: Page, link: str) -> None:
    """Step 1 and 2: the first administrator joins and invites two stewards and a compliance officer."""
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Join Airfield Records Ltd")
    look(page, "first administrator")
    page.get_by_label("Your name").fill("Ada Birk")
    page.get_by_label("Choose a password").fill(PASSWORD)
    press(page, "Join as administrator")
    steps.set_up_factor(page, ADA)
    look(page, "desk of a new installation")
    follow(page, "People")
    for email, role in ((SAMIR, "steward"), (SOFIA, "steward"), (COLM, "compliance")):
        page.get_by_label("Work address").fill(email)
        page.locator(f"input[name=role][value={role}]").check()
        press(page, "Send invitation")
        assert steps.done(page) == "Invited. The link in the mail works once, for 7 days."
    look(page, "people invited")


def member(page: Page, name: str, email: str, role: str) -> Page:
    """Join by the invitation's mail."""
    page.goto("/")
    follow(page, "Read its mail")
    steps.mail(page, email, "You are invited").get_by_role("link").first.click()
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Choose a password").fill(PASSWORD)
    press(page, f"Join as {role}")
    steps.set_up_factor(page, email)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


def applied(page: Page) -> None:
    """Step 3: from the catalogue to an application that is handed in."""
    page.goto("/")
    follow(page, "Datasets")
    follow(page, "Airports")
    look(page, "own dataset")
    page.get_by_role("main").get_by_role("link", name="Apply").first.click()
    follow(page, "Create an account")
    steps.sign_up(page, INGRID)
    press(page, "Begin an application for Airports")
    text = "How far people live from an airport with a scheduled connection, published as a map of counties."
    steps.fill_application(page, "Reach of small airports", "research", text, FIELDS, {"country": "USA"})
    press(page, "Hand in application")
    assert steps.done(page) == "Sent. You get a mail when it is decided."


def approved_and_offered(page: Page, officer: Page) -> None:
    """Step 4: the first steward and the compliance officer find it on Today."""
    follow(page, "Today")
    page.get_by_role("main").get_by_role("link", name="Reach of small airports").first.click()
    press(page, "It is complete")
    page.get_by_label("Reason").fill("A clear question, and nobody is in the data.")
    press(page, "Approve application")
    officer.goto("/desk")
    officer.get_by_role("main").get_by_role("link", name="Reach of small airports").first.click()
    officer.get_by_label("On which basis is the data given?").select_option("not-personal")
    officer.get_by_label("Why it holds").fill("Airports and their places alone.")
    press(officer, "Confirm the lawful basis")
    page.reload()
    follow(page, "Draft the contract")
    press(page, "Create draft")
    press(page, "Offer to the partner")
    assert steps.done(page) == "Offered. Those who may sign get a mail."


def signed(page: Page) -> None:
    """Step 5: the partner finds the contract on Today."""
    follow(page, "Today")
    page.get_by_role("main").get_by_role("link", name="Reach of small airports").first.click()
    steps.set_up_factor(page, INGRID.email)
    steps.sign(page, INGRID.name, INGRID.capacity, INGRID.password)
    assert steps.done(page) == "Signed. The platform countersigns next; you get a mail when the contract is in force."


def countersigned(page: Page) -> None:
    """Step 6: the second steward finds it on Today."""
    follow(page, "Today")
    page.get_by_role("main").get_by_role("link", name="Reach of small airports").first.click()
    steps.countersign(page, "Sofia Reyes", "Director of Data Access", PASSWORD)
    assert steps.done(page) == "Countersigned and sealed. The contract is in force; the partner gets a mail."


def first_records(page: Page, terminal: Terminal) -> None:
    """Step 7: a client, and the command beside its secret pasted into a shell: five airports, in the contract's fields, the id a pseudonym."""
    follow(page, "Today")
    page.get_by_role("main").get_by_role("link", name="Reach of small airports").first.click()
    page.get_by_label("Name of the new credential").fill("first pull")
    press(page, "Create credential")
    command = page.locator("#curl").inner_text()
    answered = subprocess.run(["/bin/sh", "-c", command], cwd=Path("/"), capture_output=True, text=True, check=True, timeout=120)
    answer = json.loads(answered.stdout)
    assert [tuple(record) for record in answer["data"]] == [FIELDS] * 5
    known = {row.split(",")[1] for row in airports().read_text().splitlines()[1:]}
    assert {record["name"] for record in answer["data"]} <= known
    withheld = {"rows": {"outside_contract": "<10", "deleted": 0, "objecting": 0}, "fields": ["city", "country"]}
    assert (answer["withheld"], answer["entry"][:4]) == (withheld, "ent_")
    for line in command.splitlines():
        shown = terminal.run(line)
    assert len(json.loads(shown)["data"]) == 5

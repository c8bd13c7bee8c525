"""From the datasets to a first record in the terminal: every click and every field counted; then going live with another credential.

The new person sees nothing but pages and a mail, does what the pages say, and runs what was copied in a shell that has curl alone.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from contracts.datasets.files import folder_of
from portal.pages.partner.commands import Key, curl_api, python_records, records_path
from tests.harness.browser import chromium, look, visitor
from tests.harness.installation import Installation, install
from tests.harness.server import Licet, free_port, start
from tests.harness.smtp import Mailserver
from tests.journeys import steps
from tests.journeys.newcomer import INGRID, read_in_python, shell

pytestmark = pytest.mark.browser

MOST_STEPS = 12
EVERY = ("id", "planted", "species", "height", "keeper", "note")


@dataclass
class Steps:
    """A person's hands: what they click and what they fill in, in order."""

    page: Page
    done: list[str] = field(default_factory=list)

    def click(self, what: Locator) -> None:
        """One click, and the page that follows."""
        self.done.append(f"click {(what.text_content() or '').strip()}")
        what.click()
        self.page.wait_for_load_state()

    def open_mail(self, server: Mailserver, to: str) -> None:
        """One click on the newest mail in the person's own program, once it is there, and one on its link."""
        deadline = time.monotonic() + steps.PATIENCE
        while not server.letters(to):
            assert time.monotonic() < deadline, f"no mail came to {to}"
            time.sleep(0.05)
        link = re.search(r"http\S+", server.letters(to)[0])
        assert link is not None
        self.done += ["click the mail", "click its link"]
        self.page.goto(link.group())

    def fill(self, label: str, text: str) -> None:
        """One field."""
        self.done.append(f"fill {label}")
        self.page.get_by_label(label, exact=True).fill(text)


@dataclass(frozen=True)
class Place:
    """A platform that is served, and its partner's live contract."""

    made: Installation
    running: Licet


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, post: Mailserver) -> Iterator[Place]:
    folder, port = tmp_path_factory.mktemp("sandbox"), free_port(pair=True)
    made = install(folder, port, rows=600, mail=post)
    running = start(folder, ["serve"], {}, port)
    yield Place(made, running)
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_a_new_person_has_a_record_in_the_terminal_in_twelve_steps(
    place: Place, browser: Browser, post: Mailserver, tmp_path: Path
) -> None:
    context = visitor(browser, place.running.base_url)
    page = context.new_page()
    page.goto("/datasets")
    look(page, "datasets with sandbox")
    hands = Steps(page)
    command = _copied_command(hands, page, post)
    assert len(hands.done) <= MOST_STEPS, hands.done
    assert hands.done == [
        "click Try it with invented rows: Street trees",
        "fill Your name",
        "fill Mail address at your organisation",
        "fill Password",
        "fill Organisation",
        "click Create account",
        "click the mail",
        "click its link",
        "fill Password",
        "click Confirm and sign in",
        "click Create sandbox credential",
        "click Copy",
    ]
    answer = json.loads(shell(command, tmp_path, curl="curl"))
    assert ([tuple(each) for each in answer["data"]], answer["sandbox"]) == ([EVERY] * 5, True)
    assert all(each["id"].startswith("ps_") and each["species"] == "oak" for each in answer["data"])
    page.goto("/partner")
    look(page, "today after the sandbox")
    page.goto("/partner/sandbox")
    look(page, "sandbox with a credential")
    context.close()


def test_going_live_changes_the_credential_and_nothing_else(place: Place, browser: Browser, tmp_path: Path) -> None:
    context = visitor(browser, place.running.base_url)
    page = context.new_page()
    lead = steps_of_a_lead(page)
    terms = _terms(place)
    live, base = place.made.client, place.running.base_url
    programs = [
        (curl_api(each, records_path(terms, 5)), python_records(each, terms))
        for each in (lead, Key(base, live.client_id, live.client_secret))
    ]
    texts = [
        tuple(text.replace(key[0], "ID").replace(key[1], "SECRET") for text in pair)
        for pair, key in zip(programs, _keys(lead, live), strict=True)
    ]
    assert texts[0] == texts[1]
    answers = [
        json.loads(shell(curl, _folder(tmp_path, name), curl="curl")) for name, (curl, _) in zip(("sandbox", "live"), programs, strict=True)
    ]
    assert (answers[0].pop("sandbox"), "sandbox" in answers[1]) == (True, False)
    assert _shape(answers[0]) == _shape(answers[1])
    assert [read_in_python(python) for _, python in programs] == [[100, 100], [100, 100]]
    # Without a byte of the data the sandbox goes on.
    for file in folder_of(place.made.settings.home, "trees").glob("*"):
        file.unlink()
    assert json.loads(shell(programs[0][0], _folder(tmp_path, "again"), curl="curl"))["data"] == answers[0]["data"]
    context.close()


def _copied_command(hands: Steps, page: Page, post: Mailserver) -> str:
    """From the datasets to the command on the clipboard, by what the pages offer."""
    main = page.get_by_role("main")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hands.click(main.get_by_role("link", name="Try it with invented rows: Street trees"))
    look(page, "sign up for the sandbox")
    hands.fill("Your name", INGRID.name)
    hands.fill("Mail address at your organisation", INGRID.email)
    hands.fill("Password", INGRID.password)
    hands.fill("Organisation", INGRID.organisation)
    hands.click(main.get_by_role("button", name="Create account"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    hands.open_mail(post, INGRID.email)
    hands.fill("Password", INGRID.password)
    hands.click(main.get_by_role("button", name="Confirm and sign in"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Try it before you apply")
    look(page, "sandbox before the first credential")
    hands.click(main.get_by_role("button", name="Create sandbox credential"))
    look(page, "sandbox credential")
    hands.click(page.locator(".command").filter(has=page.locator("#curl")).get_by_role("button"))
    return str(page.evaluate("navigator.clipboard.readText()"))


def steps_of_a_lead(page: Page) -> Key:
    """The partner's lead, who has a live contract, makes a sandbox credential too."""
    from portal.demo.people import person

    lead = person("lead")
    steps.sign_in(page, lead.email, lead.password)
    page.goto("/partner/sandbox?dataset=trees")
    steps.press(page, "Create sandbox credential")
    secret = steps.copied(page, page.locator(".secret"))
    client = steps.copied(page, page.locator(".head"))
    return Key(page.url.partition("/partner")[0], client, secret)


def _terms(place: Place) -> Any:
    """The live contract's terms: the program asks for what the contract names."""
    from sqlmodel import Session

    from contracts.store.engine import open_engine
    from contracts.terms.grant import version_row
    from contracts.terms.model import from_json

    engine = open_engine(place.made.settings.database_url)
    with Session(engine) as session:
        version = version_row(session, place.made.contract)
    engine.dispose()
    assert version is not None
    return from_json(version.terms_json)


def _keys(lead: Key, live: Any) -> list[tuple[str, str]]:
    return [(lead.client_id, lead.secret), (live.client_id, live.client_secret)]


def _folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


def _shape(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without its values."""
    return {
        "members": list(answer),
        "rows": [{name: type(value).__name__ for name, value in row.items()} for row in answer["data"]],
        "withheld": sorted(answer["withheld"]),
        "next": type(answer["next"]).__name__,
        "entry": answer["entry"][:4],
    }

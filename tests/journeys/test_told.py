"""A partner's day: the dataset's page, its own example in a terminal, usage, and the alerts at 80 and 100 percent, with the mails.

What the platform announced of a field, and how requests ended, stand on the same pages.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from portal.demo.people import person
from tests.harness import partner
from tests.harness.browser import chromium, look, visitor
from tests.harness.installation import Installation, install
from tests.harness.server import Licet, free_port, start
from tests.harness.smtp import Mailserver
from tests.journeys import steps
from tests.journeys.newcomer import shell

pytestmark = pytest.mark.browser

LEAD = person("lead")
QUOTA = 250
DAY = (datetime.now(UTC) + timedelta(days=20)).date()
CHANGE = f"""[[datasets.trees.changes]]
field = "height"
date = {DAY.isoformat()}
what = "Centimetres instead of metres."
"""


@dataclass(frozen=True)
class Place:
    """A platform that is served, and its partner's contract."""

    made: Installation
    running: Licet

    def run(self, command: str, folder: Path) -> dict[str, object]:
        """A command of a page in a shell that has a token and curl, and nothing else."""
        answer = partner.token(self.running.base_url, self.made.client)
        folder.mkdir()
        found = json.loads(shell(f"TOKEN={answer.json['access_token']}\n{command}", folder, curl="curl"))
        assert isinstance(found, dict)
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, post: Mailserver) -> Iterator[Place]:
    folder, port = tmp_path_factory.mktemp("told"), free_port(pair=True)
    terms = {"records_per_day": QUOTA, "distinct_records": 10_000, "bytes_per_day": 10_000_000}
    made = install(folder, port, rows=1_000, mail=post, extra=CHANGE, **terms)
    running = start(folder, ["serve"], {}, port)
    yield Place(made, running)
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_a_partner_reads_by_the_pages_example_and_is_told_what_is_used(
    place: Place, browser: Browser, post: Mailserver, tmp_path: Path
) -> None:
    context = visitor(browser, place.running.base_url)
    page = context.new_page()
    page.goto("/datasets/trees")
    expect(card(page, "Announced changes")).to_contain_text("Centimetres instead of metres.")
    look(page, "dataset with an announced change")
    command = steps.copied(page, card(page, "How it is read"))
    read = [place.run(command, tmp_path / str(number)) for number in range(2)]
    assert [len(each["data"]) for each in read] == [100, 100]  # type: ignore[arg-type]  # rows
    steps.sign_in(page, LEAD.email, LEAD.password)
    page.goto(f"/partner/contracts/{place.made.contract.id}")
    expect(page.locator(".note.wait")).to_contain_text("Centimetres instead of metres.")
    look(page, "contract with an announced change")
    steps.follow(page, "All usage")
    until(page, "What you were told", "80 % Records in a day: 200 of 250")
    until(page, "How requests ended", "Today 2 0 0")
    assert len(place.run(command, tmp_path / "last")["data"]) == 50  # type: ignore[arg-type]  # rows
    assert place.run(command, tmp_path / "refused")["code"] == "quota_exhausted"
    until(page, "What you were told", "Used up Records in a day: 250 of 250")
    until(page, "How requests ended", "Today 4 1 (25 %) 0")
    look(page, "usage after the alerts at 80 and 100 percent")
    context.close()
    wanted = ('80 % of a quota of "Shade in summer" is used', 'A quota of "Shade in summer" is used up')
    change = f"The field height changes on {DAY.day} {DAY:%B %Y}"
    assert within(lambda: sorted(subjects(post)) == sorted([*wanted, change])), subjects(post)


def card(page: Page, heading: str) -> Locator:
    """The card under a heading."""
    return page.locator("section.card").filter(has=page.get_by_role("heading", name=heading, exact=True))


def until(page: Page, heading: str, text: str) -> None:
    """Wait until a card says it: what was counted is looked at every few seconds."""

    def says() -> bool:
        page.reload()
        found = card(page, heading)
        return found.count() > 0 and text in " ".join(found.inner_text().split())

    assert within(says), (text, card(page, heading).all_inner_texts())


def subjects(post: Mailserver) -> list[str]:
    """What the lead was written about quotas and fields."""
    mine = [each for each in post.received if LEAD.email in each.recipients]
    found = (str(each.message["Subject"]) for each in mine)
    return [each for each in found if "quota" in each or "field" in each]


def within(holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold."""
    deadline = time.monotonic() + steps.PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True

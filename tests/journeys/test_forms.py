"""The questions before the form, the form that follows what is asked for, and a section that a colleague fills in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from portal import cookies
from tests.harness.browser import chromium, look, visitor
from tests.journeys import steps
from tests.journeys.steps import press
from tests.journeys.two_partners import Ground, ground

pytestmark = pytest.mark.browser
Window = Callable[[str], Page]
PLAIN = ("id", "planted", "species", "height")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground(tmp_path_factory.mktemp("forms")) as made:
        yield made


@pytest.fixture(scope="module")
def window(place: Ground) -> Iterator[Window]:
    """A window of a person of the cast who is signed in, or of a stranger; one browser for all."""
    with chromium() as browser:

        def open_one(key: str) -> Page:
            context = visitor(browser, place.base_url)
            if key:
                context.add_cookies([{"name": cookies.SESSION, "value": place.session(key), "url": place.base_url}])
            return context.new_page()

        yield open_one


def test_everything_that_is_asked_stands_on_one_page_before_the_form(place: Ground, window: Window) -> None:
    page = window("")
    page.goto("/apply?dataset=trees")
    steps.follow(page, "See every question first for Street trees")
    look(page, "every question")
    steps.follow(page, "Commercial")
    expect(page.locator(".head")).to_contain_text("10 questions for everyone")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as text").click()
    assert download.value.suggested_filename == "trees-commercial.md"
    assert download.value.path().read_text().startswith("# Commercial: Street trees\n")
    told = json.loads(page.request.get(f"{place.base_url}/apply/trees?kind=commercial&format=json").text())
    assert [each["id"] for section in told["sections"] for each in section["questions"]][:4] == [
        "project",
        "purpose",
        "purpose_text",
        "fields",
    ]


def test_a_commercial_application_for_non_personal_fields_is_short(window: Window) -> None:
    page = window("rival-founder")
    page.goto("/apply/trees?kind=commercial")
    press(page, "Begin this application")
    expect(page.locator("input[name=kind]:checked")).to_have_value("commercial")
    for name in PLAIN:
        page.locator(f"input[name=fields][value='{name}']").check()
    asked = page.locator(".form .field:visible, .form [data-part]:visible")
    # A field of a group stands within it, so only the outermost count.
    count = asked.evaluate_all("found => found.filter((each) => !found.some((other) => other !== each && other.contains(each))).length")
    assert count <= 12
    look(page, "commercial form")


def test_the_form_follows_the_ticks_and_a_colleague_fills_in_a_section(window: Window, place: Ground, tmp_path: Path) -> None:
    lead, colleague = window("lab-founder"), window("lab-reader")
    lead.goto("/apply")
    press(lead, "Begin an application for Street trees")
    expect(lead.get_by_role("heading", name="The law that it rests on")).to_be_hidden()
    steps.fill_application(lead, "Shade for walkers", "research", "Where walkers find shade at noon, as maps.", (*PLAIN, "note"), {})
    expect(lead.get_by_role("heading", name="The law that it rests on")).to_be_visible()
    lead.locator("input[name='answers.transfers'][value=safeguards]").check()
    expect(lead.get_by_label("Which countries, and under which safeguards")).to_be_visible()
    lead.locator("input[name='answers.transfers'][value=eea]").check()
    keeping = lead.locator("section.part").filter(has=lead.get_by_role("heading", name="How records are kept"))
    keeping.get_by_text("Let a colleague fill this in").click()
    lead.locator("[name='answers.storage']").fill("")
    keeping.get_by_label("Colleague").select_option(label="Zephyrine Reader")
    look(lead, "form with personal fields")
    press(lead, "Save and send the section", keeping)
    assert steps.done(lead) == "Saved and sent. Your colleague gets a mail with the link."
    press(lead, "Hand in application")
    expect(lead.get_by_role("alert")).to_contain_text("A colleague still has the section “How records are kept”")
    look(lead, "form while a colleague has a section")

    colleague.goto("/partner")
    colleague.get_by_role("main").get_by_role("link", name="Fill in").first.click()
    press(colleague, "Give it back, complete")
    expect(colleague.get_by_role("alert")).to_contain_text(
        "Answer in a sentence or more: Where records are stored, and how they are protected."
    )
    steps.answer_questions(colleague)
    look(colleague, "a section for a colleague")
    press(colleague, "Give it back, complete")
    assert steps.done(colleague) == "Given back. The lead gets a mail."

    lead.reload()
    press(lead, "Hand in application")
    assert steps.done(lead) == "Sent. You get a mail when it is decided."
    look(lead, "answers handed in")
    desk = window("steward")
    desk.goto(f"/desk/applications/{steps.application_id(lead)}")
    expect(desk.get_by_role("heading", name="What they answered")).to_be_visible()
    look(desk, "desk application with answers")


def test_the_desk_reads_every_form_and_what_is_wrong_with_one(window: Window, place: Ground) -> None:
    folder, page = place.house.settings.home / "forms", window("administrator")
    page.goto("/desk/forms")
    look(page, "desk forms")
    steps.follow(page, "Research for Street trees")
    look(page, "desk form")
    folder.mkdir()
    (folder / "research.toml").write_text('sections = ["request", "nowhere"]')
    page.reload()
    expect(page.locator("main > .note")).to_contain_text("names 'nowhere', which is defined nowhere.")
    look(page, "desk form that cannot be used")
    stranger = window("")
    stranger.goto("/apply/trees?kind=research")
    expect(stranger.get_by_role("main")).to_contain_text("This form cannot be used now")
    (folder / "research.toml").unlink()

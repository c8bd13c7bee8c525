"""Lost phone, in real browsers: asked for after the password, agreed by two, a day that is injected, and a new start; or stopped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect

from contracts.clock import FixedClock
from contracts.house import House
from contracts.people import lost, totp
from contracts.people import service as people
from contracts.people.roles import Role
from contracts.store.unit import Store
from portal import cookies
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.journeys.steps import done, press
from tests.portal.house import PASSWORD, add_person, mails, portal, settings, sign_in, small_house

ADA, LEA, MARA, JON = "ada@northfield.example", "lea@northfield.example", "mara@agora.example", "jon@agora.example"


@dataclass
class Scene:
    """The portal as served, its clock, and a browser for each person."""

    house: House
    clock: FixedClock
    browser: Browser
    base_url: str
    pages: dict[str, Page] = field(default_factory=dict)

    def page(self, email: str) -> Page:
        """The person's browser: signed in whole, but for Ada's, which has nothing yet."""
        if email not in self.pages:
            context = visitor(self.browser, self.base_url)
            if email != ADA:
                session = self.beside(lambda: sign_in(self.house, email).cookies[cookies.SESSION])
                context.add_cookies([{"name": cookies.SESSION, "value": session, "url": self.base_url}])
            self.pages[email] = context.new_page()
        return self.pages[email]

    def beside(self, act):  # type: ignore[no-untyped-def]  # any function
        """Do something outside this thread, in which Playwright's event loop runs."""
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(act).result()

    def letter(self, to: str) -> str:
        """The newest mail to a person."""
        return mails(self.house, to)[0]

    def asked(self) -> None:
        """Ada gives her password and says that phone and codes are lost."""
        page = self.page(ADA)
        page.goto("/sign-in")
        page.get_by_label("Mail address").fill(ADA)
        page.get_by_label("Password").fill(PASSWORD)
        press(page, "Sign in")
        page.get_by_text("Phone and recovery codes are both lost").click()
        look(page, "lost phone at sign-in")
        press(page, "Ask for a new start")
        assert done(page).startswith("Asked. Two members of staff")

    def agreed(self, email: str, how: str, button: str) -> Page:
        """A member of staff agrees."""
        page = self.page(email)
        page.goto("/desk/lost")
        page.get_by_label("How you made sure who asks").fill(how)
        look(page, f"lost factor on the desk of {email[:4]}")
        press(page, button)
        return page


@pytest.fixture
def scene(sqlite_store: Store, clock: FixedClock) -> Iterator[Scene]:
    house = small_house(sqlite_store, clock, settings())
    ada = add_person(house, ADA, "Ada Moss", Role.LEAD, organisation="org_northfield")
    add_person(house, LEA, "Lea Brandt", Role.LEAD, organisation="org_northfield")
    for email, name in ((MARA, "Mara Lind"), (JON, "Jon Petrov")):
        add_person(house, email, name, Role.STEWARD, organisation="org_agora", side="platform")
    seed = totp.new_seed()
    with house.store.write("seed") as unit:
        assert people.add_app(unit, house.keys, ada, seed, totp.code_at(seed, totp.step_at(unit.now)))
    with serving(portal(house)) as port, chromium() as browser:
        yield Scene(house, clock, browser, f"http://127.0.0.1:{port}")


@pytest.mark.browser
def test_two_agree_a_day_passes_and_the_password_leads_to_a_new_start(scene: Scene) -> None:
    scene.asked()
    first = scene.agreed(MARA, "Called her office number.", "Agree as the first of two")
    assert done(first) == "Noted. A second member of staff has to agree."
    expect(first.get_by_text("You agreed. A colleague has to agree as well.")).to_be_visible()
    second = scene.agreed(JON, "Saw her passport in a video call.", "Agree as the second")
    assert done(second).startswith("Agreed. The day of waiting has begun")
    look(second, "lost factor waits")
    assert "will" not in scene.letter(MARA) and "in 24 hours" in scene.letter(LEA)

    scene.clock.advance(hours=23)
    assert lost.finish_due(scene.house.store) == 0
    scene.clock.advance(hours=1)
    assert lost.finish_due(scene.house.store) == 1
    page = scene.page(ADA)
    page.goto("/sign-in")
    page.get_by_label("Mail address").fill(ADA)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    page.goto("/account")
    expect(page.get_by_role("link", name="Set one up")).to_be_visible()
    assert "was removed and every session ended" in " ".join(scene.letter(ADA).split()).replace("removed,", "removed")


@pytest.mark.browser
def test_another_lead_stops_it_by_the_link_and_the_factor_stays(scene: Scene) -> None:
    scene.asked()
    scene.agreed(MARA, "Called her office number.", "Agree as the first of two")
    scene.agreed(JON, "Saw her passport in a video call.", "Agree as the second")
    team = scene.page(LEA)
    team.goto("/partner/team")
    look(team, "team with a lost factor")
    link = re.search(r"/stop-replacement/\S+", scene.letter(LEA))
    assert link is not None
    team.goto(link.group())
    look(team, "stop the removal")
    press(team, "Stop the removal")
    scene.clock.advance(hours=25)
    assert lost.finish_due(scene.house.store) == 0
    with scene.house.store.read() as session:
        account = people.find_account(session, ADA)
        assert account is not None and people.has_factor(session, account.id)

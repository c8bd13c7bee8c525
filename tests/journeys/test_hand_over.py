"""Leadership goes to another member in a real browser: by the lead and the member, then by two of staff where the lead is gone.

On the way, the team and account pages are looked at wide and narrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, Page, expect

from contracts.house import House
from contracts.people import service as people
from contracts.people.roles import Role
from contracts.people.tables import Account
from portal import cookies
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.portal.conftest import house as house  # noqa: PLC0414 - a fixture, used under its name
from tests.portal.house import PASSWORD, add_person, mails, portal

pytestmark = pytest.mark.browser

ADA, BEA, CID = "ada@lab.example", "bea@lab.example", "cid@lab.example"
SAM, TESS = "sam@agora.example", "tess@agora.example"


@pytest.fixture
def base_url(house: House) -> Iterator[str]:
    """A partner with a lead, a signatory and a reader; two stewards."""
    for email, name, roles in (
        (ADA, "Ada Okafor", (Role.LEAD,)),
        (BEA, "Bea Lind", (Role.SIGNATORY,)),
        (CID, "Cid Moreau", (Role.READER,)),
    ):
        add_person(house, email, name, *roles, organisation="Fjord University")
    for email, name in ((SAM, "Sam Rossi"), (TESS, "Tess Brandt")):
        add_person(house, email, name, Role.STEWARD, organisation="org_platform", side="platform")
    with serving(portal(house)) as port:
        yield f"http://127.0.0.1:{port}"


def _signed_in(house: House, browser: Browser, base_url: str, email: str) -> Page:
    """A browser of a person who has given the password and a second factor just now."""
    with house.store.write("test") as unit:
        account = people.find_account(unit.session, email)
        assert account is not None
        token = people.open_session(unit, account.id, "127.0.0.0/24", browser="Firefox, Linux", second_factor=True)
    context = visitor(browser, base_url)
    context.add_cookies([{"name": cookies.SESSION, "value": token, "url": base_url}])
    return context.new_page()


def _press(page: Page, name: str, form: str = "") -> None:
    """Press a form's button, with the password where the form asks for it."""
    whole = page.locator("form").filter(has=page.get_by_role("button", name=name, exact=True))
    for field in whole.locator("input[type=password]").all():
        field.fill(PASSWORD)
    whole.get_by_role("button", name=name, exact=True).click()


def _said(page: Page) -> str:
    return page.get_by_role("status").inner_text().strip()


def _leads(house: House) -> list[str]:
    with house.store.read() as session:
        return [row.name for row in people.members(session, "Fjord University") if Role.LEAD in row.roles]


def _aside(act: object, *given: object) -> object:
    """Done in a thread of its own: Playwright's event loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act, *given).result()  # type: ignore[arg-type]  # any function


def test_leadership_goes_to_another_member(house: House, base_url: str) -> None:
    with chromium() as browser:
        ada, bea = (_signed_in(house, browser, base_url, each) for each in (ADA, BEA))
        ada.goto("/partner/team")
        look(ada, "team")
        ada.get_by_role("link", name="Cid Moreau").click()
        look(ada, "team member")
        ada.get_by_label("Developer").check()
        _press(ada, "Save roles")
        assert _said(ada) == "Saved. The person gets a mail; the roles hold at once."
        ada.get_by_role("link", name="Bea Lind").click()
        _press(ada, "Name as next lead")
        assert _said(ada) == "Named. They get a mail and have 7 days to accept; until then you lead."
        look(ada, "team while the leadership is handed over")
        bea.goto("/partner")
        bea.get_by_role("main").get_by_role("link", name="Read and decide").first.click()
        look(bea, "leadership offered")
        _press(bea, "Accept the leadership")
        assert _said(bea) == "You lead from now on. Everyone in the organisation gets a mail."
        assert _leads(house) == ["Bea Lind"]
        # The old lead's sign-ins have ended; a new one opens, as a reader.
        ada.goto("/partner/team")
        expect(ada.get_by_role("heading", level=1)).to_have_text("Sign in")
        ada = _signed_in(house, browser, base_url, ADA)
        ada.goto("/account")
        expect(ada.get_by_text("Sees contracts and usage, changes nothing.")).to_be_visible()
        look(ada, "account")
        ada.goto("/account/password")
        look(ada, "change of password")
        assert "Bea Lind now leads" in str(_aside(mails, house, CID))


def test_two_of_staff_appoint_a_lead_where_the_one_is_gone(house: House, base_url: str) -> None:
    with house.store.write("test") as unit:
        account = people.find_account(unit.session, ADA)
        assert account is not None
        unit.lock(Account, account.id).disabled_at = unit.now
    with chromium() as browser:
        sam, tess, bea = (_signed_in(house, browser, base_url, each) for each in (SAM, TESS, BEA))
        sam.goto("/desk/partners/Fjord University")
        sam.get_by_label("Who is to lead").select_option(label="Bea Lind")
        sam.get_by_label("How it is known").fill("Her university says that she left in September; mail comes back.")
        look(sam, "partner whose lead is gone")
        _press(sam, "Propose")
        assert _said(sam) == "Proposed. Everyone there gets a mail; another member of staff decides."
        expect(sam.get_by_role("button", name="Agree")).to_have_count(0)
        bea.goto("/partner/team")
        bea.get_by_role("link", name="See who is to lead").click()
        look(bea, "leadership proposed by staff")
        tess.goto("/desk")
        expect(tess.get_by_role("main")).to_contain_text("New lead of Fjord University")
        look(tess, "desk with a hand-over")
        tess.get_by_role("main").get_by_role("link", name="Decide").first.click()
        look(tess, "partner with a proposal")
        _press(tess, "Agree")
        assert _said(tess) == "Handed over. Everyone there gets a mail."
        assert _leads(house) == ["Bea Lind"]
        assert "staff named Bea Lind as the next lead" in str(_aside(mails, house, CID))


def test_pages_for_a_forgotten_password(house: House, base_url: str) -> None:
    with chromium() as browser:
        page = visitor(browser, base_url).new_page()
        page.goto("/sign-in")
        page.get_by_role("link", name="Forgotten your password?").click()
        look(page, "forgotten password")
        page.get_by_label("Mail address").fill(BEA)
        page.get_by_role("button", name="Send the link").click()
        look(page, "forgotten password sent")
        link = next(each for each in str(_aside(mails, house, BEA)).replace("\\n", " ").split() if "/reset/" in each)
        page.goto("/reset/" + link.rpartition("/reset/")[2])
        look(page, "new password")
        page.get_by_label("New password").fill("a heron stands in the reeds")
        page.get_by_role("button", name="Set the new password").click()
        assert _said(page).startswith("Your new password holds")

"""A passkey in a real browser with a virtual authenticator: registered as the first factor, used after the password and in its place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from contracts.clock import FixedClock
from contracts.people.roles import Role
from contracts.store.unit import Store
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.harness.server import free_port
from tests.journeys.steps import follow, press
from tests.portal.house import PASSWORD, add_person, portal, settings, small_house

ADA = "ada@northfield.example"


@pytest.fixture
def page(sqlite_store: Store, clock: FixedClock) -> Iterator[Page]:
    """A browser at the portal under the name localhost, with an authenticator that knows its owner's finger."""
    port = free_port()
    house = small_house(sqlite_store, clock, settings(base_url=f"http://localhost:{port}", port=port))
    add_person(house, ADA, "Ada Moss", Role.LEAD, organisation="org_northfield")
    with serving(portal(house), port) as at, chromium() as browser:
        made = visitor(browser, f"http://localhost:{at}").new_page()
        devtools = made.context.new_cdp_session(made)
        devtools.send("WebAuthn.enable")
        kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {**kind, "automaticPresenceSimulation": True}})
        yield made


def _password(page: Page) -> None:
    page.goto("/sign-in?next=/account")
    page.get_by_label("Mail address").fill(ADA)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")


def _here(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Moss")


@pytest.mark.browser
def test_a_passkey_is_registered_and_signs_in_with_the_password_and_alone(page: Page) -> None:
    _password(page)
    _here(page)
    look(page, "account without a factor")
    follow(page, "Register one")
    page.get_by_label("Name").fill("Work laptop")
    look(page, "register a passkey")
    page.get_by_role("button", name="Register a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Keep these recovery codes")
    look(page, "recovery codes")
    code = page.locator(".codes li").first.inner_text()
    with page.expect_download() as download:
        press(page, "Save as a file")
    assert code in download.value.path().read_text()
    follow(page, "I have kept them, go on")
    expect(page.get_by_role("cell", name="Work laptop").first).to_be_visible()
    look(page, "account with a passkey")

    press(page, "Sign out", page.get_by_role("banner"))
    _password(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("One more step")
    look(page, "second factor at sign-in with a passkey")
    page.get_by_role("button", name="Use a passkey instead").click()
    _here(page)

    press(page, "Sign out", page.get_by_role("banner"))
    page.goto("/sign-in?next=/account")
    look(page, "sign in with a passkey")
    page.get_by_role("button", name="Sign in with a passkey").click()
    _here(page)
    expect(page.locator("#sessions ~ *, [aria-labelledby=sessions]").first).to_contain_text("With a passkey")

    page.get_by_role("button", name="Remove Work laptop").click()
    expect(page.get_by_role("status")).to_contain_text("The passkey is removed")
    press(page, "Sign out", page.get_by_role("banner"))
    _password(page)
    _here(page)

"""Signing in through an institution in a real browser, against a real OpenID provider (npm oidc-provider) that the test runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from contracts.clock import FixedClock, SystemClock
from contracts.house import House
from contracts.people import service as people
from contracts.people.roles import Role
from contracts.store.unit import Store
from portal import cookies
from tests.harness import node
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.harness.server import free_port
from tests.harness.tls import certificate
from tests.portal.house import add_person, portal, settings, small_house

pytestmark = pytest.mark.browser

ADA, HOME = "ada@northfield.example", "Northfield University"
SECRET = "a secret of the institution"
PEOPLE = {
    "ada": {"email": ADA, "email_verified": True, "name": "Ada Okafor"},
    "ben": {"email": "ben@northfield.example", "email_verified": True, "name": "Ben Adeyemi"},
    "mallory": {"email": ADA, "email_verified": False, "name": "Mallory"},
    "carla": {"email": "carla@elsewhere.example", "email_verified": True, "name": "Carla"},
}


@contextmanager
def provider(port: int, pem: Path, redirect_uri: str) -> Iterator[None]:
    """The institution's provider, until the block ends."""
    told = {"PORT": str(port), "PEM": str(pem), "REDIRECT_URI": redirect_uri, "CLIENT_ID": "licet", "CLIENT_SECRET": SECRET}
    environ = {**node.environ(), **told, "PEOPLE": json.dumps(PEOPLE)}
    words = [str(node.binary()), "openid-provider.mjs"]
    running = subprocess.Popen(words, cwd=node.packages(), env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert running.stdout is not None
    try:
        while "listening" not in (line := running.stdout.readline()):
            assert line, "the provider ended before it listened"
        yield
    finally:
        running.terminate()
        running.wait(10)
        running.stdout.close()


@pytest.fixture
def place(sqlite_store: Store, tmp_path: Path) -> Iterator[tuple[House, str]]:
    """A portal that knows the institution, whose provider runs; the house and its address."""
    port, at = free_port(), free_port()
    pem, base_url = certificate(tmp_path, "localhost"), f"http://127.0.0.1:{port}"
    (tmp_path / "secret").write_text(SECRET)
    northfield = {
        "name": HOME,
        "issuer": f"https://localhost:{at}",
        "client_id": "licet",
        "client_secret_file": tmp_path / "secret",
        "domains": ["northfield.example"],
        "organisation": "org_northfield",
        "private": True,
        "trust": pem,
    }
    now = FixedClock(SystemClock().now())
    store = Store(sqlite_store.engine, now)
    house = small_house(store, now, settings(base_url=base_url, sign_in={"northfield": northfield}))
    add_person(house, ADA, "Ada Okafor", Role.LEAD, organisation="org_northfield")
    add_person(house, "dora@other.example", "Dora Lund", Role.READER, organisation="org_other")
    with provider(at, pem, f"{base_url}/sign-in/with/northfield/back"), serving(portal(house), port):
        yield house, base_url


def _through(browser: Browser, base_url: str, name: str) -> Page:
    """A new browser that goes to the institution and comes back as the person of a name there."""
    page = visitor(browser, base_url, ignore_https_errors=True).new_page()
    page.goto("/sign-in?next=/partner/team")
    page.get_by_role("link", name=f"Sign in with {HOME}").click()
    _sign_in_there(page, name)
    return page


def _sign_in_there(page: Page, name: str) -> None:
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("anything")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("http://127.0.0.1:*/**")


def _accounts(house: House) -> set[str]:
    with house.store.read() as session:
        found = [people.find_account(session, str(each["email"])) for each in PEOPLE.values()]
        return {each.email for each in found if each is not None}


def test_a_person_signs_in_through_the_institution(place: tuple[House, str]) -> None:
    house, base_url = place
    with chromium() as browser:
        page = visitor(browser, base_url).new_page()
        page.goto("/sign-in")
        look(page, "sign in with an institution")
        page = _through(browser, base_url, "ada")
        expect(page.get_by_role("heading", level=1)).to_have_text("Team")
        page.goto("/account")
        expect(page.get_by_text("Through the institution", exact=True)).to_be_visible()
        expect(page.get_by_text(f"You can sign in through {HOME}.")).to_be_visible()
        look(page, "account with an institution")
        # Somebody new of the trusted domain joins the partner that the setting names, as a reader and nothing more.
        page = _through(browser, base_url, "ben")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        page.goto("/account")
        expect(page.get_by_text("Sees contracts and usage, changes nothing.")).to_be_visible()
    assert _accounts(house) == {ADA, "ben@northfield.example"}


def test_an_address_that_nobody_vouches_for_opens_no_account(place: tuple[House, str]) -> None:
    house, base_url = place
    with chromium() as browser:
        for name in ("mallory", "carla"):
            page = _through(browser, base_url, name)
            expect(page.get_by_role("main")).to_contain_text("No account here belongs to this sign-in.")
            assert not [each for each in page.context.cookies() if each["name"] == cookies.SESSION]
        look(page, "institution without an account here")
    assert _accounts(house) == {ADA}


def test_a_signed_in_person_links_the_institution(place: tuple[House, str]) -> None:
    house, base_url = place
    with house.store.write("test") as unit:
        account = people.find_account(unit.session, "dora@other.example")
        assert account is not None
        token = people.open_session(unit, account.id, "127.0.0.0/24", second_factor=True)
    with chromium() as browser:
        context = visitor(browser, base_url, ignore_https_errors=True)
        context.add_cookies([{"name": cookies.SESSION, "value": token, "url": base_url}])
        page = context.new_page()
        page.goto("/account")
        page.get_by_role("link", name=f"Link your sign-in at {HOME}").click()
        _sign_in_there(page, "carla")
        assert page.get_by_role("status").inner_text().strip().startswith("Linked.")
        page = _through(browser, base_url, "carla")
        page.goto("/account")
        expect(page.get_by_role("heading", level=1)).to_have_text("Dora Lund")

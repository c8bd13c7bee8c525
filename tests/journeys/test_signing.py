"""Signing in a real browser: a signatory new to Licet who reads before anything else, and a contract signed on paper."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pypdf
import pytest
from playwright.sync_api import Browser, Page, expect

from contracts.clock import SystemClock
from contracts.house import House
from contracts.lifecycle.tables import Contract
from contracts.people.roles import Role
from contracts.signing.certificates import known_certificates
from contracts.signing.check import Checked, check
from contracts.signing.handler import DOCUMENT, document_handler
from contracts.store import outbox
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal import cookies
from tests.harness.asgi import serving
from tests.harness.browser import chromium, look, visitor
from tests.harness.codes import code_of, learn
from tests.harness.documents import PNG
from tests.journeys import steps
from tests.journeys.steps import done, press
from tests.portal import scene
from tests.portal.house import PASSWORD, add_person, mails, portal, settings, sign_in, small_house

TOVE, BEA, MARA, JON = "tove@northfield.example", "bea@northfield.example", "mara@agora.example", "jon@agora.example"

pytestmark = pytest.mark.browser


Result = TypeVar("Result")


def beside(act: Callable[[], Result]) -> Result:
    """Do something outside this thread, in which Playwright's event loop runs."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result()


@dataclass
class Stage:
    """The portal as served, and a browser for each person."""

    house: House
    browser: Browser
    base_url: str
    pages: dict[str, Page] = field(default_factory=dict)

    def page(self, email: str) -> Page:
        """The person's browser, signed in whole; Bea's has nothing yet."""
        if email not in self.pages:
            context = visitor(self.browser, self.base_url)
            if email != BEA:
                session = beside(lambda: sign_in(self.house, email).cookies[cookies.SESSION])
                context.add_cookies([{"name": cookies.SESSION, "value": session, "url": self.base_url}])
            self.pages[email] = context.new_page()
        return self.pages[email]

    def settle(self) -> None:
        """Make the documents that wait."""
        store, chosen = self.house.store, self.house.settings
        handlers = {DOCUMENT: document_handler(chosen, store, self.house.keys)}
        while beside(lambda: outbox.run_due(store, handlers)):
            pass

    def letter(self, to: str) -> str:
        """The newest mail to a person."""
        return beside(lambda: mails(self.house, to))[0]

    def offered(self) -> Contract:
        """A contract that waits for the partner's signature."""
        return scene.contract(self.house, "offered", lead=TOVE, stewards=(MARA, JON))

    def countersigned(self, contract: Contract) -> Checked:
        """The second steward countersigns; what the sealed file is worth that the desk then hands out."""
        page = self.page(JON)
        page.goto(f"/desk/contracts/{contract.id}")
        page.get_by_label("Your name").fill("Jon Petrov")
        page.get_by_label("In what capacity").fill("Director of data access")
        press(page, "Countersign contract")
        assert done(page).startswith("Countersigned and sealed.")
        self.settle()
        with self.house.store.read() as session:
            trusted = known_certificates(session, self.house.settings)
        file = page.request.get(f"/desk/contracts/{contract.id}/document.pdf").body()
        return beside(lambda: check(file, trusted, self.house.clock.now()))


@pytest.fixture(scope="module")
def stage(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("signing")
    shutil.copy(sqlite_template, folder / "licet.db")
    clock, engine = SystemClock(), open_engine(f"sqlite:///{folder / 'licet.db'}")
    house = small_house(Store(engine, clock), clock, settings(home=folder))
    add_person(house, TOVE, "Tove Okafor", Role.LEAD, Role.SIGNATORY, organisation="Northfield University")
    for email, name in ((MARA, "Mara Lind"), (JON, "Jon Petrov")):
        add_person(house, email, name, Role.STEWARD, organisation="Agora", side="platform")
    with serving(portal(house)) as port, chromium() as browser:
        yield Stage(house, browser, f"http://127.0.0.1:{port}")
    engine.dispose()


def test_a_signatory_new_to_us_reads_comes_and_signs(stage: Stage) -> None:
    contract = stage.offered()
    lead = stage.page(TOVE)
    lead.goto(f"/partner/contracts/{contract.id}/signing")
    lead.get_by_label("Their full name").fill("Bea <b>Bound</b>")
    lead.get_by_label("Their mail address").fill(BEA)
    press(lead, "Ask them to sign")
    assert done(lead).startswith("Asked. They get a mail with the contract")
    expect(lead.get_by_text("Has not come by the link yet")).to_be_visible()
    look(lead, "signing, signatory asked")
    lead.goto(f"/partner/contracts/{contract.id}")
    expect(lead.get_by_role("button", name="Sign contract")).to_have_count(0)

    bea = stage.page(BEA)
    link = re.search(r"http\S+(/sign/\S+)", stage.letter(BEA))
    assert link is not None
    bea.goto(link[1])
    expect(bea.get_by_role("heading", name=contract.title).first).to_be_visible()
    look(bea, "contract read before an account")
    assert bea.request.get(f"{link[1]}/contract.pdf").body().startswith(b"%PDF-")
    bea.get_by_label("Your full name").fill("Bea Bound")
    bea.get_by_label("Choose a password").fill(PASSWORD)
    press(bea, "Go on to sign")
    expect(lead.get_by_role("heading", name="Waiting for Bea <b>Bound</b>")).to_be_visible()
    steps.follow(bea, "Set up a second factor")
    learn(BEA, bea.locator(".copyable code").first.inner_text())
    bea.get_by_label("Code", exact=True).fill(code_of(BEA, steps.origin(bea)))
    press(bea, "Set up")
    steps.follow(bea, "I have kept them, go on")
    bea.get_by_label("In what role you sign").fill("Chancellor")
    bea.get_by_label("I have a written power of attorney").check()
    bea.get_by_label("I have read the contract").check()
    press(bea, "Sign contract")
    assert done(bea).startswith("Signed.")
    assert "Bea Bound signed the contract" in stage.letter(TOVE)

    found = stage.countersigned(contract)
    assert (found.problems, [(each["name"], each["authority"]) for each in found.signatures]) == (
        (),
        [("Bea Bound", "power"), ("Jon Petrov", "")],
    )
    lead.goto(f"/partner/contracts/{contract.id}/signing")
    expect(lead.get_by_text("It is an electronic signature, not an advanced or a qualified one.").first).to_be_visible()
    look(lead, "evidence of a contract in force")


def test_a_paper_is_taken_by_the_hash_on_its_page_and_a_scan_of_another_version_is_not(stage: Stage) -> None:
    contract, other = stage.offered(), stage.offered()
    mara = stage.page(MARA)
    printed = {each.id: _printed(mara, each) for each in (contract, other)}
    mara.goto(f"/desk/contracts/{contract.id}/signing")
    for typed in (printed[other.id], printed[contract.id]):
        mara.get_by_label("The scan", exact=True).set_input_files({"name": "scan.png", "mimeType": "image/png", "buffer": PNG})
        mara.get_by_label("Who signed it").fill("Bea Bound")
        mara.get_by_label("In what role").fill("Chancellor")
        mara.get_by_label("Short hash on the scan").fill(typed)
        if typed == printed[other.id]:
            press(mara, "Record the paper signature")
            expect(mara.locator("#e-short_hash")).to_contain_text("the paper is of another one")
            look(mara, "paper of another version")
    press(mara, "Record the paper signature")
    assert done(mara).startswith("Recorded as signed on paper.")
    assert mara.request.get(f"/desk/contracts/{contract.id}/signed-file").body() == PNG
    found = stage.countersigned(contract)
    assert (found.problems, [(each["name"], each["method"]) for each in found.signatures]) == (
        (),
        [("Bea Bound", "paper"), ("Jon Petrov", "account")],
    )


def _printed(page: Page, contract: Contract) -> str:
    """The short hash on the last page of the PDF to sign, as a person reads it off the paper."""
    pdf = page.request.get(f"/desk/contracts/{contract.id}/document.pdf").body()
    text = pypdf.PdfReader(io.BytesIO(pdf)).pages[-1].extract_text()
    found = re.search(r"Short hash of this version\s+([0-9a-f]{4}(?: [0-9a-f]{4}){3})", text)
    assert found is not None, text
    return found[1]

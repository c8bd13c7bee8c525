"""What people do on the portal's pages, each a few clicks: sign in, read mail, apply, decide, sign, countersign, make a client."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from playwright.sync_api import Locator, Page, expect

from tests.harness.browser import look_once
from tests.harness.codes import code_of, learn

PATIENCE = 60.0


@dataclass(frozen=True)
class Newcomer:
    """Somebody who has no account yet."""

    name: str
    email: str
    password: str
    organisation: str
    capacity: str


def press(page: Page, name: str, within: Locator | None = None) -> None:
    """Press the button of that name and wait for the page that follows."""
    (within or page).get_by_role("button", name=name, exact=True).click()
    page.wait_for_load_state()


def follow(page: Page, name: str, within: Locator | None = None) -> None:
    """Follow the link of that name."""
    (within or page).get_by_role("link", name=name, exact=True).first.click()
    page.wait_for_load_state()


def sign_in(page: Page, email: str, password: str) -> None:
    """Sign in by the form, with a code where the person has an app for codes; lands on the person's first page."""
    page.goto("/sign-in")
    page.get_by_label("Mail address").fill(email)
    page.get_by_label("Password").fill(password)
    press(page, "Sign in")
    if "/sign-in/code" in page.url:
        page.get_by_label("Code", exact=True).fill(code_of(email, origin(page)))
        press(page, "Sign in")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def origin(page: Page) -> str:
    """Scheme and host of the page's address."""
    return "/".join(page.url.split("/")[:3])


def set_up_factor(page: Page, email: str) -> None:
    """Follow the page's note to the page that sets up an app, give its code, keep the recovery codes, and come back."""
    if "/account/second-factor" not in page.url:
        follow(page, "Set up a second factor")
    learn(email, page.locator(".copyable code").first.inner_text())
    page.get_by_label("Code", exact=True).fill(code_of(email, origin(page)))
    look_once(page, "set up a second factor")
    press(page, "Set up")
    look_once(page, "recovery codes")
    follow(page, "I have kept them, go on")


def mail(page: Page, to: str, subject: str) -> Locator:
    """The newest mail of that subject to a person, on the mailbox page; mail comes within seconds."""
    page.goto(f"/mailbox?to={to}")
    found = page.locator("details.mail").filter(has=page.locator("summary").filter(has_text=subject)).first
    deadline = time.monotonic() + PATIENCE
    while not found.count():
        assert time.monotonic() < deadline, f"no mail {subject!r} to {to}: {page.locator('summary').all_inner_texts()}"
        page.reload()
    if found.get_attribute("open") is None:
        found.locator("summary").click()
    return found.locator(".letter")


def sign_up(page: Page, who: Newcomer, *, kind: str = "university", country: str = "SE") -> None:
    """Fill in the form at which Apply arrived, and confirm the address by the mail's link; lands where one was going."""
    page.get_by_label("Your name").fill(who.name)
    page.get_by_label("Mail address at your organisation").fill(who.email)
    page.get_by_label("Password").fill(who.password)
    page.get_by_label("Organisation", exact=True).fill(who.organisation)
    page.locator(f"input[name=organisation_kind][value='{kind}']").check()
    page.get_by_label("Country where it is based").select_option(country)
    look_once(page, "sign up")
    press(page, "Create account")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    look_once(page, "check mail")
    follow(page, "Open the local mailbox")
    letter = mail(page, who.email, "Confirm your address")
    look_once(page, "mailbox")
    letter.get_by_role("link").first.click()
    page.get_by_label("Password").fill(who.password)
    look_once(page, "confirm")
    press(page, "Confirm and sign in")


def basis_confirmed(page: Page, email: str, password: str, application: str) -> None:
    """A compliance officer signs in, finds the application on Today and confirms its lawful basis."""
    sign_in(page, email, password)
    page.goto("/desk")
    page.get_by_role("main").locator(f"a[href^='/desk/applications/{application}']").first.click()
    page.get_by_label("On which basis is the data given?").select_option("legitimate-interests")
    page.get_by_label("Why it holds").fill("Weighed for this purpose; nobody is named in what is given.")
    look_once(page, "lawful basis")
    press(page, "Confirm the lawful basis")
    assert done(page).startswith("Confirmed for what was handed in.")


def fill_application(
    page: Page, project: str, purpose: str, purpose_text: str, fields: Sequence[str], rows: Mapping[str, str], days: int = 365
) -> None:
    """Fill in the application form, from today on."""
    today = date.fromisoformat(page.get_by_label("First day").get_attribute("min") or "")
    page.get_by_label("Title of the project").fill(project)
    page.locator("input[name=kind][value=research]").check()
    page.locator(f"input[name=purpose][value='{purpose}']").check()
    page.get_by_label("What you want to find out or do").fill(purpose_text)
    for name in fields:
        page.locator(f"input[name=fields][value='{name}']").check()
    for name, values in rows.items():
        page.locator(f"input[name='rows.{name}']").fill(values)
    page.get_by_label("First day").fill(today.isoformat())
    page.get_by_label("Last day").fill((today + timedelta(days=days)).isoformat())
    answer_questions(page)


def answer_questions(page: Page) -> list[str]:
    """Answer every further question that the page asks now; their names, in order."""
    names = []
    for part in page.locator("[data-part]:visible").all():
        radio, box = part.locator("input[type=radio]"), part.locator("textarea, input")
        names.append(box.first.get_attribute("name") or "")
        if radio.count():
            radio.first.check()
        else:
            box.first.fill("90" if box.first.get_attribute("inputmode") == "numeric" else "As our data protection officer laid it down.")
    return names


def done(page: Page) -> str:
    """What the page says was just done."""
    return page.locator("main > .note[role=status]").inner_text().strip()


def application_id(page: Page) -> str:
    """The id in the address of an application's page."""
    return id_in(page.url, "app")


def contract_id(page: Page) -> str:
    """The id in the address of a contract's page."""
    return id_in(page.url, "ctr")


def id_in(text: str, prefix: str) -> str:
    """The first id of that kind in a text."""
    found = re.search(rf"\b{prefix}_\w+", text)
    assert found is not None, text
    return found.group()


def copied(page: Page, within: Locator) -> str:
    """What the copy button there puts on the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    within.get_by_role("button", name=re.compile("^Copy")).click()
    expect(within.locator(".copy")).to_have_class(re.compile("done"))
    return str(page.evaluate("navigator.clipboard.readText()"))


def sign(page: Page, name: str, capacity: str, password: str) -> None:
    """Sign a contract as a partner: read, tick, name, capacity, password."""
    form = page.locator("#sign")
    form.get_by_label("Your full name").fill(name)
    form.get_by_label("In what role you sign").fill(capacity)
    form.get_by_label("I have read the contract").check()
    give_password(form, password)
    press(page, "Sign contract")


def countersign(page: Page, name: str, capacity: str, password: str) -> None:
    """Countersign a contract as a second steward."""
    form = page.locator("#countersign")
    form.get_by_label("Your name").fill(name)
    form.get_by_label("In what capacity").fill(capacity)
    give_password(form, password)
    press(page, "Countersign contract")


def give_password(form: Locator, password: str) -> None:
    """Fill in the password where the form asks for it once more."""
    if form.get_by_label("Your password").count():
        form.get_by_label("Your password").fill(password)


def entry_of(page: Page, entry: str) -> Locator:
    """The row of a ledger entry in a search; it is found about a second after it was written, so the search is repeated."""
    row = page.locator("tbody tr").filter(has=page.locator(f"a[href='/compliance/entries/{entry}']"))
    deadline = time.monotonic() + PATIENCE
    while not row.count():
        assert time.monotonic() < deadline, f"{entry} is not among {page.locator('tbody tr').all_inner_texts()}"
        page.reload()
    return row

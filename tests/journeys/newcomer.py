"""The main way, a leg each: a newcomer applies, staff decide, both sign, a client is made, its commands run, an entry is proved."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from portal.demo.people import person
from tests.harness.browser import look
from tests.journeys import steps
from tests.journeys.steps import Newcomer, press

INGRID = Newcomer(
    "Ingrid Sandvik",
    "ingrid.sandvik@fjord.example",
    "four quiet harbour lights",
    "Fjord University, Department of Sociology",
    "Head of Department",
)
FIELDS = ("id", "author_id", "created_at", "lang", "topic", "likes")


def applied(page: Page) -> tuple[str, str]:
    """A newcomer comes by the catalogue and hands an application in; its id and the day by which it is decided."""
    page.goto("/datasets")
    look(page, "datasets")
    steps.follow(page, "Public posts")
    look(page, "dataset")
    decided_by = page.locator("p").filter(has_text="A person decides within").locator("b").inner_text()
    page.get_by_role("main").get_by_role("link", name="Apply").first.click()
    page.get_by_role("link", name="Create an account").click()
    expect(page.locator(".head p")).to_contain_text("You are on your way to apply for Public posts")
    steps.sign_up(page, INGRID)
    look(page, "apply")
    press(page, "Begin an application for Public posts")
    expect(page.get_by_role("heading", level=1)).to_have_text("Apply for Public posts")
    text = "How moods about weather and transport move through the week, by language; published as curves."
    steps.fill_application(page, "Moods of the week", "research", text, FIELDS, {"lang": "en, de"})
    look(page, "application form")
    press(page, "Hand in application")
    assert steps.done(page) == "Sent. You get a mail when it is decided."
    look(page, "application handed in")
    application = steps.application_id(page)
    expect(steps.mail(page, INGRID.email, "We received your application")).to_contain_text(f"decided by {in_full(decided_by)}")
    return application, decided_by


def in_full(day: str) -> str:
    """A day as pages write it, "4 Dec 2026", as mails do: "4 December 2026"."""
    return f"{datetime.strptime(day, '%d %b %Y').replace(tzinfo=UTC):%-d %B %Y}"


def approved_and_offered(page: Page, officer: Page, application: str, decided_by: str) -> None:
    """The first steward finds it on Today and approves it, compliance confirms the lawful basis, the steward drafts and offers."""
    samir = person("steward")
    steps.sign_in(page, samir.email, samir.password)
    look(page, "desk today")
    page.get_by_role("main").locator(f"a[href='/desk/applications/{application}']").first.click()
    expect(page.get_by_role("heading", name=f"Decide by {decided_by}")).to_be_visible()
    look(page, "desk application to check")
    press(page, "It is complete")
    look(page, "desk application")
    page.get_by_label("Reason").fill("A clear question, six fields, and curves instead of people.")
    press(page, "Approve application")
    assert steps.done(page) == "Approved. The applicant gets a mail with your reason. Next, draft the contract."
    colm = person("compliance")
    steps.basis_confirmed(officer, colm.email, colm.password, application)
    page.reload()
    steps.follow(page, "Draft the contract")
    look(page, "desk draft")
    press(page, "Create draft")
    look(page, "desk contract drafted")
    press(page, "Offer to the partner")
    assert steps.done(page) == "Offered. Those who may sign get a mail."


def signed_by_both(partner_page: Page, second: Page) -> str:
    """The partner signs by the mail's link, the second steward countersigns from Today; the contract's id."""
    steps.mail(partner_page, INGRID.email, "is ready to sign").get_by_role("link").first.click()
    look(partner_page, "contract to sign")
    contract = steps.contract_id(partner_page)
    steps.set_up_factor(partner_page, INGRID.email)
    steps.sign(partner_page, INGRID.name, INGRID.capacity, INGRID.password)
    assert steps.done(partner_page).startswith("Signed.")
    sofia = person("second-steward")
    steps.sign_in(second, sofia.email, sofia.password)
    second.get_by_role("main").locator(f"a[href^='/desk/contracts/{contract}']").first.click()
    look(second, "desk countersign")
    steps.countersign(second, sofia.name, sofia.capacity, sofia.password)
    assert steps.done(second) == "Countersigned and sealed. The contract is in force; the partner gets a mail."
    look(second, "desk contract in force")
    return contract


def client_made(page: Page, contract: str) -> tuple[tuple[str, str], str, str]:
    """The partner makes a client: its id and secret, and the two commands as the page shows them."""
    steps.mail(page, INGRID.email, "in force").get_by_role("link").first.click()
    assert steps.contract_id(page) == contract
    look(page, "contract in force")
    page.get_by_label("Name of the new credential").fill("first pull")
    press(page, "Create credential")
    look(page, "secret")
    secret = steps.copied(page, page.locator(".secret"))
    client = steps.copied(page, page.locator(".head"))
    curl, python = (steps.copied(page, page.locator(".command").filter(has=page.locator(f"#{each}"))) for each in ("curl", "python"))
    return (client, secret), curl, python


def shell(shown: str, folder: Path, **programs: str) -> str:
    """What commands print in a shell that finds only these programs; anything on standard error fails."""
    path = folder / f"only-{'-'.join(programs)}"
    path.mkdir()
    for name, program in programs.items():
        (path / name).symlink_to(shutil.which(program) or program)
    bash = shutil.which("bash")
    assert bash is not None
    ended = subprocess.run(
        [bash, "-c", shown], cwd=folder, env={"PATH": str(path)}, capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    return ended.stdout


def read_in_python(shown: str) -> list[int]:
    """The snippet as it was shown, on the standard library alone: how many records each page had."""
    ended = subprocess.run([sys.executable, "-I", "-S", "-c", shown], capture_output=True, text=True, timeout=120, check=True)
    return [int(found) for found in re.findall(r"^page \d - (\d+) records, ledger entry ent_\w+$", ended.stdout, re.MULTILINE)]


def found_and_proved(page: Page, entry: str, folder: Path) -> tuple[Any, str]:
    """Compliance finds an entry by partner and dataset, opens it with its proof, and runs what the page says checks it."""
    page.goto("/compliance")
    look(page, "compliance today")
    page.get_by_label("Partner", exact=True).select_option(label=INGRID.organisation)
    page.get_by_label("Dataset").select_option(label="Public posts")
    press(page, "Search the ledger")
    row = steps.entry_of(page, entry)
    look(page, "compliance search")
    row.click()
    expect(page.locator(".head code")).to_have_text(entry)
    expect(page.locator("#proof ~ p .chip, [aria-labelledby=proof] .chip").first).to_have_text("In the ledger")
    look(page, "compliance entry")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the proof").click()
    download.value.save_as(folder / download.value.suggested_filename)
    commands = [steps.copied(page, each) for each in page.locator("[aria-labelledby=check] .command").all()]
    leaf, checked = shell("\n".join(commands), folder, curl="curl", python3=sys.executable).strip().split("\n\n")
    return json.loads(leaf), checked


def suspend(page: Page, contract: str) -> None:
    """The first steward suspends the contract with a reason."""
    page.goto(f"/desk/contracts/{contract}")
    steps.follow(page, "Suspend")
    form = page.locator("#suspend")
    form.get_by_label("Reason").fill("Records appeared on a public page; access is closed until that is explained.")
    press(page, "Suspend contract", form)
    assert steps.done(page).startswith("Suspended.")
    look(page, "desk contract suspended")

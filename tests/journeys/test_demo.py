"""The demo as its visitors use it: the tour, the whole chain through real pages and real HTTP, its two experiments, its restarts."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from portal.demo.people import person
from portal.demo.story import MadeClient
from portal.pages.demo.stops import STOPS
from tests.harness import codes, partner
from tests.harness.browser import chromium, look, visitor
from tests.harness.demo import Demo, command, start_demo
from tests.harness.server import free_port, start
from tests.journeys import newcomer, steps
from tests.journeys.steps import press

pytestmark = pytest.mark.browser

POSTS = 20_000
# Stops that ask for nothing but buttons: the tour's own, then those of the page that it opens.
PRESSED = {
    "apply": ("Become Nora and apply", "Hand in application"),
    "check": ("Become Samir and check", "It is complete"),
    "basis": ("Become Colm and confirm", "Confirm the lawful basis"),
    "approve": ("Become Samir and decide", "Approve application"),
    "contract": ("Draft as Samir", "Create draft", "Offer to the partner"),
    "return": ("Become Leila and hand it in again", "Hand in again"),
    "appeal": ("Become Samir and decide", "Approve application"),
    "counter": ("Become Samir and answer", "Decline the changes"),
    "countersign": ("Become Sofia and countersign", "Countersign contract"),
}
PRICE_PER_1000 = Decimal("0.40")
Window = Callable[[], Page]


@dataclass(frozen=True)
class Cost:
    """Records and what they cost, as a page shows them."""

    records: int
    cost: Decimal


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo of this file, made once in an empty folder."""
    folder, port = tmp_path_factory.mktemp("demo"), free_port(pair=True)
    made = Demo(folder, port, start_demo(folder, port, "--posts", str(POSTS)))
    yield made
    made.running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for this file."""
    with chromium() as found:
        yield found


@pytest.fixture
def window(demo: Demo, browser: Browser) -> Iterator[Window]:
    """Opens a browser window of somebody who is not signed in; all are closed when the test ends."""
    opened: list[BrowserContext] = []

    def open_one() -> Page:
        opened.append(visitor(browser, demo.base_url))
        return opened[-1].new_page()

    yield open_one
    for context in opened:
        context.close()


def test_a_visitor_reaches_every_stop_by_what_the_tour_offers(demo: Demo, window: Window) -> None:
    page = window()
    page.goto("/demo")
    for number, stop in enumerate(STOPS):
        assert stops_done(page) == [each.key for each in STOPS[:number]]
        take(page, stop.key)
        steps.follow(page, "Take the tour")
    expect(page.get_by_text("You have seen the whole chain")).to_be_visible()
    assert stops_done(page) == [each.key for each in STOPS]
    assert demo.entries_of(steps.id_in(page.content(), "ctr")) == [
        ("contract.drafted", "done"),
        ("contract.offered", "done"),
        ("contract.signed", "done"),
        ("contract.activated", "done"),
        ("client.created", "done"),
        ("token.issued", "allow"),
        ("access.records", "allow"),
        ("contract.suspended", "done"),
        ("access.records", "refuse"),
    ]
    look(page, "tour done")


def stops_done(page: Page) -> list[str]:
    """Keys of the stops that the tour's page calls done."""
    return [each.get_attribute("id") or "" for each in page.locator(".stops > li.done").all()]


def take(page: Page, stop: str) -> None:
    """Do what a stop of the tour asks: press its button, then the one that its page is about."""
    at = page.locator(f".stops > li#{stop}[aria-current=step]")
    expect(at).to_be_in_viewport()
    if stop in ("catalogue", "letter", "suspension"):
        look(page, f"tour {stop}")
    match stop:
        case "catalogue":
            steps.follow(page, "Open the dataset", at)
            steps.follow(page, "Take the tour")
            press(page, "Go on: become Nora and apply", at)
        case _ if stop in PRESSED:
            press(page, PRESSED[stop][0], at)
            for name in PRESSED[stop][1:]:
                press(page, name)
        case "sign":
            press(page, "Become Nora and sign", at)
            page.get_by_label("I have read the contract").check()
            press(page, "Sign contract")
        case "request":
            press(page, "Make the client and read", at)
            expect(page.locator("#request .chip")).to_have_text(["200 OK", "200 OK"])
        case "proof":
            press(page, "Become Colm and open the entry", at)
            expect(page.locator("h1")).to_have_text("Records delivered")
        case "letter":
            handle = at.locator(".copyable code").inner_text()
            press(page, "Become Colm and find out", at)
            page.get_by_label("The person", exact=True).fill(handle)
            press(page, "Show who holds their records")
            press(page, "Write the letter")
            expect(page.locator("article")).to_contain_text("Northfield University")
        case "suspension":
            press(page, "Become Samir and suspend", at)
            press(page, "Suspend contract")
            steps.follow(page, "Take the tour")
            press(page, "Repeat the request")
            expect(page.locator("#suspension .exchange .chip")).to_have_text(["403 Forbidden"])
        case "scraper":
            press(page, "Let it crawl", at)
            expect(page.locator("#scraper .crawls .chip")).to_have_text(["Stopped with 403", "Finished"], timeout=120_000)
            expect(page.locator("#scraper .crawls dt")).to_have_text(["Reason", "Decision", "license", "register"])
        case "amend":
            press(page, "Become Nora and sign", at)
            page.get_by_label("I have read the new version").check()
            press(page, "Sign the new version")


def test_a_newcomer_gets_from_the_catalogue_to_records_under_a_signed_contract(demo: Demo, window: Window, tmp_path: Path) -> None:
    lead, samir, sofia, colm = window(), window(), window(), window()
    application, decided_by = newcomer.applied(lead)
    newcomer.approved_and_offered(samir, colm, application, decided_by)
    contract = newcomer.signed_by_both(lead, sofia)
    secret, curl, python = newcomer.client_made(lead, contract)

    answer = json.loads(newcomer.shell(curl, tmp_path, curl="curl"))
    assert [tuple(record) for record in answer["data"]] == [newcomer.FIELDS] * 5
    assert newcomer.read_in_python(python) == [100, 100]
    leaf, checked = newcomer.found_and_proved(colm, answer["entry"], tmp_path)
    assert (leaf["id"], leaf["contract"], leaf["rows"], leaf["fields"]) == (answer["entry"], contract, 5, list(newcomer.FIELDS))
    assert re.fullmatch(r"Holds: this is entry \d+ of the first \d+, signed by agora\.example/licet-demo\.", checked)

    client = MadeClient("first pull", *secret, contract, ("records:read",))
    token = partner.token(demo.base_url, client).json["access_token"]
    assert partner.records(demo.base_url, token, "posts", "limit=3").status == 200
    newcomer.suspend(samir, contract)
    refused = partner.records(demo.base_url, token, "posts", "limit=3")
    assert (refused.status, refused.json["code"]) == (403, "contract_not_active")
    asked = partner.token(demo.base_url, client)
    assert (asked.status, asked.json["error"]) == (400, "unauthorized_client")


def test_a_person_of_the_demo_signs_in_by_hand(demo: Demo, window: Window) -> None:
    page, nora = window(), person("lead")
    page.goto("/sign-in")
    page.get_by_label("Mail address").fill(nora.email)
    page.get_by_label("Password").fill(nora.password)
    steps.press(page, "Sign in")
    look(page, "second factor at sign-in")
    ended, said = demo.licet("demo", "code", nora.email)
    assert (ended, len(said)) == (0, 1)
    page.get_by_label("Code", exact=True).fill(said[0])
    steps.press(page, "Sign in")
    codes.typed_by_hand(nora.email, demo.base_url)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert demo.licet("demo", "code", "nobody@agora.example")[0] == 2


def test_a_commercial_partner_sees_what_it_just_read_costs(demo: Demo, window: Window) -> None:
    client, page = demo.client("index builder"), window()
    bela = person("billing")
    steps.sign_in(page, bela.email, bela.password)
    page.goto(f"/partner/contracts/{client.contract_id}/usage")
    before = billed(page)
    token = partner.token(demo.base_url, client).json["access_token"]
    answers = [partner.records(demo.base_url, token, "posts", f"topic=prices&limit={limit}") for limit in (137, 1, 86)]
    assert [len(answer.json["data"]) for answer in answers] == [137, 1, 86]
    assert partner.records(demo.base_url, token, "posts", "fields=text").status == 403
    page.reload()
    after = billed(page)
    assert after.records - before.records == 224
    assert after.cost - before.cost == 224 * PRICE_PER_1000 / 1000
    assert (before.cost, after.cost) == (before.records * PRICE_PER_1000 / 1000, after.records * PRICE_PER_1000 / 1000)
    expect(page.get_by_text("Payments stand-in")).to_be_visible()
    look(page, "usage and cost")


def billed(page: Page) -> Cost:
    """The foot of the usage page's table, which is the sum of its days."""
    table = page.get_by_role("region", name="Usage by day")
    rows = [row.locator("td").all_inner_texts()[-2:] for row in table.locator("tbody tr, tfoot tr").all()]
    *days, foot = [Cost(int(records.replace(",", "")), Decimal(cost.removeprefix("EUR "))) for records, cost in rows]
    assert foot == Cost(sum(day.records for day in days), sum((day.cost for day in days), Decimal(0)))
    return foot


def test_a_scraper_is_stopped_without_the_token_and_finishes_with_it(demo: Demo) -> None:
    code, lines = demo.licet("demo", "scrape")
    site, base = demo.facts["site_url"], demo.base_url
    assert (code, [re.sub(r"/posts/\d+|dec_\w+", "…", line) for line in lines]) == (
        0,
        [
            f"Reading {site} without a licence …",
            "  stopped at … after 120 pages: 403, budget_exceeded, decision ….",
            f"  Link: {base}/license.xml rel=license",
            f"  Link: {base}/apply rel=register",
            f"Reading {site} with the licence …",
            "  finished: 200 different pages read.",
        ],
    )


def test_the_contracts_in_force_lie_beside_and_verify_offline(demo: Demo, tmp_path: Path) -> None:
    contracts = demo.facts["contracts"]
    assert [sorted(each) for each in contracts] == [["id", "odrl", "pdf", "terms"]] * len(contracts) and len(contracts) >= 2
    first = {name: demo.folder / path for name, path in contracts[0].items()}
    code, lines = demo.licet("contract", "verify", contracts[0]["pdf"], "--terms", contracts[0]["terms"])
    assert (code, lines[0].split()[:2], lines[-1]) == (
        0,
        ["Contract", f"{contracts[0]['id']},"],
        "The file is whole, and the platform sealed it.",
    )
    assert json.loads(first["odrl"].read_text())["@type"] == "Agreement"
    copy = tmp_path / "copy.pdf"
    copy.write_bytes(first["pdf"].read_bytes().replace(b"%PDF-1.7", b"%PDF-1.6", 1))
    assert demo.licet("contract", "verify", str(copy))[0] == 1
    # Elsewhere nothing is known of the platform, so a file proves nothing before its certificates are named.
    assert command(tmp_path, "contract", "verify", str(first["pdf"]))[0] == 1
    (tmp_path / "certificates.pem").write_text(httpx.get(f"{demo.base_url}/licences/certificates.pem", trust_env=False).text)
    assert command(tmp_path, "contract", "verify", str(first["pdf"]), "--certificate", "certificates.pem")[0] == 0


def test_a_changed_byte_in_a_copy_of_the_ledger_is_named_while_the_ledger_itself_is_whole(demo: Demo) -> None:
    code, (done, found) = demo.licet("demo", "tamper")
    changed = re.fullmatch(r"In a copy of the ledger, byte \d+ of entry (\d+) \((ent_\w+)\) is now \d+ instead of \d+\.", done)
    assert changed is not None and code == 0
    index, entry = changed.groups()
    assert found == f"verify entry {index} ({entry}): entry {index} was changed: its bytes are not those that were signed"
    code, (whole, _root, anchor) = demo.licet("ledger", "verify")
    assert code == 0 and re.fullmatch(r"The ledger is whole: \d+ entries, \d+ checkpoints, 0 values erased\.", whole)
    assert re.fullmatch(r"Unanchored since .+: nobody outside has signed a checkpoint\.", anchor)


def test_a_demo_keeps_to_its_port_and_takes_no_port_of_another(demo: Demo, tmp_path: Path) -> None:
    beside = free_port(pair=True)
    assert [
        command(tmp_path, "demo", PORT=str(demo.port)),
        command(tmp_path, "demo", PORT=str(demo.port - 1)),
        command(demo.folder, "demo", PORT=str(beside)),
    ] == [
        (2, [f"127.0.0.1:{demo.port} is in use by another program. End that program, or choose another port."]),
        (2, [f"127.0.0.1:{demo.port} is in use by another program. End that program, or choose another port."]),
        (2, [f"demo was made for {demo.base_url}. Use that port, or start over with RESET=1."]),
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_second_start_keeps_everything_and_is_ready_within_15_seconds(demo: Demo, window: Window) -> None:
    page, lead = window(), person("lead")
    steps.sign_in(page, lead.email, lead.password)
    kept = demo.facts, *seen(page)
    demo.running.stop()
    assert demo.licet("demo", "--port", str(demo.port), "--posts", "5000") == (
        2,
        [f"demo was made with {POSTS:,} posts. Leave the number out, or start over with RESET=1."],
    )
    begun = time.monotonic()
    demo.running = start_demo(demo.folder, demo.port)
    assert time.monotonic() - begun < 15
    assert (demo.facts, *seen(page)) == kept
    answer = partner.token(demo.base_url, demo.client("nightly pull"))
    assert answer.status == 200, answer
    token = answer.json["access_token"]
    assert partner.records(demo.base_url, token, "posts", "limit=1").status == 200
    assert demo.licet("ledger", "verify")[0] == 0


def seen(page: Page) -> tuple[list[str], list[str]]:
    """What somebody signed in sees of the past: the contracts, and the stops of the tour but the one that lasts no longer than a process."""
    page.goto("/partner/contracts")
    contracts = page.get_by_role("main").get_by_role("link").all_inner_texts()
    page.goto("/demo")
    return contracts, [stop for stop in stops_done(page) if stop != "scraper"]


def test_there_is_no_tour_outside_the_demo(tmp_path: Path) -> None:
    port = free_port()
    code, _ = command(
        tmp_path,
        "init",
        "--name",
        "Plain",
        "--legal-name",
        "Plain Ltd",
        "--contact",
        "a@plain.example",
        "--site",
        "https://plain.example",
        "--administrator",
        "a@plain.example",
        "--trial",
        "--port",
        str(port),
    )
    assert code == 0
    running = start(tmp_path, ["serve"], {}, port)
    try:
        answers = [
            partner.ask(running.base_url, *asked).status for asked in (("GET", "/"), ("GET", "/demo"), ("POST", "/demo/become/steward"))
        ]
    finally:
        running.stop()
    assert answers == [200, 404, 403]

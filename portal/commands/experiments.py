"""What is tried in a second terminal beside a running demo: a scraper, a person's code, a changed byte."""

from __future__ import annotations

import base64
from typing import Any

import httpx
from rich.console import Console

from contracts.clock import SystemClock
from contracts.errors import Misconfigured
from contracts.keys import KeyRing, master_key
from contracts.ledger.tamper import tamper_copy
from contracts.ledger.verify import verify
from contracts.people import totp
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.commands.here import HOME, read_facts, settings_here
from portal.demo.scrape import Result, scrape

PAGES = 200


def try_scraping(console: Console, pages: int = PAGES) -> None:
    """Read the small site as a crawler without a licence, which is stopped, and with one, which finishes."""
    facts = read_facts()
    for label, token in (("without a licence", None), ("with the licence", site_token(facts))):
        console.print(f"Reading {facts['site_url']} {label} …")
        _tell_result(console, scrape(facts["site_url"], facts["base_url"], token, pages))


def site_token(facts: dict[str, Any]) -> str:
    """An access token for the site, of the demo's licensed crawler."""
    client = next(each for each in facts["clients"] if each["scopes"] == ["site:fetch"])
    basic = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    answer = httpx.post(
        f"{facts['base_url']}/oauth/token",
        data={"grant_type": "client_credentials"},
        headers={"authorization": f"Basic {basic}"},
        timeout=10,
        trust_env=False,
    )
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def code_of(address: str) -> str:
    """The one-time code of a person of the demo now. `Misconfigured` where the demo has no such person."""
    secrets = {each["email"]: each["totp_secret"] for each in read_facts()["accounts"]}
    if address not in secrets:
        raise Misconfigured(address, "is nobody of the demo.", "`make demo` prints the addresses of its people.")
    return totp.code_at(totp.from_text(secrets[address]), totp.step_at(SystemClock().now()))


def tamper(console: Console) -> None:
    """Change one byte in a copy of the ledger; `verify` on the copy names the entry."""
    home = HOME.resolve()
    settings = settings_here(None)
    copy = home / "tampered.db"
    copy.unlink(missing_ok=True)
    done = tamper_copy(home / "licet.db", copy)
    console.print(
        f"In a copy of the ledger, byte {done.offset} of entry {done.index} ({done.entry_id}) is now {done.after} instead of {done.before}."
    )
    engine = open_engine(f"sqlite:///{copy}")
    report = verify(Store(engine, SystemClock()), KeyRing(master_key(settings)))
    engine.dispose()
    for problem in report.problems[:3]:
        console.print(f"[red]verify[/] entry {problem.index} ({problem.entry_id}): {problem.what}")
    copy.unlink()
    if report.ok:
        raise Misconfigured("verify", "did not see the change.", "This should never happen; please report it.")


def _tell_result(console: Console, result: Result) -> None:
    if result.finished:
        console.print(f"  [green]finished[/]: {result.fetched} different pages read.")
        return
    console.print(
        f"  [red]stopped[/] at {result.stopped_at} after {result.fetched} pages: {result.status}, {result.reason}, decision {result.decision}."
    )
    for rel, link in sorted(result.links.items()):
        console.print(f"  Link: {link} rel={rel}")

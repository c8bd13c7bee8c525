"""`licet demo`: a working portal with people, contracts and thirty days of history; and its two small experiments."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from contracts.clock import FixedClock, SystemClock
from contracts.datasets.load import refresh
from contracts.errors import Misconfigured
from contracts.house import House
from contracts.keys import KeyRing, master_key
from contracts.ledger.tamper import tamper_copy
from contracts.ledger.verify import verify
from contracts.people import totp
from contracts.settings import Billing, DatasetSettings, Gate, Mail, Platform, Settings, load, write_master_key
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.commands.init import prepare
from portal.demo.datasets import demo_datasets
from portal.demo.files import write_contracts
from portal.demo.people import PEOPLE
from portal.demo.platform import DemoPlatform, generate
from portal.demo.scrape import Result, scrape
from portal.demo.seed import DAYS, tell
from portal.demo.site import gated, site_app
from portal.demo.story import MadeClient
from portal.jobs import handlers_of
from portal.serve import build, door, serve_forever

HOME = Path(".licet")
MARK = ".demo"
POSTS = 200_000
PAGES = 200


def settings_of(home: Path, port: int) -> Settings:
    """The demo's settings: this machine only, mail on a page, the gate enforcing."""
    site = f"http://127.0.0.1:{port + 1}"
    return Settings(
        profile="demo",
        home=home,
        base_url=f"http://127.0.0.1:{port}",
        port=port,
        ledger_name="agora.example/licet-demo",
        platform=Platform(name="Agora", legal_name="Agora Networks Ltd", contact="data-access@agora.example", site=site),
        mail=Mail(transport="mailbox", sender="data-access@agora.example"),
        billing=Billing(),
        gate=Gate(mode="enforce", anonymous_budget=120),
        datasets={name: DatasetSettings.model_validate(values) for name, values in demo_datasets(home / "platform").items()},
    )


def settings_here(config: Path | None) -> Settings:
    """The settings for a command given in this folder: the file's, or the demo's where only a demo is here.

    `Misconfigured` where there is neither, so that no command makes an installation out of defaults.
    """
    if config is None and not Path("licet.toml").exists():
        if (HOME / "demo.json").exists():
            return settings_of(HOME.resolve(), int(str(read_facts()["base_url"]).rsplit(":", 1)[1]))
        if not any(name.startswith("LICET_") for name in os.environ):
            raise Misconfigured("licet.toml", "is not in this folder.", "Go to your installation's folder, or make one here: `licet init`.")
    return load(config)


def read_facts() -> dict[str, Any]:
    """`.licet/demo.json`; `Misconfigured` where no demo was made here."""
    file = HOME / "demo.json"
    if not file.exists():
        raise Misconfigured("demo", "was not made in this folder.", "Run `make demo` first.")
    facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return facts


def run(console: Console, port: int, posts: int | None = None) -> None:
    """Make the demo where there is none, print how to sign in, and serve it until told to end. `posts` counts when it is made."""
    home = HOME.resolve()
    settings = settings_of(home, port)
    own, site = door(settings.host, port), door(settings.host, port + 1)
    if os.environ.get("RESET") == "1" or _is_unfinished(home):
        _remove(home)
    if not (home / "demo.json").exists():
        posts = posts or POSTS
        console.print(f"Making the demo: {posts:,} posts, their people and thirty days of history. This takes about half a minute.")
        make(settings, posts)
    facts = read_facts()
    _check_same(facts, settings.base_url, posts)
    prepare(settings)
    house = build(settings)
    _tell_where(console, facts)
    serve_forever(house, own, [(gated(site_app(DemoPlatform(posts=facts["posts"])), house.gate), site)])


def make(settings: Settings, posts: int = POSTS) -> None:
    """Generate the platform, tell its story, and write `demo.json` last, so that a demo is whole or not there."""
    home = settings.home
    if (home / "licet.db").exists():
        raise Misconfigured("demo", "would write over a real installation in .licet.", "Run it in another folder.")
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / MARK).touch()
    write_master_key(home)
    generate(home / "platform", posts=posts)
    prepare(settings)
    now = SystemClock().now()
    clock = FixedClock((now - timedelta(days=DAYS)).replace(hour=8, minute=30, second=0, microsecond=0))
    with running(build(settings, clock)) as house:
        for dataset in settings.datasets:
            refresh(house.store, settings, dataset)
        clients = tell(house, clock, handlers_of(house), now)
        with house.store.read() as session:
            public_key = house.sequencer.verifier_key(session)
        contracts = write_contracts(house)
    facts = {**_facts(settings, posts, clients, public_key), "contracts": contracts}
    (home / "demo.json").write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def running(house: House) -> Iterator[House]:
    """The house with its watch and writer, without a server: for telling history."""
    house.watch.start()
    house.access.start()
    try:
        yield house
    finally:
        house.gate.close()
        house.access.stop()
        while house.sequencer.integrate():
            pass
        house.watch.stop()
        house.payments.close()
        house.store.engine.dispose()


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


def _facts(settings: Settings, posts: int, clients: list[MadeClient], public_key: str) -> dict[str, Any]:
    return {
        "base_url": settings.base_url,
        "site_url": settings.platform.site,
        "posts": posts,
        "accounts": [
            {"role": each.key, "email": each.email, "password": each.password, "totp_secret": each.totp_secret} for each in PEOPLE
        ],
        "clients": [
            {
                "name": each.name,
                "client_id": each.client_id,
                "client_secret": each.client_secret,
                "contract_id": each.contract_id,
                "scopes": list(each.scopes),
                "datasets": ["posts"],
            }
            for each in clients
        ],
        "ledger": {"origin": settings.ledger_origin, "public_key": public_key},
    }


def _check_same(facts: dict[str, Any], base_url: str, posts: int | None) -> None:
    """A demo's addresses stand in its contracts and its posts in its dataset: another port or number means another demo."""
    if facts["base_url"] != base_url:
        raise Misconfigured("demo", f"was made for {facts['base_url']}.", "Use that port, or start over with RESET=1.")
    if posts not in (None, facts["posts"]):
        raise Misconfigured("demo", f"was made with {facts['posts']:,} posts.", "Leave the number out, or start over with RESET=1.")


def _tell_where(console: Console, facts: dict[str, Any]) -> None:
    console.print(f"\n[bold]The tour[/]    {facts['base_url']}/demo")
    console.print(f"The portal  {facts['base_url']}/")
    console.print(f"The site    {facts['site_url']}/ (behind the gate)\n")
    for account in facts["accounts"]:
        console.print(f"  {account['role']:16} {account['email']:34} {account['password']:26} {account['totp_secret']}")
    console.print(
        "\nThe tour signs you in by itself. By hand, people give their password and a code: type the secret at the end of the line"
        "\ninto an authenticator app, or let [bold]licet demo code ADDRESS[/] say the code of the moment."
    )
    console.print("\nThe same facts are in .licet/demo.json. Stop with Ctrl-C; `make demo` again keeps everything, RESET=1 starts over.\n")


def _is_unfinished(home: Path) -> bool:
    return (home / MARK).exists() and not (home / "demo.json").exists()


def _remove(home: Path) -> None:
    if home.exists() and not (home / MARK).exists():
        raise Misconfigured("demo", "will not remove .licet, which is a real installation.", "Run it in another folder.")
    shutil.rmtree(home, ignore_errors=True)

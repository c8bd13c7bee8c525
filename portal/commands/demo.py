"""`licet demo`: a working portal with people, contracts and thirty days of history."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from contracts.clock import FixedClock, SystemClock
from contracts.datasets.load import refresh
from contracts.errors import Misconfigured
from contracts.house import House
from contracts.settings import Settings, write_master_key
from portal.commands.here import HOME, read_facts, settings_of
from portal.commands.init import prepare
from portal.demo.files import write_contracts
from portal.demo.people import PEOPLE
from portal.demo.platform import DemoPlatform, generate
from portal.demo.seed import DAYS, tell
from portal.demo.site import gated, site_app
from portal.demo.story import MadeClient
from portal.ground import door
from portal.jobs import handlers_of
from portal.serve import build, serve_forever

MARK = ".demo"
POSTS = 200_000


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

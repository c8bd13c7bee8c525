"""An installation of a test's own: settings file, small dataset, people, one contract in force and its clients.

Made through the house's own services, so that nothing in it is a state that the house could not reach.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from contracts.applications.form import ApplicationForm
from contracts.clock import FixedClock, SystemClock
from contracts.credentials.decide import ForPeople
from contracts.credentials.redirects import OWN_MACHINE
from contracts.datasets.load import refresh
from contracts.lifecycle.tables import Contract
from contracts.settings import Settings, load, write_master_key
from portal.commands.demo import running
from portal.commands.init import prepare
from portal.demo.answers import usual
from portal.demo.people import NORTHFIELD, PEOPLE
from portal.demo.story import MadeClient, Story
from portal.jobs import handlers_of
from portal.serve import build
from tests.harness import migrated, several
from tests.harness.smtp import Mailserver

CAST = tuple(each for each in PEOPLE if each.key in ("administrator", "steward", "second-steward", "compliance", "operator", "lead"))

TOML = """\
profile = "test"
base_url = "http://127.0.0.1:{port}"
port = {port}
database = "{database}"
{extra}
[platform]
name = "Agora"
site = "http://127.0.0.1:{site_port}"

[mail]
{mail}

[datasets.trees]
title = "Street trees"
summary = "Every tree in the street, with its height and who cares for it."
location = "trees.csv"
key = "id"
time = "planted"
subject = "keeper"
page = "/trees/{{key}}"
purposes = ["research", "market-analysis"]
price_per_1000 = "0.40"
max_records_per_day = 10000000
max_requests_per_second = 5000

[datasets.trees.fields]
id = {{ type = "integer", class = "key", examples = ["1"] }}
planted = {{ type = "timestamp" }}
species = {{ type = "string", examples = ["oak"] }}
height = {{ type = "number" }}
keeper = {{ type = "string", class = "subject" }}
note = {{ type = "string", class = "personal", filterable = false }}
"""

MAILBOX = 'transport = "mailbox"'
FIELDS = ("id", "planted", "species", "height", "keeper")
OAK_AND_ASH = {"species": ("oak", "ash")}


@dataclass(frozen=True)
class Licence:
    """A contract in force and its clients; a crawler where it allows fetching the site."""

    contract: Contract
    client: MadeClient
    crawler: MadeClient | None


@dataclass(frozen=True)
class Installation:
    """Where it is, and what a partner of it holds."""

    folder: Path
    settings: Settings
    contract: Contract
    client: MadeClient
    crawler: MadeClient | None
    others: Mapping[str, Licence]


def install(
    folder: Path,
    port: int,
    *,
    site_port: int = 0,
    database: str = "",
    rows: int = 2_000,
    commercial: bool = False,
    extra: str = "",
    mail: Mailserver | None = None,
    others: Mapping[str, Mapping[str, Any]] | None = None,
    **terms: object,
) -> Installation:
    """Make it in the folder; `terms` change what the contract's proposal says. Nothing is left running.

    `others` are further contracts of the same partner, by name, each with its own changes. Its mail leaves by the server `mail`, or
    stays on the mailbox page.
    """
    database, extra = several.database_for(database), several.settings_for(extra)
    write_trees(folder / "trees.csv", rows)
    file = folder / "licet.toml"
    file.write_text(
        TOML.format(port=port, site_port=site_port or port + 1, database=database, extra=extra, mail=mail.toml if mail else MAILBOX)
    )
    write_master_key(folder / ".licet")
    settings = load(file, {})
    if not database:
        migrated.copy_to(settings.home / "licet.db")
    prepare(settings)
    clock = FixedClock(SystemClock().now() - timedelta(hours=2))
    with running(build(settings, clock)) as house:
        for name in settings.datasets:
            refresh(house.store, settings, name)
        story = Story(house, clock)
        story.prepare(CAST)
        story.first_administrator("administrator")
        for key in ("steward", "second-steward", "compliance", "operator"):
            story.join("administrator", key)
        story.sign_up(NORTHFIELD, "lead")
        first = licence_for(story, commercial=commercial, **terms)
        more = {name: licence_for(story, **changes) for name, changes in (others or {}).items()}
        story.settle(handlers_of(house))
    return Installation(folder, settings, first.contract, first.client, first.crawler, more)


def licence_for(story: Story, *, commercial: bool = False, crawls: bool = False, **terms: object) -> Licence:
    """A contract in force with its clients; commercial ones crawl as well."""
    contract = contract_for(story, commercial=commercial, crawls=crawls, **terms)
    people = ForPeople((OWN_MACHINE,)) if terms.get("named_users") else None
    client = story.make_client("lead", contract, "reader", "api", people)
    crawler = story.make_client("lead", contract, "crawler", "site") if crawls or commercial else None
    return Licence(contract, client, crawler)


def contract_for(
    story: Story,
    *,
    commercial: bool = False,
    crawls: bool = False,
    dataset: str = "trees",
    fields: Sequence[str] = FIELDS,
    rows: Mapping[str, tuple[str, ...]] = OAK_AND_ASH,
    **terms: object,
) -> Contract:
    """A contract in force, over the trees where nothing else is said, from application to countersignature."""
    today: date = story.today()
    form = ApplicationForm(
        project="Shade in summer",
        kind="commercial" if commercial else "research",
        purpose="market-analysis" if commercial else "research",
        purpose_text="Where trees give shade and where they are missing, published as maps.",
        fields=tuple(fields),
        answers=usual(fields),
        rows=rows,
        crawl=commercial or crawls,
        starts=today,
        ends=today + timedelta(days=365),
    )
    approved = story.approve("steward", story.apply("lead", dataset, form), "The purpose is clear and the fields fit it.")
    return story.countersign("second-steward", story.sign("lead", story.offer("steward", approved, **terms)))


def write_trees(file: Path, rows: int) -> None:
    """A CSV of trees: species in turn oak, ash, lime; one keeper for ten trees."""
    first = datetime(2026, 1, 1)  # noqa: DTZ001 - the file's times carry no zone, as people's files do
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("id", "planted", "species", "height", "keeper", "note"))
        for n in range(rows):
            planted = (first + timedelta(minutes=n)).isoformat(" ")
            writer.writerow((n, planted, ("oak", "ash", "lime")[n % 3], n % 30 / 2, f"keeper-{n // 10}", f'says "hello", {n}'))

"""The demo's thirty days: what happened before the visitor came, and what waits on every desk when they do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import count
from urllib.parse import parse_qsl

from contracts.access.query import parse
from contracts.access.request import Caller, RecordsRequest
from contracts.appeals import service as appeals
from contracts.appeals.decide import Asked
from contracts.applications.form import ApplicationForm
from contracts.clock import FixedClock
from contracts.credentials.tokens import Claims
from contracts.errors import Refusal
from contracts.gate.facts import Facts
from contracts.health import service as health
from contracts.house import House
from contracts.incidents.service import open_incident
from contracts.lifecycle.tables import Contract
from contracts.people.roles import Role
from contracts.store.outbox import Handler
from portal.demo.answers import usual
from portal.demo.people import LAKESIDE, NORTHFIELD, PEOPLE, QUOTIENT, CastPerson
from portal.demo.story import MadeClient, Story
from portal.demo.under_way import COUNTERED, tell_under_way

DAYS = 30
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
INVITED = CastPerson(
    "invited", "Mira Holm", "mira.holm@agora.example", "", "agora", (Role.STEWARD,), "", "Was invited and has not answered."
)
LETTER = (
    b"Lakeside Institute, Ethics Board\n\nThe project reads public posts in which nobody is named, and publishes counts by region and hour.\n"
    b"The board has looked at it and approves it for one year.\n"
)
OBJECTION = Asked(
    "reading-room@lakeside.example",
    "This is the reading room of the Lakeside town library. Our visitors share one computer, and this morning a school class was here. "
    "Nobody collects anything. Can we go on reading?",
)
RESEARCH_FIELDS = ("id", "author_id", "created_at", "lang", "country", "topic", "text", "likes", "reposts")
MARKET_FIELDS = ("id", "created_at", "lang", "country", "topic", "likes", "reposts")


def tell(house: House, clock: FixedClock, handlers: Mapping[str, Handler], until: datetime) -> list[MadeClient]:
    """Tell the whole story until shortly before a moment; the house's watch and writer must run.

    The clock stands thirty days before that moment. Returns the clients with their secrets.
    """
    story = Story(house, clock)
    story.prepare(PEOPLE)
    _staff(story)
    _pass(story, handlers, days=2)
    lab, lab_client = _university(story)
    _pass(story, handlers, days=3)
    market, market_client, crawler = _commercial(story)
    _pass(story, handlers, days=2)
    for day in count():
        if clock.now() + timedelta(days=1, hours=6) > until:
            break
        _day_of_reading(story, day, (lab_client, lab), (market_client, market))
        _pass(story, handlers, hours=21)
    _waiting(story, handlers, lab)
    return [lab_client, market_client, crawler]


def _staff(story: Story) -> None:
    story.first_administrator("administrator")
    for key in ("steward", "second-steward", "compliance", "operator"):
        story.join("administrator", key)


def _university(story: Story) -> tuple[Contract, MadeClient]:
    story.sign_up(NORTHFIELD, "lead")
    story.join("lead", "developer")
    story.join("lead", "reader")
    form = ApplicationForm(
        project="How cities talk about transport",
        kind="research",
        purpose="research",
        purpose_text="We study how people in European cities write about buses, trams and trains, by language and over time. "
        "Results are published as aggregates; nobody is identified or contacted.",
        fields=RESEARCH_FIELDS,
        answers=usual(RESEARCH_FIELDS),
        rows={"lang": ("en", "de")},
        starts=story.today(),
        ends=story.today() + timedelta(days=365),
    )
    application = story.apply("lead", "posts", form)
    story.clock.advance(days=2, hours=3)
    approved = story.approve("steward", application, "A clear question, fields that it needs, and published results.")
    contract = story.offer("steward", approved, records_per_day=20_000, requests_per_second=5)
    story.clock.advance(hours=5)
    signed = story.sign("lead", contract)
    story.clock.advance(hours=20)
    active = story.countersign("second-steward", signed)
    return active, story.make_client("developer", active, "nightly pull", "api")


def _commercial(story: Story) -> tuple[Contract, MadeClient, MadeClient]:
    story.sign_up(QUOTIENT, "commercial-lead")
    story.join("commercial-lead", "signatory")
    story.join("commercial-lead", "billing")
    form = ApplicationForm(
        project="Price sentiment index",
        kind="commercial",
        purpose="market-analysis",
        purpose_text="A monthly index of how people write about prices, by country and topic, sold to retailers as figures.",
        fields=MARKET_FIELDS,
        answers=usual(MARKET_FIELDS),
        rows={"topic": ("prices", "transport")},
        crawl=True,
        starts=story.today(),
        ends=story.today() + timedelta(days=180),
    )
    application = story.apply("commercial-lead", "posts", form)
    story.clock.advance(days=1, hours=6)
    approved = story.approve("second-steward", application, "Aggregates only, priced, with a daily cap.")
    site = story.house.settings.platform.site.split("//")[1]
    crawl = {"hosts": (site,), "paths": ("/posts/", "/authors/"), "requests_per_second": 10}
    duties = {"audit": {"per_year": 1, "notice_days": 14}, "refresh_days": 30}
    contract = story.offer("second-steward", approved, records_per_day=50_000, records_in_period=2_000_000, crawl=crawl, **duties)
    story.clock.advance(hours=26)
    active = story.countersign("steward", story.sign("signatory", contract))
    client = story.make_client("commercial-lead", active, "index builder", "api")
    return active, client, story.make_client("commercial-lead", active, "site crawler", "site")


def _day_of_reading(story: Story, day: int, lab: tuple[MadeClient, Contract], market: tuple[MadeClient, Contract]) -> None:
    """Both partners read; now and then they ask for more than they may, and are refused."""
    pages = [f"lang=en&limit={400 + day * 90 % 600}"] * (2 + day * 7 % 4)
    _read(story, *lab, [*pages, "fields=author_handle"] if day % 6 == 2 else pages)
    story.clock.advance(hours=3)
    pages = [f"topic=prices&limit={300 + day * 130 % 700}"] * (1 + day % 3)
    _read(story, *market, [*pages, "fields=text"] if day % 9 == 4 else pages)
    _visits(story, day)


def _read(story: Story, client: MadeClient, contract: Contract, queries: list[str]) -> None:
    async def run() -> None:
        for asked in queries:
            claims = Claims(
                client_id=client.client_id,
                contract_id=contract.id,
                contract_version=contract.version,
                scopes=frozenset(client.scopes),
                jti="demo-history",
                expires_at=story.clock.now() + timedelta(minutes=10),
                audience=story.house.tokens.audiences["api"],
            )
            query = parse(parse_qsl(asked))
            if not isinstance(query, Refusal):
                answer = await story.house.data.records(RecordsRequest(Caller(claims, "198.51.100.20"), "posts", query, asked))
                story.house.tally.count(contract.id, "answered" if answer.refusal is None else "refused")

    asyncio.run(run())
    health.flush(story.house.store, story.house.tally, story.house.settings.platform.time_zone)


def _visits(story: Story, day: int) -> None:
    """People read a few pages of the site; now and then something reads a great many."""
    gate, host = story.house.gate, story.house.settings.platform.site.split("//")[1]
    people = [
        Facts("GET", host, f"/posts/{1000 + n * 37 + page}", f"203.0.113.{10 + n}", BROWSER)
        for n in range(3 + day % 4)
        for page in range(4)
    ]
    budget = story.house.settings.gate.anonymous_budget
    scraper = [Facts("GET", host, f"/posts/{5000 + page}", "192.0.2.66", "python-requests/2.32") for page in range(budget + 150)]

    async def run() -> None:
        for facts in [*people, *(scraper if day % 8 == 5 else [])]:
            await gate.decide(facts)

    asyncio.run(run())
    gate.flush_counts()


def _waiting(story: Story, handlers: Mapping[str, Handler], lab: Contract) -> None:
    """What waits: a person who came to a project later, an application, a countersignature, an invitation, an incident, and what is under way."""
    story.name_member("lead", lab.application_id, "reader", "Doctoral Researcher")
    story.sign_up(LAKESIDE, "applicant")
    today = story.today()
    story.apply(
        "applicant",
        "posts",
        ApplicationForm(
            project="Weather talk and flood warnings",
            kind="research",
            purpose="research",
            purpose_text="Whether people write about heavy rain before official warnings go out, by region and hour.",
            fields=("id", "created_at", "country", "topic", "text"),
            answers=usual(["text"]),
            rows={"topic": ("weather",)},
            starts=today + timedelta(days=7),
            ends=today + timedelta(days=372),
        ),
        {"ethics": ("ethics-board-letter.txt", LETTER)},
    )
    counts = _second_project(story, "lead", "Weekly transport counts", "Counts by week and country, to set our sample against.", today)
    story.sign("lead", counts)
    shares = _second_project(story, "commercial-lead", COUNTERED, "One set of yearly shares for a press release.", today)
    tell_under_way(story, lab, shares)
    story.invite("administrator", INVITED, Role.STEWARD)
    _objection(story)
    with story.house.store.write("story") as unit:
        facts = {"network": "192.0.2.0/24", "pages": story.house.settings.gate.anonymous_budget + 150, "agent": "python-requests"}
        open_incident(unit, "scraping", "One network read several hundred posts in an hour", facts)
    story.settle(handlers)


def _objection(story: Story) -> None:
    """A library whose readers share one computer was stopped, and says so."""
    house = story.house
    gate, host = house.gate, house.settings.platform.site.split("//")[1]
    readers = [
        Facts("GET", host, f"/posts/{7000 + page}", "198.51.100.80", BROWSER) for page in range(house.settings.gate.anonymous_budget + 9)
    ]

    async def run() -> str:
        return [await gate.decide(facts) for facts in readers][-1].id

    decision = asyncio.run(run())
    gate.flush_counts()
    story.clock.advance(minutes=20)
    with house.store.write("story") as unit:
        appeals.make(unit, gate.names.read(decision), OBJECTION, "198.51.100.0/24")


def _second_project(story: Story, key: str, project: str, purpose_text: str, today: date) -> Contract:
    form = ApplicationForm(
        project=project,
        kind="research",
        purpose="research",
        purpose_text=purpose_text,
        fields=("id", "week", "country", "topic", "posts"),
        answers=usual(()),
        starts=today,
        ends=today + timedelta(days=90),
    )
    approved = story.approve("steward", story.apply(key, "topics", form), "Counts without people; nothing stands against it.")
    return story.offer("steward", approved)


def _pass(story: Story, handlers: Mapping[str, Handler], *, days: float = 0, hours: float = 0) -> None:
    story.settle(handlers)
    story.clock.advance(days=days, hours=hours)

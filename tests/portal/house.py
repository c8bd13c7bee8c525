"""A house small enough for page tests: the real store, keys, people and catalogue; nothing that runs by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from datetime import date, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from fastapi import FastAPI
from starlette.datastructures import State
from starlette.testclient import TestClient

from contracts.clock import Clock
from contracts.datasets.catalogue import Catalogue
from contracts.house import House
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.notices.mail import mail_handler, mailbox
from contracts.people import service as people
from contracts.people.passwords import hash_password
from contracts.people.roles import Role
from contracts.people.tables import Account, Membership, Organisation
from contracts.settings import Mail, Settings
from contracts.store import outbox
from contracts.store.unit import Store
from portal import cookies
from portal.app import create_portal, serve_from
from tests.harness.smtp import Mailserver

PASSWORD = "correct horse battery"
DATASETS: dict[str, Any] = {
    "posts": {
        "title": "Public posts",
        "summary": "Every public post since 2024, with its language, country and topic. Updated each night.",
        "location": "posts.parquet",
        "key": "id",
        "time": "created_at",
        "subject": "author_id",
        "purposes": ["research", "journalism", "market-analysis"],
        "price_per_1000": "0.40",
        "fields": {
            "id": {"type": "string", "class": "key", "description": "The post.", "examples": ["p-4711", "p-4712", "p-4713"]},
            "author_id": {"type": "string", "class": "subject", "description": "Its author.", "examples": ["u-17", "u-3", "u-17"]},
            "created_at": {
                "type": "timestamp",
                "description": "When it was published.",
                "examples": ["2026-03-01T08:15:00Z", "2026-03-01T09:02:00Z"],
                "grains": ["day", "month"],
            },
            "lang": {"type": "string", "description": "Language, ISO 639-1.", "examples": ["en", "de", "fr"]},
            "country": {"type": "string", "description": "Country, ISO 3166-1.", "examples": ["GB", "DE", "FR"]},
            "topic": {"type": "string", "description": "Main topic.", "examples": ["weather", "football"]},
            "text": {
                "type": "string",
                "class": "personal",
                "description": "What was written.",
                "examples": ["Rain again.", "Schönes Spiel!"],
                "filterable": False,
            },
            "likes": {"type": "integer", "description": "Likes so far.", "examples": ["4", "18", "0"]},
        },
    },
    "adverts": {
        "title": "Advertisements",
        "summary": "Every advertisement shown, with its spend and reach in bands.",
        "location": "adverts.csv",
        "key": "id",
        "purposes": ["research"],
        "fields": {
            "id": {"type": "string", "class": "key", "examples": ["ad-1"]},
            "spend_band": {"type": "string", "description": "Spend.", "examples": ["100-500"]},
        },
    },
}


# The mail server of the journeys that run now, with the houses that were made meanwhile.
_SERVERS: list[tuple[Mailserver, list[House]]] = []


@contextmanager
def sending_through(server: Mailserver) -> Iterator[list[House]]:
    """While the block runs, houses are made to send their mail through the server; they are in the list."""
    made: list[House] = []
    _SERVERS.append((server, made))
    try:
        yield made
    finally:
        _SERVERS.pop()


def settings(**more: Any) -> Settings:
    """A demo-like installation whose mail stays here, or goes through the journeys' server."""
    mail = _SERVERS[-1][0].setting if _SERVERS else Mail(transport="mailbox")
    return Settings.model_validate({"profile": "test", "mail": mail, "datasets": DATASETS, **more})


def small_house(store: Store, clock: Clock, chosen: Settings | None = None) -> House:
    """The parts that pages use. The others are absent, so that a page which reaches for them fails loudly."""
    chosen = chosen or settings()
    parts = SimpleNamespace(settings=chosen, clock=clock, store=store, keys=KeyRing(b"k" * 32), catalogue=Catalogue(chosen, store))
    house = cast(House, parts)
    if _SERVERS and chosen.mail.transport == "smtp":
        _SERVERS[-1][1].append(house)
    return house


def portal(house: House) -> FastAPI:
    """The portal's app for this house. FastAPI reads the routes for a third of a second, so that is done once; all else is the app's own."""
    app = copy(_first(house.settings.secure))
    app.state, app.middleware_stack = State(), None
    return serve_from(app, house)


@cache
def _first(secure: bool) -> FastAPI:
    """An app that nobody asks, for its routes."""
    url = "https://agora.example" if secure else "http://127.0.0.1:8400"
    return create_portal(cast(House, SimpleNamespace(settings=settings(base_url=url), store=None, keys=None)))


def browser(house: House, address: str = "http://127.0.0.1:8400") -> TestClient:
    """A browser without pictures on this machine: keeps cookies, does not follow redirects by itself."""
    return TestClient(portal(house), base_url=address, client=("127.0.0.1", 50_000), follow_redirects=False)


_HASH: list[str] = []


def add_person(house: House, email: str, name: str, *roles: Role, organisation: str, side: str = "partner") -> str:
    """A confirmed person with roles in an organisation, made where it is missing; returns the account's id. One password for all."""
    if not _HASH:
        _HASH.append(hash_password(PASSWORD))
    with house.store.write("seed") as unit:
        known = unit.session.get(Organisation, organisation)
        if known is None:
            unit.session.add(
                Organisation(id=organisation, name=organisation, side=side, kind="university", country="DE", created_at=unit.now)
            )
            unit.session.flush()
        account = Account(id=new_id("acc"), email=email, name=name, password_hash=_HASH[0], created_at=unit.now, confirmed_at=unit.now)
        unit.session.add(account)
        unit.session.flush()
        for role in roles:
            row = Membership(id=new_id("mem"), account_id=account.id, organisation_id=organisation, role=role.value, created_at=unit.now)
            unit.session.add(row)
    return account.id


def sign_in(house: House, email: str) -> TestClient:
    """A browser in which this person is signed in whole: with the password and a second factor, given just now."""
    client = browser(house)
    with house.store.read() as session:
        account = people.find_account(session, email)
    assert account is not None, email
    with house.store.write("seed") as unit:
        client.cookies.set(cookies.SESSION, people.open_session(unit, account.id, "127.0.0.0/24", second_factor=True), domain="127.0.0.1")
    return client


def sign_in_by_password(house: House, email: str) -> TestClient:
    """A browser in which this person gave the password on the page, and nothing more."""
    client = browser(house)
    answer = post(client, "/sign-in", email=email, password=PASSWORD)
    assert answer.status_code == 303, answer.text
    return client


def post(client: TestClient, path: str, *, page: str | None = None, **fields: Any) -> Any:
    """Send a form as the page at `page` (default: the same path) would: with its CSRF token."""
    token = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(page or path).text)
    return client.post(path, data={"csrf": token.group(1) if token else "", **fields})


def inputs_of(text: str) -> dict[str, object]:
    """What a browser would send of a page's inputs as they stand, boxes that are ticked as lists; without texts and the CSRF token."""
    inputs = [dict(re.findall(r'(\w[\w-]*)="([^"]*)"', tag)) | {"on": "checked" in tag} for tag in re.findall(r"<input[^>]+>", text)]
    boxes = [each for each in inputs if each.get("type") == "checkbox"]
    form: dict[str, object] = {str(each["name"]): each.get("value", "") for each in inputs if each not in boxes and "name" in each}
    for name in {str(each["name"]) for each in boxes}:
        form[name] = [each["value"] for each in boxes if each["name"] == name and each["on"]]
    del form["csrf"]
    return form


def mails(house: House, to: str) -> list[str]:
    """Bodies of the mail to an address, newest first, after delivering what waits."""
    outbox.run_due(house.store, {"mail": mail_handler(house.settings, house.store)})
    if house.settings.mail.transport == "smtp":
        return _SERVERS[-1][0].letters(to)
    with house.store.read() as session:
        return [each.body for each in mailbox(session, to)]


def link_in(text: str) -> str:
    """The path of the first link to this portal in a mail."""
    found = re.search(r"https?://[^/\s]+(/(?:confirm|join)/\S+)", text)
    assert found, text
    return found.group(1)


def days(count: int, today: date) -> str:
    """A day from today on, as forms take it."""
    return (today + timedelta(days=count)).isoformat()

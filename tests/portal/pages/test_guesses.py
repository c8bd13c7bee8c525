"""Guessing passwords gets slow, from one place and from many, and never keeps the owner out of a known network or browser."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from sqlmodel import col, select
from starlette.testclient import TestClient

from contracts.house import House
from contracts.ledger.tables import LedgerEntry
from contracts.people import service as people
from contracts.people.roles import Role
from tests.portal.house import PASSWORD, add_person, portal, post

ADA = "ada@northfield.example"


def _from(app: object, address: str) -> TestClient:
    return TestClient(app, base_url="http://127.0.0.1:8400", client=(address, 50_000), follow_redirects=False)  # type: ignore[arg-type]  # any ASGI app


def _try(client: TestClient, email: str = ADA, password: str = "wrong") -> int:
    return int(post(client, "/sign-in", email=email, password=password).status_code)


def _refused(house: House) -> list[str]:
    with house.store.read() as session:
        rows = session.exec(select(LedgerEntry).order_by(col(LedgerEntry.index))).all()
    leaves = [json.loads(row.leaf) for row in rows]
    return [leaf["rule"] for leaf in leaves if leaf["event"] == "account.signed_in" and leaf["decision"] == "refuse"]


def test_five_tries_at_once_and_no_more_known_or_not(house: House) -> None:
    add_person(house, ADA, "Ada", Role.LEAD, organisation="org_a")
    app = portal(house)
    for number, email in enumerate((ADA, "nobody@northfield.example")):
        client = _from(app, f"198.51.{number}.7")
        assert [_try(client, email) for _ in range(7)] == [401] * 5 + [429] * 2
    assert _try(_from(app, "198.51.0.7"), password=PASSWORD) == 429
    assert _refused(house)[:7] == ["sign_in_failed"] * 5 + ["too_many_requests"] * 2


def test_of_many_tries_in_parallel_five_are_looked_at(house: House) -> None:
    add_person(house, ADA, "Ada", Role.LEAD, organisation="org_a")
    app = portal(house)
    clients = [_from(app, "198.51.100.7") for _ in range(12)]
    tokens = [client.get("/sign-in").text.split('name="csrf" value="')[1][:64] for client in clients]

    def attempt(number: int) -> int:
        form = {"csrf": tokens[number], "email": ADA, "password": "wrong"}
        return int(clients[number].post("/sign-in", data=form).status_code)

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(attempt, range(12)))
    assert (statuses.count(401), statuses.count(429)) == (5, 7)


def test_what_others_try_elsewhere_never_keeps_the_owner_out(house: House) -> None:
    account_id = add_person(house, ADA, "Ada", Role.LEAD, organisation="org_a")
    app = portal(house)
    with house.store.write("test") as unit:
        people.open_session(unit, account_id, "203.0.113.0/24")
    known = _from(app, "198.51.100.9")
    assert _try(known, password=PASSWORD) == 303
    statuses = [_try(_from(app, f"192.0.{number}.7")) for number in range(52)]
    assert (statuses.count(401), statuses[-1]) == (49, 429)  # the first sign-in was one of the fifty
    # The owner from a new network and a new browser waits with the rest; from a known network, or with a known browser, never.
    assert _try(_from(app, "100.64.0.7"), password=PASSWORD) == 429
    assert _try(_from(app, "203.0.113.77"), password=PASSWORD) == 303
    moved = _from(app, "100.65.0.7")
    moved.cookies.set("licet_known", known.cookies["licet_known"], domain="127.0.0.1", path="/")
    assert _try(moved, password=PASSWORD) == 303


def test_a_known_browser_of_one_person_is_none_of_another(house: House) -> None:
    for email in (ADA, "bea@northfield.example"):
        add_person(house, email, "A person", Role.LEAD, organisation="org_a")
    app = portal(house)
    thief = _from(app, "198.51.100.9")
    assert _try(thief, "bea@northfield.example", PASSWORD) == 303
    fresh = _from(app, "192.0.2.7")
    fresh.cookies.set("licet_known", thief.cookies["licet_known"], domain="127.0.0.1", path="/")
    for client in [_from(app, f"192.0.{number}.7") for number in range(50)]:
        _try(client)
    assert _try(fresh, password=PASSWORD) == 429


def test_a_flood_fills_no_ledger(house: House) -> None:
    app = portal(house)
    client = _from(app, "198.51.100.7")
    for number in range(18):
        _try(client, f"nobody-{number}@northfield.example")
    assert len(_refused(house)) == 10

"""Guessing six-digit codes: ten from one network in ten minutes, a hundred in a day from everywhere, and never the owner's recovery codes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from contracts.house import House
from contracts.people import service as people
from contracts.people import totp
from contracts.people.roles import Role
from portal import limits
from tests.portal.house import PASSWORD, add_person, portal, post

ADA = "ada@northfield.example"
WRONG = "000000"


@pytest.fixture
def codes(house: House) -> list[str]:
    """Ada's recovery codes; she has an app whose code is not the wrong one."""
    account_id, seed, now = add_person(house, ADA, "Ada", Role.LEAD, organisation="org_a"), b"s" * totp.SEED_BYTES, house.clock.now()
    step = totp.step_at(now)
    assert WRONG not in {totp.code_at(seed, each) for each in (step - 1, step, step + 1)}
    with house.store.write("factor") as unit:
        made = people.add_app(unit, house.keys, account_id, seed, totp.code_at(seed, step - 1))
    assert made is not None
    return made


def _after_the_password(app: object, address: str) -> TestClient:
    client = TestClient(app, base_url="http://127.0.0.1:8400", client=(address, 50_000), follow_redirects=False)  # type: ignore[arg-type]  # any ASGI app
    assert post(client, "/sign-in", email=ADA, password=PASSWORD).headers["location"].startswith("/sign-in/code")
    return client


def _try(client: TestClient, code: str = WRONG) -> int:
    return int(post(client, "/sign-in/code", code=code).status_code)


def test_ten_wrong_codes_from_one_network_and_no_eleventh(house: House, codes: list[str]) -> None:
    app = portal(house)
    client = _after_the_password(app, "198.51.100.7")
    assert [_try(client) for _ in range(12)] == [403] * 10 + [429] * 2
    assert _try(client, codes[0]) == 429
    # Somebody else's tries keep nobody out who comes from elsewhere.
    assert _try(_after_the_password(app, "203.0.113.9"), codes[0]) == 303


def test_of_many_codes_in_parallel_ten_are_looked_at(house: House, codes: list[str]) -> None:
    client = _after_the_password(portal(house), "198.51.100.7")
    form = {"csrf": client.get("/sign-in/code").text.split('name="csrf" value="')[1][:64], "code": WRONG}
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: client.post("/sign-in/code", data=form).status_code, range(16)))
    assert (statuses.count(403), statuses.count(429)) == (10, 6)


def test_after_a_hundred_wrong_codes_in_a_day_only_a_recovery_code_still_helps(house: House, codes: list[str]) -> None:
    app = portal(house)
    with house.store.read() as session:
        account = people.find_account(session, ADA)
    assert account is not None
    for _ in range(99):
        limits.note_guess(account.id)
    client = _after_the_password(app, "198.51.100.7")
    right = totp.code_at(b"s" * totp.SEED_BYTES, totp.step_at(house.clock.now()))
    assert (_try(client), _try(client, right)) == (403, 403)
    assert _try(client, codes[0]) == 303

"""POST /oauth/par (RFC 9126): who may push, what comes of it, and that a reference is good once, soon, and for its client alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from sqlmodel import select

from api.oauth.pushed import LIMITS
from contracts.clock import FixedClock
from contracts.credentials.assertions import TYPE
from contracts.credentials.authorizations import allow
from contracts.credentials.pushed import LIFETIME, sweep_pushed
from contracts.credentials.tables import Authorization, PushedRequest
from tests.api.oauth.conftest import ISSUER, World
from tests.api.oauth.programs import BACK, asked, authorize, exchange, program
from tests.api.oauth.test_assertions import EC as CLIENT_KEY
from tests.api.oauth.test_assertions import JWKS, NOW
from tests.api.oauth.test_dpop import EC, OTHER, made
from tests.harness.jose import assertion


def push(caller: Any, client: tuple[str, str], **changed: str | None) -> Any:
    """The answer to a pushed request; a confidential client proves itself in the header."""
    form = asked(client[0], **changed)
    return caller.post("/oauth/par", data=form, auth=client) if client[1] else caller.post("/oauth/par", data=form)


@pytest.mark.parametrize("public", [True, False])
def test_a_pushed_request_leads_to_the_person_and_on_to_tokens(world: World, public: bool) -> None:
    caller, client = world.caller(), program(world, public=public)
    answer = push(caller, client)
    body = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert body == {"request_uri": body["request_uri"], "expires_in": 90}
    assert body["request_uri"].startswith("urn:ietf:params:oauth:request_uri:licet_pr_")
    with world.store.read() as session:
        kept = session.exec(select(PushedRequest)).one()
    assert body["request_uri"] not in kept.model_dump_json() and "client_secret" not in kept.model_dump_json()
    where = authorize(caller, {"client_id": client[0], "request_uri": body["request_uri"]}).headers["location"]
    with world.store.write() as unit:
        row, code = allow(unit, world.lead, where.removeprefix("/consent/"))
    assert (row.state, row.client_id) == ("af0ifjsldkj", client[0])
    assert exchange(caller, client, code).status_code == 200


def test_what_the_browser_adds_changes_nothing(sqlite_world: World) -> None:
    caller, client = sqlite_world.caller(), program(sqlite_world, back=(BACK,))
    uri = push(caller, client, redirect_uri=BACK).json()["request_uri"]
    more = {"scope": "site:fetch", "state": "evil", "redirect_uri": "https://evil.example/", "code_challenge": "x" * 43}
    where = authorize(caller, {"client_id": client[0], "request_uri": uri, **more}).headers["location"]
    with sqlite_world.store.read() as session:
        row = session.exec(select(Authorization)).one()
    assert where == f"/consent/{row.id}"
    assert (row.redirect_uri, row.state, row.scope) == (BACK, "af0ifjsldkj", "records:read")


def test_a_reference_is_good_once_soon_and_for_its_own_client(world: World, clock: FixedClock) -> None:
    caller, client, other = world.caller(), program(world), program(world)

    def tried(uri: str, by: tuple[str, str] = client) -> tuple[int, str]:
        answer = authorize(caller, {"client_id": by[0], "request_uri": uri})
        return answer.status_code, "" if answer.status_code == 303 else answer.json()["code"]

    uri = push(caller, client).json()["request_uri"]
    unusable = (400, "pushed_request_unusable")
    assert [tried(uri, other), tried(uri + "x"), tried(uri), tried(uri)] == [unusable, unusable, (303, ""), unusable]
    late = push(caller, client).json()["request_uri"]
    clock.advance(seconds=int(LIFETIME.total_seconds()))
    assert tried(late) == unusable
    assert [entry["rule"] for entry in world.entries() if entry["event"] == "token.refused"] == ["pushed_request_unusable"] * 4
    assert (sweep_pushed(world.store), sweep_pushed(world.store)) == (1, 0)


def test_of_fifty_browsers_with_one_reference_exactly_one_gets_on(world: World) -> None:
    caller, client = world.caller(), program(world)
    uri = push(caller, client).json()["request_uri"]

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(caller.app, client=("203.0.113.9", 1234))
        async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as browser:
            asking = (browser.get("/oauth/authorize", params={"client_id": client[0], "request_uri": uri}) for _ in range(50))
            return [each.status_code for each in await asyncio.gather(*asking)]

    assert dict(Counter(asyncio.run(ask()))) == {303: 1, 400: 49}


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, 400, "invalid_request"),
        ({"redirect_uri": None}, 400, "invalid_request"),
        ({"code_challenge": None}, 400, "invalid_request"),
        ({"code_challenge_method": "plain"}, 400, "invalid_request"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"scope": "site:fetch"}, 400, "invalid_scope"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, 400, "invalid_request"),
        ({"request": "eyJ"}, 400, "invalid_request"),
        ({"client_id": "cli_" + "0" * 26}, 401, "invalid_client"),
        ({"client_id": None}, 401, "invalid_client"),
        ({"state": "x" * 9_000}, 413, "invalid_request"),
    ],
)
def test_what_is_wrong_is_told_to_the_client_itself(sqlite_world: World, changed: dict[str, str | None], status: int, error: str) -> None:
    client = program(sqlite_world, back=(BACK, "http://127.0.0.1/back"))
    form = {name: value for name, value in (asked(client[0]) | changed).items() if value is not None}
    answer = sqlite_world.caller().post("/oauth/par", data=form, follow_redirects=False)
    assert (answer.status_code, answer.json()["error"], "location" in answer.headers) == (status, error, False)
    assert sqlite_world.entries()[-1]["event"] == "token.refused"


def test_a_confidential_client_proves_itself_and_pushes_for_nobody_else(sqlite_world: World) -> None:
    caller, client, other = sqlite_world.caller(), program(sqlite_world, public=False), program(sqlite_world)
    assert push(caller, (client[0], "")).status_code == 401
    assert push(caller, (client[0], "licet_cs_wrong")).status_code == 401
    foreign = caller.post("/oauth/par", data=asked(other[0]), auth=client)
    assert (foreign.status_code, foreign.json()["error"]) == (400, "invalid_request")
    assert push(caller, sqlite_world.api).json()["error"] == "invalid_request"


def test_a_flood_is_stopped(sqlite_world: World) -> None:
    client, caller = program(sqlite_world), sqlite_world.caller()
    assert LIMITS.client == "120/minute"
    answers = [push(caller, client, code_challenge=None) for _ in range(121)]
    assert (answers[119].status_code, answers[120].status_code, answers[120].json()["error"]) == (400, 429, "slow_down")
    assert int(answers[120].headers["retry-after"]) >= 1


def test_a_proof_with_the_pushed_request_binds_the_code_to_its_key(world: World) -> None:
    caller, client = world.caller(), program(world)
    pushed = {"dpop": made(world, url=f"{ISSUER}/oauth/par")}
    elsewhere = caller.post("/oauth/par", data=asked(client[0]), headers={"dpop": made(world)})
    assert elsewhere.json()["error"] == "invalid_dpop_proof"
    other = caller.post("/oauth/par", data=asked(client[0], dpop_jkt=OTHER.thumbprint()), headers=pushed)
    assert (other.status_code, other.json()["error"]) == (400, "invalid_request")
    uri = caller.post("/oauth/par", data=asked(client[0]), headers={"dpop": made(world, url=f"{ISSUER}/oauth/par")}).json()["request_uri"]
    authorize(caller, {"client_id": client[0], "request_uri": uri})
    with world.store.read() as session:
        assert session.exec(select(Authorization.dpop_jkt)).all() == [EC.thumbprint()]


def test_a_client_proves_itself_by_an_assertion_once(world: World) -> None:
    caller, client = world.caller(), program(world, public=False)
    world.use_keys(client[0], jwks=JWKS)
    signed = {"client_assertion": assertion(CLIENT_KEY, client[0], ISSUER, NOW), "client_assertion_type": TYPE}
    answers = [caller.post("/oauth/par", data=asked(client[0]) | signed) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 401]
    with world.store.read() as session:
        assert "client_assertion" not in session.exec(select(PushedRequest)).one().model_dump_json()

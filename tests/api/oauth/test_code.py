"""Codes and refresh tokens at the token address: what an honest program gets, and every attack on either."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from api.oauth.pace import PaceLimits
from contracts.clock import FixedClock
from contracts.credentials.tables import TokenFamily
from contracts.credentials.tokens import Claims
from contracts.people.tables import Membership
from tests.api.oauth.conftest import ISSUER, World
from tests.api.oauth.programs import HERE, VERIFIER, allowed_code, asked, at_once, authorize, code_form, exchange, program, refresh

OPEN = PaceLimits(network="100000/minute", client="100000/minute", failures="100000/minute")


def _introspect(world: World, caller: Any, token: str) -> Any:
    return caller.post("/oauth/introspect", data={"token": token}, auth=world.api).json()


@pytest.mark.parametrize("public", [True, False])
def test_a_code_becomes_tokens_of_the_person(world: World, public: bool) -> None:
    caller, client = world.caller(), program(world, public=public)
    answer = exchange(caller, client, allowed_code(world, caller, client[0]))
    body = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert body == {
        "access_token": body["access_token"],
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "records:read",
        "refresh_token": body["refresh_token"],
    }
    claims = world.house.tokens.verify(body["access_token"], f"{ISSUER}/v1")
    with world.store.read() as session:
        family = session.exec(select(TokenFamily)).one()
    assert isinstance(claims, Claims)
    assert (claims.client_id, claims.account, claims.family) == (client[0], world.lead.account_id, family.id)
    assert world.entries()[-1] == {
        "event": "token.issued",
        "decision": "allow",
        "subject": claims.jti,
        "organisation": world.lead.organisation_id,
        "contract": world.contract.id,
        "contract_version": 1,
        "contract_hash": world.entries()[-1]["contract_hash"],
        "credential": client[0],
        "credential_kind": "oauth_client",
        "facts": {"audience": "api", "scope": "records:read", "family": family.id},
    }


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": VERIFIER[:-1] + "x"}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"code": "licet_ac_unknown"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"resource": "https://www.agora.example"}, "invalid_target"),
    ],
)
def test_what_does_not_fit_the_code_is_refused_and_the_code_stays_good(
    sqlite_world: World, changed: dict[str, str | None], error: str
) -> None:
    world = sqlite_world
    caller, client = world.caller(), program(world)
    code = allowed_code(world, caller, client[0])
    answer = exchange(caller, client, code, **changed)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert exchange(caller, client, code).status_code == 200


def test_another_client_gets_nothing_for_a_code_or_token(world: World) -> None:
    caller, client, thief = world.caller(), program(world), program(world, public=False)
    code = allowed_code(world, caller, client[0])
    assert exchange(caller, thief, code).json()["error"] == "invalid_grant"
    token = exchange(caller, client, code).json()["refresh_token"]
    assert refresh(caller, thief, token).json()["error"] == "invalid_grant"
    assert exchange(caller, world.api, code).json()["error"] == "unauthorized_client"
    assert refresh(caller, client, token).status_code == 200


def test_a_public_client_cannot_act_for_itself_nor_ask_about_tokens(sqlite_world: World) -> None:
    world = sqlite_world
    caller, (client_id, _) = world.caller(), program(world)
    own = caller.post("/oauth/token", data={"grant_type": "client_credentials", "client_id": client_id})
    about = caller.post("/oauth/introspect", data={"token": "x", "client_id": client_id})
    secretly = caller.post("/oauth/token", data={"grant_type": "client_credentials", "client_id": world.api[0]})
    assert [(each.status_code, each.json()["error"]) for each in (own, about, secretly)] == [
        (400, "unauthorized_client"),
        (401, "invalid_client"),
        (401, "invalid_client"),
    ]


def test_a_replayed_code_ends_what_came_of_it(world: World) -> None:
    caller, client = world.caller(), program(world)
    code = allowed_code(world, caller, client[0])
    body = exchange(caller, client, code).json()
    assert _introspect(world, caller, body["access_token"])["active"] is True
    assert exchange(caller, client, code).json()["error"] == "invalid_grant"
    world.house.watch.poll()
    assert _introspect(world, caller, body["access_token"]) == {"active": False}
    assert refresh(caller, client, body["refresh_token"]).json()["error"] == "invalid_grant"
    assert [entry["event"] for entry in world.entries()] == ["token.issued", "token.family_revoked", "token.refused", "token.refused"]


def test_refresh_rotates_narrows_and_notices_reuse(world: World) -> None:
    caller, client = world.caller(), program(world)
    first = exchange(caller, client, allowed_code(world, caller, client[0])).json()
    second = refresh(caller, client, first["refresh_token"], scope="records:read").json()
    assert (second["scope"], second["expires_in"]) == ("records:read", 600)
    wider = refresh(caller, client, second["refresh_token"], scope="records:read site:fetch")
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")
    third = refresh(caller, client, second["refresh_token"]).json()
    assert refresh(caller, client, first["refresh_token"]).json()["error"] == "invalid_grant"
    assert refresh(caller, client, third["refresh_token"]).json()["error"] == "invalid_grant"
    world.house.watch.poll()
    for token in (first, second, third):
        assert _introspect(world, caller, token["access_token"]) == {"active": False}


def test_a_code_lasts_a_minute(world: World, clock: FixedClock) -> None:
    caller, client = world.caller(), program(world)
    code = allowed_code(world, caller, client[0])
    clock.advance(seconds=60)
    assert exchange(caller, client, code).json()["error"] == "invalid_grant"


def test_who_has_left_the_organisation_reads_no_more(world: World, clock: FixedClock) -> None:
    caller, client = world.caller(), program(world)
    code = allowed_code(world, caller, client[0])
    body = exchange(caller, client, allowed_code(world, caller, client[0])).json()
    with world.store.write() as unit:
        mine = update(Membership).where(col(Membership.account_id) == world.lead.account_id)
        unit.connection.execute(mine.values(ended_at=clock.now() + timedelta(0)))
    assert exchange(caller, client, code).json()["error"] == "invalid_grant"
    assert refresh(caller, client, body["refresh_token"]).json()["error"] == "invalid_grant"
    world.house.watch.poll()
    assert _introspect(world, caller, body["access_token"]) == {"active": False}


def test_a_refresh_token_given_back_ends_its_family(world: World) -> None:
    caller, client, other = world.caller(), program(world), program(world)
    body = exchange(caller, client, allowed_code(world, caller, client[0])).json()
    for who, status in ((other, 400), (client, 200), (client, 200)):
        answer = caller.post("/oauth/revoke", data={"token": body["refresh_token"], "client_id": who[0]})
        assert answer.status_code == status
    world.house.watch.poll()
    assert _introspect(world, caller, body["access_token"]) == {"active": False}
    assert refresh(caller, client, body["refresh_token"]).json()["error"] == "invalid_grant"


def test_of_a_hundred_programs_with_one_code_exactly_one_gets_tokens(world: World) -> None:
    caller, client = world.caller(OPEN), program(world)
    code = allowed_code(world, caller, client[0])
    assert at_once(caller, {"client_id": client[0]} | code_form(code), 100) == {200: 1, 400: 99}
    _all_ended(world)


def test_of_a_hundred_programs_with_one_refresh_token_exactly_one_gets_the_next(world: World) -> None:
    caller, client = world.caller(OPEN), program(world)
    token = exchange(caller, client, allowed_code(world, caller, client[0])).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client[0]}
    assert at_once(caller, form, 100) == {200: 1, 400: 99}
    _all_ended(world)


def test_the_person_is_asked_about_the_registered_program_only(sqlite_world: World) -> None:
    client = program(sqlite_world, back=(HERE, "https://tool.example/back"))
    answer = authorize(sqlite_world.caller(), asked(client[0], redirect_uri=None))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def _all_ended(world: World) -> None:
    with world.store.read() as session:
        assert [row.revoked_at is not None for row in session.exec(select(TokenFamily)).all()] == [True]

"""POST /oauth/introspect and /oauth/revoke over HTTP: what a contract's clients learn of its tokens, and giving one back."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from contracts.clock import FixedClock
from contracts.credentials import service as credentials
from contracts.credentials.issued import sweep
from contracts.errors import Refusal
from contracts.lifecycle.tables import Contract
from contracts.people.roles import Role
from contracts.store import epochs
from contracts.terms.grant import Grant, compile_grant
from tests.api.oauth.conftest import ISSUER, World
from tests.contracts.credentials.sealed import RING, contract_in_force
from tests.contracts.people.people import person

INACTIVE = {"active": False}


def _token(caller: TestClient, auth: tuple[str, str]) -> str:
    token: str = caller.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=auth).json()["access_token"]
    return token


def _introspect(caller: TestClient, auth: tuple[str, str] | None, token: str) -> Any:
    return caller.post("/oauth/introspect", data={"token": token}, auth=auth)


def _revoke(caller: TestClient, auth: tuple[str, str], token: str, **more: str) -> Any:
    return caller.post("/oauth/revoke", data={"token": token} | more, auth=auth)


def test_a_client_of_the_contract_learns_what_a_token_says(world: World, clock: FixedClock) -> None:
    caller, now = world.caller(), int(clock.now().timestamp())
    token = _token(caller, world.api)
    jti = world.entries()[0]["subject"]
    for who in (world.api, world.site, world.api):
        answer = _introspect(caller, who, token)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert answer.json() == {
            "active": True,
            "iss": ISSUER,
            "aud": f"{ISSUER}/v1",
            "sub": world.api[0],
            "client_id": world.api[0],
            "iat": now,
            "exp": now + 600,
            "jti": jti,
            "scope": "records:read",
            "contract": world.contract.id,
            "contract_version": 1,
            "token_type": "Bearer",
        }
    assert len(world.entries()) == 1


def test_every_dead_or_foreign_token_looks_alike(sqlite_world: World, clock: FixedClock) -> None:
    world = sqlite_world
    caller = world.caller()
    token = _token(caller, world.api)
    other = person(world.store, "bea@south.example", Role.LEAD, organisation="org_south")
    contract = contract_in_force(world.store, other, person(world.store, "sue@agora.example", Role.STEWARD))
    with world.store.write() as unit:
        foreign, secret = credentials.create_client(unit, other, contract, name="Foreign", audience="api")
    assert _introspect(caller, (foreign.id, secret), token).json() == INACTIVE
    header, payload, signature = token.split(".")
    for wrong in ("licet_rt_x", f"{header}.{payload}.{signature[:-4]}AAAA", f"{header}.{payload}.", "x" * 5000):
        assert _introspect(caller, world.api, wrong).json() == INACTIVE
    clock.advance(seconds=600)
    assert _introspect(caller, world.api, token).json() == INACTIVE


@pytest.mark.parametrize("how", ["client", "suspension"])
def test_a_token_dies_with_what_it_came_from(world: World, how: str) -> None:
    caller = world.caller()
    token = _token(caller, world.api)
    assert _introspect(caller, world.site, token).json()["active"] is True
    with world.store.write() as unit:
        if how == "client":
            credentials.revoke_client(unit, world.lead, world.api[0])
        else:
            unit.lock(Contract, world.contract.id).state = "suspended"
            unit.session.flush()
            epochs.bump(unit, "grants")
    world.house.watch.poll()
    assert _introspect(caller, world.site, token).json() == INACTIVE


def test_only_clients_may_ask(world: World) -> None:
    caller = world.caller()
    token = _token(caller, world.api)
    answer = _introspect(caller, (world.api[0], "wrong"), token)
    assert (answer.status_code, answer.json()["error"], answer.headers["www-authenticate"]) == (
        401,
        "invalid_client",
        'Basic realm="licet", charset="UTF-8"',
    )
    empty = caller.post("/oauth/introspect", data={"other": "x"}, auth=world.api)
    assert (empty.status_code, empty.json()["error"]) == (400, "invalid_request")
    assert [(entry["event"], entry["rule"], entry["facts"]) for entry in world.entries()[1:]] == [
        ("token.refused", "invalid_client", {"asked": "introspection"}),
        ("token.refused", "invalid_request", {"asked": "introspection"}),
    ]


def test_guesses_at_secrets_are_stopped_without_a_secret(sqlite_world: World) -> None:
    caller = sqlite_world.caller()
    answers = [_introspect(caller, (sqlite_world.api[0], "wrong"), "x") for _ in range(31)]
    assert {answer.status_code for answer in answers[:30]} == {401}
    assert (answers[30].status_code, answers[30].json()["error"]) == (429, "slow_down")
    assert int(answers[30].headers["retry-after"]) > 0


def test_a_revoked_token_is_refused_everywhere(world: World, clock: FixedClock) -> None:
    caller = world.caller()
    token, kept = _token(caller, world.api), _token(caller, world.api)
    jti = world.entries()[0]["subject"]
    for _ in range(2):
        answer = _revoke(caller, world.api, token)
        assert (answer.status_code, answer.json()) == (200, {})
    assert _introspect(caller, world.api, token).json() == INACTIVE
    assert _introspect(caller, world.api, kept).json()["active"] is True
    assert [(entry["event"], entry["subject"], entry["credential"]) for entry in world.entries()[2:]] == [
        ("token.revoked", jti, world.api[0])
    ]
    assert _denied(world) == {jti}
    assert sweep(world.store) == 0
    clock.advance(seconds=600)
    assert (sweep(world.store), _denied(world)) == (1, set())


def test_the_api_refuses_a_revoked_token(world: World) -> None:
    caller = world.caller()
    token = _token(caller, world.api)
    _revoke(caller, world.api, token, token_type_hint="access_token")
    claims = world.house.tokens.verify(token, f"{ISSUER}/v1")
    with world.store.read() as session:
        grant = compile_grant(RING, session, world.contract.id)
    assert not isinstance(claims, Refusal) and isinstance(grant, Grant)
    assert grant.refusal_of(claims) == Refusal("token_invalid", "The access token was revoked. Ask for a new one.")


def test_what_is_no_token_of_the_caller_is_not_revoked(world: World) -> None:
    caller = world.caller()
    token = _token(caller, world.api)
    unknown = _revoke(caller, world.api, "nothing")
    assert (unknown.status_code, unknown.json()) == (200, {})
    tried = [
        (_revoke(caller, world.site, token), "invalid_grant"),
        (_revoke(caller, world.api, token, token_type_hint="id_token"), "unsupported_token_type"),
        (caller.post("/oauth/revoke", data={"x": "y"}, auth=world.api), "invalid_request"),
    ]
    assert [(answer.status_code, answer.json()["error"]) for answer, _ in tried] == [(400, error) for _, error in tried]
    assert _revoke(caller, (world.api[0], "wrong"), token).status_code == 401
    assert _introspect(caller, world.api, token).json()["active"] is True
    assert [entry["rule"] for entry in world.entries()[1:]] == [
        "invalid_grant",
        "unsupported_token_type",
        "invalid_request",
        "invalid_client",
    ]


def _denied(world: World) -> set[str]:
    with world.store.read() as session:
        grant = compile_grant(RING, session, world.contract.id)
    return set(grant.denied) if isinstance(grant, Grant) else set()

"""DPoP at the token address, over HTTP: tokens bound to a key, proofs used once in all workers, and codes and refresh tokens that hold
with their key alone (RFC 9449)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey
from starlette.testclient import TestClient

from contracts.clock import FixedClock
from contracts.credentials.assertions import TYPE
from contracts.credentials.client_keys import require_dpop
from contracts.credentials.dpop import Nonces
from contracts.credentials.tokens import Claims
from contracts.keys import Purpose
from contracts.people.roles import Role
from contracts.terms.grant import Grant, compile_grant
from tests.api.oauth.conftest import ISSUER, World
from tests.api.oauth.programs import HERE, allowed_code, code_form, program
from tests.api.oauth.test_assertions import EC as CLIENT_KEY
from tests.api.oauth.test_assertions import JWKS, NOW, said
from tests.contracts.credentials.sealed import RING, contract_in_force
from tests.contracts.people.people import person
from tests.harness.jose import Key, assertion, proof

EC, OTHER, OKP, RSA = ECKey.generate_key("P-256"), ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)
URL = f"{ISSUER}/oauth/token"
NONCES = Nonces(RING.derived(Purpose.NONCE))
ASK_AGAIN = "Put the nonce of the header DPoP-Nonce into the proof and send the request again."


def made(world: World, key: Key = EC, method: str = "POST", url: str = URL, **changed: Any) -> str:
    """A proof for a token request, with a nonce of now."""
    now = world.store.clock.now()
    return proof(key, method, url, now.timestamp(), **({"nonce": NONCES.current(now)} | changed))


def ask(world: World, caller: TestClient, *proofs: str, auth: tuple[str, str] | None = None, **form: str) -> Any:
    """The answer to a token request with `DPoP` headers; of the world's client for the API unless another is named."""
    headers = [("dpop", each) for each in proofs]
    values = {"grant_type": "client_credentials"} | form
    named = auth or (None if "client_id" in values or "client_assertion" in values else world.api)
    return caller.post("/oauth/token", data=values, auth=named, headers=headers)


def read(world: World, answer: Any) -> Claims:
    claims = world.house.tokens.read(answer.json()["access_token"])
    assert isinstance(claims, Claims)
    return claims


@pytest.mark.parametrize(("alg", "key"), [("ES256", EC), ("EdDSA", OKP), ("Ed25519", OKP), ("PS256", RSA)])
def test_a_proof_binds_the_token_to_its_key(sqlite_world: World, alg: str, key: Key) -> None:
    world, caller = sqlite_world, sqlite_world.caller()
    answer = ask(world, caller, made(world, key, header_alg=alg))
    claims = read(world, answer)
    body = {name: value for name, value in answer.json().items() if name != "access_token"}
    assert (answer.status_code, body) == (200, {"token_type": "DPoP", "expires_in": 600, "scope": "records:read"})
    assert (claims.payload["cnf"], claims.bound) == ({"jkt": key.thumbprint()}, True)
    assert answer.headers["dpop-nonce"] == NONCES.current(world.store.clock.now())
    told = caller.post("/oauth/introspect", data={"token": answer.json()["access_token"]}, auth=world.api).json()
    assert (told["active"], told["token_type"], told["cnf"]) == (True, "DPoP", {"jkt": key.thumbprint()})


def test_a_proof_without_a_nonce_is_told_one_and_spends_nothing(world: World) -> None:
    world.use_keys(world.api[0], jwks=JWKS)
    caller, bare = world.caller(), made(world, nonce=None)
    signed = {"client_assertion_type": TYPE, "client_assertion": assertion(CLIENT_KEY, world.api[0], ISSUER, NOW)}
    first = ask(world, caller, bare, **signed)
    assert said(first) == (400, "use_dpop_nonce", ASK_AGAIN)
    # The nonce holds in every worker, and the same assertion is taken with the request that comes again.
    second = ask(world, world.caller(), made(world, nonce=first.headers["dpop-nonce"]), **signed)
    assert (second.status_code, second.json()["token_type"]) == (200, "DPoP")
    assert [entry.get("rule", "") for entry in world.entries()] == ["use_dpop_nonce", ""]


def test_nonces_of_others_and_of_yesterday_are_none(sqlite_world: World, clock: FixedClock) -> None:
    world, caller = sqlite_world, sqlite_world.caller()
    old = NONCES.current(clock.now())
    strange = Nonces(b"o" * 32).current(clock.now())
    assert [said(ask(world, caller, made(world, nonce=each)))[1] for each in (strange, "x", "")] == ["use_dpop_nonce"] * 3
    clock.advance(minutes=5)
    assert said(ask(world, caller, made(world, nonce=old)))[1] == "use_dpop_nonce"


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "GET"},
        {"url": f"{ISSUER}/oauth/par"},
        {"url": "https://other.example/oauth/token"},
        {"url": "http://data.agora.example/oauth/token"},
        {"jti": None},
        {"iat": NOW - 301},
        {"iat": NOW + 31},
        {"header_typ": "JWT"},
        {"header_jwk": OTHER.as_dict(private=False)},
        {"header_jwk": EC.as_dict(private=True)},
    ],
)
def test_a_proof_that_does_not_hold_is_refused_and_recorded(sqlite_world: World, changed: dict[str, Any]) -> None:
    world = sqlite_world
    answer = ask(world, world.caller(), made(world, **changed))
    assert said(answer)[:2] == (400, "invalid_dpop_proof")
    assert [(entry["rule"], entry["credential"]) for entry in world.entries()] == [("invalid_dpop_proof", world.api[0])]


def test_the_address_is_the_public_one_whatever_the_request_says_of_its_host(sqlite_world: World) -> None:
    caller = sqlite_world.caller()
    caller.headers["host"] = "evil.example"
    assert said(ask(sqlite_world, caller, made(sqlite_world, url="https://evil.example/oauth/token")))[1] == "invalid_dpop_proof"
    assert ask(sqlite_world, caller, made(sqlite_world)).status_code == 200


def test_two_proofs_are_none(sqlite_world: World) -> None:
    answer = ask(sqlite_world, sqlite_world.caller(), made(sqlite_world), made(sqlite_world))
    assert said(answer) == (400, "invalid_dpop_proof", "The DPoP proof does not hold. Send one header DPoP with one proof.")


def test_a_proof_is_good_once_in_all_workers(world: World) -> None:
    one = made(world)
    answers = [ask(world, world.caller(), one) for _ in range(2)]
    again = "The DPoP proof does not hold. It was used before. Make a new one for each request."
    assert [said(each) for each in answers] == [(200, "", ""), (400, "invalid_dpop_proof", again)]
    assert [entry.get("rule", "") for entry in world.entries()] == ["", "invalid_dpop_proof"]


def test_of_many_at_once_with_one_proof_exactly_one_gets_a_token(world: World) -> None:
    workers, headers = [world.caller() for _ in range(2)], {"dpop": made(world)}

    async def race() -> list[int]:
        transports = [httpx.ASGITransport(each.app, client=("203.0.113.9", 1)) for each in workers]
        callers = [httpx.AsyncClient(transport=each, base_url=ISSUER, auth=world.api, headers=headers) for each in transports]
        asked = (callers[n % 2].post("/oauth/token", data={"grant_type": "client_credentials"}) for n in range(20))
        return [answer.status_code for answer in await asyncio.gather(*asked)]

    assert Counter(asyncio.run(race())) == {200: 1, 400: 19}
    assert [entry["event"] for entry in world.entries()].count("token.issued") == 1


def test_a_client_whose_tokens_are_bound_gets_none_without_a_proof(world: World) -> None:
    caller = world.caller()
    bearer = read(world, ask(world, caller))
    with world.store.write() as unit:
        require_dpop(unit, world.lead, world.api[0], True)
    world.house.watch.poll()
    wanted = "The DPoP proof does not hold. Send one header DPoP with one proof."
    assert said(ask(world, caller)) == (400, "invalid_dpop_proof", wanted)
    bound = read(world, ask(world, caller, made(world)))
    # What was issued before is over as well, within the two seconds of every grant.
    assert [_refusal(world, each) for each in (bearer, bound)] == ["token_invalid", ""]


def test_a_contract_that_asks_for_bound_tokens_binds_each_client_for_the_api(world: World) -> None:
    steward = person(world.store, "kim@agora.example", Role.STEWARD)
    world.contract = contract_in_force(world.store, world.lead, steward, bound_tokens=True)
    (reader, caller) = program(world, public=False), world.caller()
    code = allowed_code(world, caller, reader[0])
    assert said(ask(world, caller, auth=reader, **code_form(code)))[:2] == (400, "invalid_dpop_proof")
    answer = ask(world, caller, made(world), auth=reader, **code_form(code))
    assert (answer.json()["token_type"], _refusal(world, read(world, answer))) == ("DPoP", "")


def _refusal(world: World, claims: Claims) -> str:
    """What the contract's grant says of a token."""
    with world.store.read() as session:
        grant = compile_grant(RING, session, claims.contract_id)
    assert isinstance(grant, Grant)
    refusal = grant.refusal_of(claims)
    return "" if refusal is None else refusal.code


def test_a_token_for_the_site_stays_a_bearer_token(sqlite_world: World) -> None:
    answer = ask(sqlite_world, sqlite_world.caller(), made(sqlite_world), auth=sqlite_world.site)
    assert (answer.json()["token_type"], read(sqlite_world, answer).bound) == ("Bearer", False)


def test_a_public_programs_refresh_tokens_hold_with_its_key_alone(world: World) -> None:
    (client_id, _), caller = program(world), world.caller()
    code = allowed_code(world, caller, client_id)
    first = ask(world, caller, made(world), client_id=client_id, **code_form(code))
    form = {"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"], "client_id": client_id}
    bound = "The refresh token is bound to a key. Send a DPoP proof of that key."
    assert said(ask(world, caller, **form)) == (400, "invalid_grant", bound)
    assert said(ask(world, caller, made(world, OTHER), **form)) == (400, "invalid_grant", bound)
    renewed = ask(world, caller, made(world), **form)
    assert (renewed.json()["token_type"], read(world, renewed).payload["cnf"]) == ("DPoP", {"jkt": EC.thumbprint()})
    # It goes on so: the next one is bound to the key as well.
    form["refresh_token"] = renewed.json()["refresh_token"]
    assert said(ask(world, caller, made(world, OTHER), **form)) == (400, "invalid_grant", bound)


def test_a_program_with_a_secret_may_change_its_key_when_it_refreshes(sqlite_world: World) -> None:
    world, caller = sqlite_world, sqlite_world.caller()
    reader = program(world, public=False)
    first = ask(world, caller, made(world), auth=reader, **code_form(allowed_code(world, caller, reader[0])))
    renewed = ask(world, caller, made(world, OTHER), auth=reader, grant_type="refresh_token", refresh_token=first.json()["refresh_token"])
    assert read(world, renewed).payload["cnf"] == {"jkt": OTHER.thumbprint()}


def test_a_code_that_was_asked_for_with_a_key_is_redeemed_with_that_key(world: World) -> None:
    (client_id, _), caller = program(world), world.caller()
    code = allowed_code(world, caller, client_id, dpop_jkt=EC.thumbprint())
    form = {"client_id": client_id, **code_form(code)}
    bound = "The code is bound to a key (dpop_jkt). Send a DPoP proof of that key."
    assert [said(ask(world, caller, *proofs, **form)) for proofs in ((), (made(world, OTHER),))] == [(400, "invalid_grant", bound)] * 2
    assert ask(world, caller, made(world), **form).json()["token_type"] == "DPoP"


def test_a_used_proof_does_not_spend_a_code(world: World) -> None:
    (client_id, _), caller, used = program(world), world.caller(), made(world)
    assert ask(world, caller, used).status_code == 200
    form = {"client_id": client_id, **code_form(allowed_code(world, caller, client_id))}
    assert form["redirect_uri"] == HERE
    assert said(ask(world, caller, used, **form))[1] == "invalid_dpop_proof"
    assert ask(world, caller, made(world), **form).status_code == 200

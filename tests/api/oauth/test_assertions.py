"""private_key_jwt over HTTP: one form of assertion gets a token, once in all workers; every attack on it is refused."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey
from starlette.testclient import TestClient

from contracts.clock import FixedClock
from contracts.credentials.assertions import TYPE
from contracts.credentials.client_keys import ClientKeys
from contracts.credentials.tables import Client
from contracts.guarded import is_public
from tests.api.oauth.conftest import ISSUER, World
from tests.api.oauth.programs import allowed_code, code_form, program
from tests.conftest import START
from tests.harness.jose import Key, assertion, public
from tests.harness.tls import TlsServer, tls_server

EC, OKP, RSA = ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)
JWKS = {"keys": [public(EC, kid="ec"), public(OKP, kid="okp"), public(RSA, kid="rsa")]}
NOW = START.timestamp()
NO_SIGNER = "No such client, or none of its keys signs the assertion with ES256, EdDSA or PS256, or the client was revoked."
REPLAYED = "The client assertion was used before. Sign a new one, with a jti of its own."


@pytest.fixture
def keyed(world: World) -> World:
    """The world, whose client for the API proves itself by three keys."""
    world.use_keys(world.api[0], jwks=JWKS)
    return world


@pytest.fixture
def sqlite_keyed(sqlite_world: World) -> World:
    """The same, for what the store has no part in."""
    sqlite_world.use_keys(sqlite_world.api[0], jwks=JWKS)
    return sqlite_world


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    with tls_server(tmp_path) as served:
        yield served


def proof_of(world: World, key: Key = EC, **changed: Any) -> str:
    """An assertion of the world's client."""
    return assertion(key, world.api[0], ISSUER, NOW, **changed)


def ask(caller: TestClient, signed: str, path: str = "/oauth/token", **form: str) -> Any:
    """The answer to a form with an assertion."""
    values = {"grant_type": "client_credentials"} if path == "/oauth/token" else {}
    return caller.post(path, data={**values, "client_assertion_type": TYPE, "client_assertion": signed, **form})


def said(answer: Any) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body.get("error", ""), body.get("error_description", "")


@pytest.mark.parametrize(("alg", "key"), [("ES256", EC), ("EdDSA", OKP), ("Ed25519", OKP), ("PS256", RSA)])
def test_an_assertion_gets_a_token(sqlite_keyed: World, alg: str, key: Key) -> None:
    world = sqlite_keyed
    answer = ask(world.caller(), proof_of(world, key, alg=alg, header_typ="client-authentication+jwt"), client_id=world.api[0])
    assert (answer.status_code, answer.json()["token_type"], answer.json()["scope"]) == (200, "Bearer", "records:read")
    assert [(entry["event"], entry["credential"]) for entry in world.entries()] == [("token.issued", world.api[0])]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"aud": [ISSUER]}, f"The client assertion must have {ISSUER} as its aud, and nothing beside it."),
        ({"aud": [ISSUER, "https://other.example"]}, f"The client assertion must have {ISSUER} as its aud, and nothing beside it."),
        ({"aud": "https://other.example"}, f"The client assertion must have {ISSUER} as its aud, and nothing beside it."),
        ({"aud": f"{ISSUER}/oauth/token"}, f"The client assertion must have {ISSUER} as its aud, and nothing beside it."),
        ({"exp": NOW - 31}, "The client assertion has ended."),
        ({"exp": NOW + 3_601}, "The client assertion must end within 3600 seconds."),
        ({"exp": None}, "The client assertion must have an exp."),
        ({"nbf": NOW + 31}, "The client assertion is from the future. Set the clock of the machine that signs it."),
        ({"iat": NOW + 31}, "The client assertion is from the future. Set the clock of the machine that signs it."),
        ({"iat": NOW - 601}, "The client assertion was made too long ago."),
        ({"jti": None}, "The client assertion must have a jti of 1 to 256 characters."),
        ({"iss": "cli_other"}, "The client assertion must have the client id as iss and as sub."),
        ({"header_typ": "dpop+jwt"}, "The client assertion is a JWT of another kind."),
        ({"header_kid": "rsa"}, NO_SIGNER),
        ({"header_kid": "unknown"}, NO_SIGNER),
        ({"header_crit": ["exp"]}, NO_SIGNER),
    ],
)
def test_an_assertion_of_another_form_is_refused_and_recorded(sqlite_keyed: World, changed: dict[str, Any], told: str) -> None:
    world = sqlite_keyed
    assert said(ask(world.caller(), proof_of(world, **changed))) == (401, "invalid_client", told)
    assert [(entry["event"], entry["rule"]) for entry in world.entries()] == [("token.refused", "invalid_client")]


def test_what_the_clients_keys_did_not_sign_says_nothing_of_the_client(sqlite_keyed: World) -> None:
    world = sqlite_keyed
    unknown = "cli_" + "0" * 26
    forged = [
        proof_of(world, ECKey.generate_key("P-256")),
        proof_of(world, RSA, alg="PS256", header_kid="ec"),
        assertion(EC, unknown, ISSUER, NOW),
        assertion(EC, world.site[0], ISSUER, NOW),  # a client with a secret has no keys
        _forged(world, "none"),
        _forged(world, "HS256"),
        _forged(world, "RS256"),
    ]
    caller = world.caller()
    assert [said(ask(caller, each)) for each in forged] == [(401, "invalid_client", NO_SIGNER)] * len(forged)


def _forged(world: World, alg: str) -> str:
    """An assertion without a signature, or signed with the public key as if it were a shared secret (RFC 8725 section 2.1)."""
    claims = {"iss": world.api[0], "sub": world.api[0], "aud": ISSUER, "jti": "j", "iat": NOW, "exp": NOW + 60}
    head, body = (base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in ({"alg": alg}, claims))
    secret = RSA.as_pem(private=False)
    signature = b"" if alg == "none" else hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def test_nobody_proves_himself_in_two_ways(sqlite_keyed: World) -> None:
    world = sqlite_keyed
    caller, form = world.caller(), {"grant_type": "client_credentials", "client_assertion_type": TYPE}
    one_way = "Prove the client in one way: by its assertion or by its secret."
    both = f"Send client_assertion together with client_assertion_type={TYPE}."
    whose = "The client assertion is no JWT whose sub is the client id."
    tried = [
        caller.post("/oauth/token", data=form | {"client_assertion": proof_of(world)}, auth=world.api),
        caller.post("/oauth/token", data=form | {"client_assertion": proof_of(world), "client_secret": world.api[1]}),
        caller.post("/oauth/token", data=form | {"client_id": world.api[0]}),
        caller.post("/oauth/token", data=form | {"client_assertion": proof_of(world), "client_assertion_type": "urn:x"}),
        caller.post("/oauth/token", data={"grant_type": "client_credentials", "client_assertion": proof_of(world)}),
        ask(caller, proof_of(world), client_id=world.site[0]),
        ask(caller, "no.jwt.", client_id=world.api[0]),
    ]
    assert [said(each) for each in tried] == [
        *[(400, "invalid_request", one_way)] * 2,
        *[(400, "invalid_request", both)] * 3,
        *[(401, "invalid_client", whose)] * 2,
    ]


def test_a_client_with_keys_has_no_secret_any_more(sqlite_keyed: World) -> None:
    answer = sqlite_keyed.caller().post("/oauth/token", data={"grant_type": "client_credentials"}, auth=sqlite_keyed.api)
    assert said(answer)[:2] == (401, "invalid_client")


def test_a_public_program_is_not_let_in_beside_an_assertion_that_does_not_hold(sqlite_world: World) -> None:
    public_program = program(sqlite_world)
    caller = sqlite_world.caller()
    code = allowed_code(sqlite_world, caller, public_program[0])
    signed = assertion(EC, public_program[0], ISSUER, NOW)
    assert said(ask(caller, signed, client_id=public_program[0], **code_form(code))) == (401, "invalid_client", NO_SIGNER)


def test_an_assertion_is_good_once_in_all_workers_and_at_all_addresses(keyed: World) -> None:
    one, other = keyed.caller(), keyed.caller()
    signed = proof_of(keyed)
    token = ask(one, signed).json()["access_token"]
    assert said(ask(other, signed)) == (401, "invalid_client", REPLAYED)
    for path in ("/oauth/introspect", "/oauth/revoke"):
        assert said(ask(other, signed, path, token=token)) == (401, "invalid_client", REPLAYED)
        fresh = proof_of(keyed)
        assert ask(one, fresh, path, token=token).status_code == 200
        assert said(ask(other, fresh, path, token=token)) == (401, "invalid_client", REPLAYED)
        assert said(ask(other, fresh)) == (401, "invalid_client", REPLAYED)
    rules = Counter((entry["event"], entry.get("rule", "")) for entry in keyed.entries())
    assert rules == {("token.issued", ""): 1, ("token.refused", "invalid_client"): 7, ("token.revoked", ""): 1}


def test_a_refused_request_uses_its_assertion_up_as_well(keyed: World) -> None:
    caller, signed = keyed.caller(), proof_of(keyed)
    assert said(ask(caller, signed, scope="records:write"))[1] == "invalid_scope"
    assert said(ask(caller, signed)) == (401, "invalid_client", REPLAYED)


def test_of_many_at_once_with_one_assertion_exactly_one_gets_a_token(keyed: World) -> None:
    workers, signed = [keyed.caller() for _ in range(2)], proof_of(keyed)
    form = {"grant_type": "client_credentials", "client_assertion_type": TYPE, "client_assertion": signed}

    async def race() -> list[int]:
        transports = [httpx.ASGITransport(each.app, client=("203.0.113.9", 1)) for each in workers]
        callers = [httpx.AsyncClient(transport=each, base_url=ISSUER) for each in transports]
        answers = await asyncio.gather(*(callers[n % 2].post("/oauth/token", data=form) for n in range(20)))
        return [answer.status_code for answer in answers]

    assert Counter(asyncio.run(race())) == {200: 1, 401: 19}
    assert [entry["event"] for entry in keyed.entries()].count("token.issued") == 1


def test_a_replayed_assertion_does_not_spend_a_code(keyed: World) -> None:
    client_id, _ = program(keyed, public=False)
    keyed.use_keys(client_id, jwks=JWKS)
    caller = keyed.caller()
    signed = assertion(EC, client_id, ISSUER, NOW)
    first, second = (allowed_code(keyed, caller, client_id) for _ in range(2))
    assert ask(caller, signed, **code_form(first)).status_code == 200
    assert said(ask(caller, signed, **code_form(second))) == (401, "invalid_client", REPLAYED)
    renewed = ask(caller, assertion(EC, client_id, ISSUER, NOW), **code_form(second))
    assert renewed.status_code == 200
    form = {"grant_type": "refresh_token", "refresh_token": renewed.json()["refresh_token"]}
    assert ask(caller, assertion(EC, client_id, ISSUER, NOW), **form).status_code == 200


def test_a_used_assertion_is_refused_for_as_long_as_it_would_hold(keyed: World, clock: FixedClock) -> None:
    caller, signed = keyed.caller(), proof_of(keyed, exp=NOW + 60)
    assert ask(caller, signed).status_code == 200
    clock.advance(seconds=89)
    assert said(ask(caller, signed)) == (401, "invalid_client", REPLAYED)
    clock.advance(seconds=1)
    assert said(ask(caller, signed)) == (401, "invalid_client", "The client assertion has ended.")


def test_keys_at_an_address_of_the_client(sqlite_world: World, server: TlsServer) -> None:
    world = _with_address(sqlite_world, server.url("/jwks"))
    server.give("/jwks", json.dumps(JWKS).encode(), "application/jwk-set+json")
    caller = world.caller(keys=ClientKeys(server.client()))
    assert [ask(caller, proof_of(world, header_kid="ec")).status_code for _ in range(2)] == [200, 200]
    assert [path for path, _ in server.asked] == ["/jwks"]


def test_no_key_comes_from_a_private_address_a_redirect_or_an_oversized_answer(sqlite_world: World, server: TlsServer) -> None:
    good = json.dumps(JWKS).encode()
    server.give("/jwks", good)
    server.give("/huge", b" " * 70_000 + good)
    server.answers["/moved"] = lambda handler: _redirect(handler, server.url("/jwks"))
    for path, permitted, asked in (("/jwks", is_public, []), ("/moved", None, ["/moved"]), ("/huge", None, ["/huge"])):
        world = _with_address(sqlite_world, server.url(path))
        server.asked.clear()
        caller = world.caller(keys=ClientKeys(server.client(permitted)))
        assert said(ask(caller, proof_of(world))) == (401, "invalid_client", NO_SIGNER), path
        assert [where for where, _ in server.asked] == asked


def _redirect(handler: Any, where: str) -> None:
    handler.send_response(302)
    handler.send_header("location", where)
    handler.send_header("content-length", "0")
    handler.end_headers()


def _with_address(world: World, url: str) -> World:
    """The client's keys are at the test's own server, whose port no client may register."""
    world.use_keys(world.api[0], jwks_uri="https://keys.partner.example/jwks")
    with world.store.write() as unit:
        unit.lock(Client, world.api[0]).jwks_uri = url
    world.house.watch.poll()
    return world

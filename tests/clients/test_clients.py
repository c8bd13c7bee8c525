"""OAuth clients that we did not write, against a running server: discovery, tokens, people, refresh, asking and giving back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.clients.conftest import LIBRARIES
from tests.clients.libraries import Library, nobody
from tests.clients.platform import RECORDS, Platform, data_of

GetLibrary = Callable[[str], Library]
# Authlib's client has neither DPoP nor pushed requests.
WITH_PROOFS = ("oauth4webapi", "openid-client", "requests-oauth2client")
DETAILS = [{"type": "dataset-access", "dataset": "trees", "fields": ["id", "height"], "actions": ["read"], "purpose": "research"}]
METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
every_library = pytest.mark.parametrize("name", LIBRARIES)


def _asked(served: Platform, client: dict[str, str], back: str = "", **parameters: str) -> dict[str, Any]:
    """What a library is told: where the server is, who it is, and what to ask for."""
    return {
        "issuer": served.base_url,
        "resource": served.resource,
        "records": served.base_url + RECORDS,
        "client": client,
        "redirect_uri": back,
        "parameters": {"scope": "records:read"} | parameters,
        "dpop": False,
        "par": False,
    }


def _told(token: dict[str, Any]) -> dict[str, Any]:
    """The token address's answer without what is secret or made up by the library."""
    kept = ("token_type", "scope", "authorization_details")
    return {name: value for name, value in token.items() if name in kept} | {"token_type": token["token_type"].lower()}


def _claims(served: Platform, token: dict[str, Any], client: dict[str, str], **more: Any) -> None:
    """Assert every claim of an access token that was just issued."""
    claims = served.claims(token["access_token"])
    assert claims == {
        "iss": served.base_url,
        "aud": served.resource,
        "sub": client["id"],
        "client_id": client["id"],
        "iat": claims["iat"],
        "exp": claims["iat"] + 600,
        "jti": claims["jti"],
        "scope": "records:read",
        "contract": served.made.contract.id,
        "contract_version": 1,
        **more,
    }


def _read(served: Platform, answer: dict[str, Any]) -> None:
    assert (answer["status"], data_of(answer["body"])) == (200, served.records)


@every_library
def test_discovery(served: Platform, library: GetLibrary, name: str) -> None:
    client = {"id": served.made.client.client_id, "secret": served.made.client.client_secret, "method": "client_secret_basic"}
    found = library(name).act("discover", _asked(served, client), nobody)
    assert {key: found["server"][key] for key in ("issuer", "token_endpoint", "authorization_endpoint", "jwks_uri")} == {
        "issuer": served.base_url,
        "token_endpoint": f"{served.base_url}/oauth/token",
        "authorization_endpoint": f"{served.base_url}/oauth/authorize",
        "jwks_uri": f"{served.base_url}/oauth/jwks",
    }
    if "resource" in found:
        assert (found["resource"]["resource"], found["resource"]["authorization_servers"]) == (served.resource, [served.base_url])


@every_library
@pytest.mark.parametrize("method", METHODS)
def test_a_client_for_itself(served: Platform, library: GetLibrary, name: str, method: str) -> None:
    client = served.client(method)
    outcome = library(name).act("alone", _asked(served, client), nobody)
    assert _told(outcome["token"]) == {"token_type": "bearer", "scope": "records:read"}
    _claims(served, outcome["token"], client)
    _read(served, outcome["read"])


@every_library
def test_a_token_for_the_resource_that_is_named(served: Platform, library: GetLibrary, name: str) -> None:
    client = served.client("client_secret_basic")
    outcome = library(name).act("alone", _asked(served, client, resource=served.resource), nobody)
    _claims(served, outcome["token"], client)
    _read(served, outcome["read"])


@every_library
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "private_key_jwt"])
def test_a_program_for_a_person(
    served: Platform, library: GetLibrary, allows: Callable[[str], str], back: str, name: str, method: str
) -> None:
    client = served.client(method, back)
    outcome = library(name).act("consented", _asked(served, client, back), allows)
    for token, answer in (("token", "read"), ("refreshed", "readAgain")):
        assert _told(outcome[token]) == {"token_type": "bearer", "scope": "records:read"}
        _claims(served, outcome[token], client, sub=served.lead, family=served.claims(outcome[token]["access_token"])["family"])
        _read(served, outcome[answer])
    assert outcome["token"]["refresh_token"] != outcome["refreshed"]["refresh_token"]
    assert outcome["reused"] == "invalid_grant"


@pytest.mark.parametrize("name", WITH_PROOFS)
def test_a_token_bound_to_a_key(served: Platform, library: GetLibrary, name: str) -> None:
    """By DPoP (RFC 9449), with the nonces that the token address and the API ask for."""
    client = served.client("client_secret_basic", dpop_bound=True)
    outcome = library(name).act("alone", _asked(served, client) | {"dpop": True}, nobody)
    token = outcome["token"]
    assert _told(token) == {"token_type": "dpop", "scope": "records:read"}
    _claims(served, token, client, cnf={"jkt": served.claims(token["access_token"])["cnf"]["jkt"]})
    _read(served, outcome["read"])
    stolen = httpx.get(served.base_url + RECORDS, headers={"authorization": f"Bearer {token['access_token']}"}, trust_env=False)
    assert (stolen.status_code, stolen.json()["code"]) == (401, "token_invalid")


@pytest.mark.parametrize("name", WITH_PROOFS)
@pytest.mark.parametrize("method", ["none", "private_key_jwt"])
def test_a_program_for_a_person_bound_to_a_key(
    served: Platform, library: GetLibrary, allows: Callable[[str], str], back: str, name: str, method: str
) -> None:
    client = served.client(method, back, dpop_bound=True)
    outcome = library(name).act("consented", _asked(served, client, back) | {"dpop": True}, allows)
    keys = {served.claims(outcome[token]["access_token"])["cnf"]["jkt"] for token in ("token", "refreshed")}
    for token, answer in (("token", "read"), ("refreshed", "readAgain")):
        assert _told(outcome[token]) == {"token_type": "dpop", "scope": "records:read"}
        _read(served, outcome[answer])
    assert (len(keys), outcome["reused"]) == (1, "invalid_grant")


@every_library
def test_a_token_narrowed_to_what_is_named(served: Platform, library: GetLibrary, name: str) -> None:
    """By authorization details (RFC 9396), which the answer, the token and introspection repeat, and the records keep to."""
    client = served.client("client_secret_basic")
    outcome = library(name).act("alone", _asked(served, client, authorization_details=json.dumps(DETAILS)), nobody)
    details = _as_list(outcome["token"]["authorization_details"])
    assert details == DETAILS
    _claims(served, outcome["token"], client, authorization_details=DETAILS)
    assert outcome["read"]["status"] == 200
    assert data_of(outcome["read"]["body"]) == [{field: row[field] for field in DETAILS[0]["fields"]} for row in served.records]


@pytest.mark.parametrize("name", WITH_PROOFS)
@pytest.mark.parametrize(("method", "dpop"), [("none", False), ("private_key_jwt", True)])
def test_a_pushed_request(
    served: Platform, library: GetLibrary, allows: Callable[[str], str], back: str, name: str, method: str, dpop: bool
) -> None:
    """By PAR (RFC 9126), with details and a resource in it, so that the browser carries a reference alone."""
    client = served.client(method, back, **({"dpop_bound": True} if dpop else {}))
    asked = _asked(served, client, back, authorization_details=json.dumps(DETAILS), resource=served.resource)
    seen: list[str] = []

    def person(url: str) -> str:
        seen.append(url)
        return allows(url)

    outcome = library(name).act("consented", asked | {"par": True, "dpop": dpop}, person)
    (query,) = [dict(parse_qsl(urlsplit(url).query)) for url in seen]
    assert query == {"client_id": client["id"], "request_uri": query["request_uri"]}
    for token, answer in (("token", "read"), ("refreshed", "readAgain")):
        claims = served.claims(outcome[token]["access_token"])
        assert (claims["authorization_details"], claims["sub"], "cnf" in claims) == (DETAILS, served.lead, dpop)
        assert data_of(outcome[answer]["body"]) == [{field: row[field] for field in DETAILS[0]["fields"]} for row in served.records]
    assert outcome["reused"] == "invalid_grant"


@every_library
@pytest.mark.parametrize("method", METHODS)
def test_a_token_is_asked_about_and_given_back(served: Platform, library: GetLibrary, name: str, method: str) -> None:
    client = served.client(method)
    outcome = library(name).act("returned", _asked(served, client), nobody)
    claims = served.claims(outcome["token"]["access_token"])
    assert (outcome["before"], outcome["after"]) == ({"active": True, "token_type": "Bearer", **claims}, {"active": False})


@pytest.mark.parametrize("name", ["oauth4webapi", "openid-client"])
def test_a_program_that_registers_itself(served: Platform, library: GetLibrary, name: str) -> None:
    metadata = {"client_name": "Self-made", "token_endpoint_auth_method": "private_key_jwt", "grant_types": ["client_credentials"]}
    asked = _asked(served, {}) | {"initial": served.registration_token(), "metadata": metadata}
    outcome = library(name).act("registered", asked, nobody)
    client = outcome["client"]
    assert {key: client[key] for key in metadata} == metadata
    _claims(served, outcome["token"], {"id": client["client_id"]})
    _read(served, outcome["read"])


def test_a_resource_server_that_we_did_not_write_takes_our_tokens(served: Platform, library: GetLibrary) -> None:
    client = served.client("client_secret_basic")
    asked = _asked(served, client)
    token = library("openid-client").act("alone", asked, nobody)["token"]["access_token"]
    assert library("oauth4webapi").act("verify", {**asked, "token": token}, nobody) == served.claims(token)


def _as_list(details: Any) -> Any:
    """Authorization details as JSON; a library may have made objects of its own of them."""
    return json.loads(details) if isinstance(details, str) else details

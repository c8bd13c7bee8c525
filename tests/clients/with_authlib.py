"""Authlib's own client over httpx, used as its documentation uses it. It has neither DPoP nor PAR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from joserfc.jwk import ECKey

from tests.clients.settled import settled


def discover(asked: dict[str, Any], _person: Callable[[str], str]) -> dict[str, Any]:
    """The server's metadata, validated by the library."""
    with _known(asked) as client:
        return {"server": _server(client, asked)}


def alone(asked: dict[str, Any], _person: Callable[[str], str]) -> dict[str, Any]:
    """A client for itself."""
    with _known(asked) as client:
        token = client.fetch_token(_server(client, asked)["token_endpoint"], grant_type="client_credentials", **asked["parameters"])
        return {"token": dict(token), "read": _read(client, asked)}


def consented(asked: dict[str, Any], person: Callable[[str], str]) -> dict[str, Any]:
    """A client for a person, who is sent to the server and comes back."""
    with _known(asked) as client:
        server, verifier = _server(client, asked), generate_token(48)
        url, state = client.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier, **asked["parameters"])
        token = dict(client.fetch_token(server["token_endpoint"], authorization_response=person(url), code_verifier=verifier, state=state))
        first = _read(client, asked)
        refreshed = dict(client.refresh_token(server["token_endpoint"], token["refresh_token"]))
        second = _read(client, asked)
        reused = _reused(client, server["token_endpoint"], token["refresh_token"])
    return {"token": token, "read": first, "refreshed": refreshed, "readAgain": second, "reused": reused}


def returned(asked: dict[str, Any], person: Callable[[str], str]) -> dict[str, Any]:
    """A token that is asked about, given back, and asked about again."""
    token = alone(asked, person)["token"]
    with _known(asked) as client:
        server = _server(client, asked)
        before = client.introspect_token(server["introspection_endpoint"], token["access_token"]).json()
        assert client.revoke_token(server["revocation_endpoint"], token["access_token"]).status_code == 200
        after = settled(lambda: client.introspect_token(server["introspection_endpoint"], token["access_token"]).json())
    return {"token": token, "before": before, "after": after}


def _known(asked: dict[str, Any]) -> OAuth2Client:
    own = asked["client"]
    client = OAuth2Client(
        own["id"],
        ECKey.import_key(own["key"]) if own["method"] == "private_key_jwt" else own.get("secret"),
        token_endpoint_auth_method=own["method"],
        revocation_endpoint_auth_method=own["method"],
        code_challenge_method="S256",
        redirect_uri=asked["redirect_uri"],
        trust_env=False,
    )
    # The library names its token address unless told the issuer, which alone is an audience here (FAPI 2.0 section 5.3.3).
    client.register_client_auth_method(
        PrivateKeyJWT(asked["issuer"], alg="ES256", headers={"kid": own["key"]["kid"]} if "key" in own else None)
    )
    return client


def _server(client: OAuth2Client, asked: dict[str, Any]) -> dict[str, Any]:
    address = get_well_known_url(asked["issuer"], external=True)
    metadata = AuthorizationServerMetadata(client.request("GET", address, withhold_token=True).json())
    metadata.validate()
    assert metadata["issuer"] == asked["issuer"]
    return dict(metadata)


def _read(client: OAuth2Client, asked: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(asked["records"])
    return {"status": answer.status_code, "body": answer.json()}


def _reused(client: OAuth2Client, address: str, token: str) -> str | None:
    try:
        client.refresh_token(address, token)
    except OAuthError as error:
        return str(error.error)
    return None

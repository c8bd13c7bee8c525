"""PyPI requests-oauth2client, used as its documentation uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from jwskate import Jwk
from requests_oauth2client import (
    BearerToken,
    ClientSecretBasic,
    ClientSecretPost,
    InvalidGrant,
    OAuth2Client,
    PrivateKeyJwt,
    PublicApp,
)

from tests.clients.settled import settled

METADATA = ".well-known/oauth-authorization-server"


def discover(asked: dict[str, Any], _person: Callable[[str], str]) -> dict[str, Any]:
    """The server's metadata, as the library takes them."""
    client = _known(asked)
    return {"server": {name: getattr(client, name) for name in ("issuer", "token_endpoint", "authorization_endpoint", "jwks_uri")}}


def alone(asked: dict[str, Any], _person: Callable[[str], str]) -> dict[str, Any]:
    """A client for itself."""
    token = _known(asked).client_credentials(dpop=asked["dpop"], **asked["parameters"])
    return {"token": token.as_dict(), "read": _read(asked, token)}


def consented(asked: dict[str, Any], person: Callable[[str], str]) -> dict[str, Any]:
    """A client for a person, who is sent to the server and comes back."""
    client = _known(asked)
    request = client.authorization_request(redirect_uri=asked["redirect_uri"], nonce=None, dpop=asked["dpop"], **asked["parameters"])
    url = client.pushed_authorization_request(request).uri if asked["par"] else request.uri
    token = client.authorization_code(request.validate_callback(person(url)), validate=False)
    first = _read(asked, token)
    refreshed = client.refresh_token(token)
    second = _read(asked, refreshed)
    return {
        "token": token.as_dict(),
        "read": first,
        "refreshed": refreshed.as_dict(),
        "readAgain": second,
        "reused": _reused(client, token),
    }


def returned(asked: dict[str, Any], person: Callable[[str], str]) -> dict[str, Any]:
    """A token that is asked about, given back, and asked about again."""
    client, token = _known(asked), alone(asked, person)["token"]
    before = client.introspect_token(token["access_token"])
    assert client.revoke_access_token(token["access_token"]) is True
    return {"token": token, "before": before, "after": settled(lambda: client.introspect_token(token["access_token"]))}


def _known(asked: dict[str, Any]) -> OAuth2Client:
    own = asked["client"]
    ways: dict[str, Callable[[], Any]] = {
        "client_secret_basic": lambda: ClientSecretBasic(own["id"], own["secret"]),
        "client_secret_post": lambda: ClientSecretPost(own["id"], own["secret"]),
        "private_key_jwt": lambda: PrivateKeyJwt(own["id"], Jwk(own["key"]), alg="ES256", aud=asked["issuer"]),
        "none": lambda: PublicApp(own["id"]),
    }
    # `testing` lets addresses be plain http, which is right for loopback alone.
    return OAuth2Client.from_discovery_endpoint(
        f"{asked['issuer']}/{METADATA}", asked["issuer"], auth=ways[own["method"]](), testing=True, id_token_signed_response_alg=None
    )


def _read(asked: dict[str, Any], token: BearerToken) -> dict[str, Any]:
    answer = requests.get(asked["records"], auth=token, timeout=30)
    return {"status": answer.status_code, "body": answer.json()}


def _reused(client: OAuth2Client, token: BearerToken) -> str | None:
    try:
        client.refresh_token(token)
    except InvalidGrant as error:
        return error.error
    return None

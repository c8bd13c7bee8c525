"""What is published about OAuth, and that it is true."""

from __future__ import annotations

from joserfc import jwt
from joserfc.jwk import KeySet

from tests.api.oauth.conftest import ISSUER, World

PROVEN = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
SIGNED = ["ES256", "EdDSA", "Ed25519", "PS256"]


def test_the_authorization_servers_metadata(sqlite_world: World) -> None:
    answer = sqlite_world.caller().get("/.well-known/oauth-authorization-server")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/oauth/authorize",
            "token_endpoint": f"{ISSUER}/oauth/token",
            "introspection_endpoint": f"{ISSUER}/oauth/introspect",
            "revocation_endpoint": f"{ISSUER}/oauth/revoke",
            "registration_endpoint": f"{ISSUER}/oauth/register",
            "jwks_uri": f"{ISSUER}/oauth/jwks",
            "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "scopes_supported": ["contract:read", "records:read", "site:fetch"],
            "token_endpoint_auth_methods_supported": [*PROVEN, "none"],
            "token_endpoint_auth_signing_alg_values_supported": SIGNED,
            "introspection_endpoint_auth_methods_supported": PROVEN,
            "introspection_endpoint_auth_signing_alg_values_supported": SIGNED,
            "revocation_endpoint_auth_methods_supported": [*PROVEN, "none"],
            "revocation_endpoint_auth_signing_alg_values_supported": SIGNED,
            "dpop_signing_alg_values_supported": SIGNED,
            "authorization_details_types_supported": ["dataset-access"],
            "pushed_authorization_request_endpoint": f"{ISSUER}/oauth/par",
            "require_pushed_authorization_requests": False,
            "protected_resources": [f"{ISSUER}/v1"],
        },
    )


def test_the_apis_metadata_is_the_same_at_both_addresses(sqlite_world: World) -> None:
    caller = sqlite_world.caller()
    root, own = (caller.get(f"/.well-known/oauth-protected-resource{path}") for path in ("", "/v1"))
    assert root.json() == own.json()
    assert own.json() == {
        "resource": f"{ISSUER}/v1",
        "authorization_servers": [ISSUER],
        "jwks_uri": f"{ISSUER}/oauth/jwks",
        "scopes_supported": ["contract:read", "records:read"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": SIGNED,
        "dpop_bound_access_tokens_required": False,
        "authorization_details_types_supported": ["dataset-access"],
        "resource_name": "Agora",
        "resource_documentation": f"{ISSUER}/datasets",
    }


def test_an_outsider_verifies_a_token_by_the_published_keys(sqlite_world: World) -> None:
    caller = sqlite_world.caller()
    token = caller.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=sqlite_world.api).json()["access_token"]
    answer = caller.get("/oauth/jwks")
    opened = jwt.decode(token, KeySet.import_key_set(answer.json()), algorithms=["ES256"])
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert (opened.claims["client_id"], opened.claims["contract"]) == (sqlite_world.api[0], sqlite_world.contract.id)


def test_the_token_address_takes_post_only(sqlite_world: World) -> None:
    answer = sqlite_world.caller().get("/oauth/token")
    assert (answer.status_code, answer.headers["allow"], answer.json()["code"]) == (405, "POST", "method_not_allowed")

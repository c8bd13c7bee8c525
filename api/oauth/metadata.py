"""What machines may know in advance: the server's metadata (RFC 8414), the resource's (RFC 9728) and the public keys (RFC 7517)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from api.oauth.client import AUTH_METHODS, CONFIDENTIAL
from api.oauth.server import GRANT_TYPES
from contracts.credentials.decide import SCOPES
from contracts.credentials.details import TYPE
from contracts.credentials.jose import ALGORITHMS
from contracts.house import House

routes = APIRouter(tags=["oauth"])
_CACHED = {"cache-control": "public, max-age=300"}


@routes.get("/.well-known/oauth-authorization-server")
def authorization_server(request: Request) -> JSONResponse:
    """The authorization server's metadata."""
    house: House = request.app.state.house
    issuer = house.tokens.issuer
    return _public(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/oauth/authorize",
            "token_endpoint": f"{issuer}/oauth/token",
            "introspection_endpoint": f"{issuer}/oauth/introspect",
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "registration_endpoint": f"{issuer}/oauth/register",
            "jwks_uri": f"{issuer}/oauth/jwks",
            "grant_types_supported": list(GRANT_TYPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "scopes_supported": sorted(scope for scopes in SCOPES.values() for scope in scopes),
            **_authentication("token_endpoint", AUTH_METHODS),
            **_authentication("introspection_endpoint", CONFIDENTIAL),
            **_authentication("revocation_endpoint", AUTH_METHODS),
            "dpop_signing_alg_values_supported": list(ALGORITHMS),
            "authorization_details_types_supported": [TYPE],
            "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
            "require_pushed_authorization_requests": False,
            "protected_resources": [house.tokens.audiences["api"]],
        }
    )


@routes.get("/.well-known/oauth-protected-resource")
@routes.get("/.well-known/oauth-protected-resource/v1")
def protected_resource(request: Request) -> JSONResponse:
    """The API's metadata as a protected resource; also at the address that RFC 9728 section 3.1 makes of the resource's own."""
    house: House = request.app.state.house
    return _public(
        {
            "resource": house.tokens.audiences["api"],
            "authorization_servers": [house.tokens.issuer],
            "jwks_uri": f"{house.tokens.issuer}/oauth/jwks",
            "scopes_supported": sorted(SCOPES["api"]),
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": list(ALGORITHMS),
            "dpop_bound_access_tokens_required": False,
            "authorization_details_types_supported": [TYPE],
            "resource_name": house.settings.platform.name,
            "resource_documentation": f"{house.tokens.issuer}/datasets",
        }
    )


@routes.get("/oauth/jwks")
def jwks(request: Request) -> JSONResponse:
    """The public keys that access tokens are signed with."""
    house: House = request.app.state.house
    return JSONResponse(house.tokens.jwks(), headers=_CACHED, media_type="application/jwk-set+json")


def _authentication(endpoint: str, methods: Collection[str]) -> dict[str, list[str]]:
    """How clients prove themselves at an endpoint, and by which algorithms where they sign (RFC 8414 section 2)."""
    return {f"{endpoint}_auth_methods_supported": list(methods), f"{endpoint}_auth_signing_alg_values_supported": list(ALGORITHMS)}


def _public(document: dict[str, Any]) -> JSONResponse:
    return JSONResponse(document, headers=_CACHED)

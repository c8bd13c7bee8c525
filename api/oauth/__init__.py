"""OAuth: tokens for the clients of contracts (client credentials, ES256 JWT access tokens) and what is published about it."""

from __future__ import annotations

from fastapi import APIRouter

from api.front import HotRoute
from api.oauth import metadata
from api.oauth.endpoint import TokenEndpoint
from api.oauth.pace import PaceLimits
from contracts.house import House


def hot_routes(house: House, limits: PaceLimits | None = None) -> list[HotRoute]:
    """The token address; `limits` other than the usual are for benches and tests."""
    endpoint = TokenEndpoint(house, limits or PaceLimits())
    return [HotRoute(("POST",), "/oauth/token", endpoint, "An access token for a client of an active contract")]


def router(_house: House) -> APIRouter:
    """The published documents."""
    whole = APIRouter()
    whole.include_router(metadata.routes)
    return whole

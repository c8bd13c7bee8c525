"""OAuth: tokens for the clients of contracts (client credentials, ES256 JWT access tokens) and what is published about it."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.front import HotRoute
from api.oauth import metadata
from api.oauth.authorize import AuthorizeEndpoint
from api.oauth.endpoint import TokenEndpoint
from api.oauth.introspection import IntrospectionEndpoint
from api.oauth.leaked import LeakedEndpoint
from api.oauth.licence import LicenceEndpoint
from api.oauth.pace import PaceLimits
from api.oauth.pushed import PushedEndpoint
from api.oauth.registration import RegistrationEndpoint
from api.oauth.revocation import RevocationEndpoint
from api.oauth.shell import Shell
from contracts.errors import Misconfigured
from contracts.house import House
from contracts.networks import parse
from contracts.settings import Settings


def hot_routes(house: House, limits: PaceLimits | None = None, shell: Shell | None = None) -> list[HotRoute]:
    """The addresses that clients post to; `limits` of the token address other than the settings' are for tests.

    `shell` is the process's own where it has one already.

    Raises `Misconfigured` in production where people and machines would reach it without TLS (RFC 6749 section 3.2).
    """
    refuse_clear_text(house.settings)
    shell, most = shell or Shell(house), house.settings.limits
    tokens = limits or PaceLimits(f"{most.network_tokens}/minute", f"{most.client_tokens}/minute")
    token = TokenEndpoint(shell, tokens)
    registration = RegistrationEndpoint(shell)
    questions = PaceLimits(f"{most.network_introspections}/minute", f"{most.client_introspections}/minute")
    return [
        HotRoute(("POST",), "/oauth/token", token, "An access token under an active contract", token.direct),
        HotRoute(("POST",), "/token", LicenceEndpoint(shell, token), "The same for a crawler that names the licence it reads by (RSL)"),
        HotRoute(
            ("POST",), "/oauth/introspect", IntrospectionEndpoint(shell, questions), "Whether a token of the own contract is in force"
        ),
        HotRoute(("POST",), "/oauth/revoke", RevocationEndpoint(shell), "Give a token back before its end"),
        HotRoute(("POST",), "/oauth/register", registration.register, "A program registers itself under a contract"),
        HotRoute(
            ("GET", "PUT", "DELETE"), "/oauth/register/{client_id}", registration.manage, "What a program registered: read, replace, end"
        ),
        HotRoute(("POST",), "/oauth/par", PushedEndpoint(shell), "Send an authorization request ahead of the person"),
        HotRoute(
            ("POST",), "/oauth/leaked", LeakedEndpoint(shell), "Report secrets that were found in the open; what is live ends at once"
        ),
    ]


def router(house: House, shell: Shell | None = None) -> APIRouter:
    """The address that people are sent to by programs, and the published documents."""
    whole = APIRouter(tags=["oauth"])
    authorize = AuthorizeEndpoint(shell or Shell(house))

    def authorize_endpoint(request: Request) -> Response:
        return authorize(request)

    whole.add_api_route(
        "/oauth/authorize", authorize_endpoint, methods=["GET"], summary="A program asks a person to read for them", response_class=Response
    )
    whole.include_router(metadata.routes)
    return whole


def refuse_clear_text(settings: Settings) -> None:
    """Raise `Misconfigured` where secrets and tokens would travel in clear; plain http is for this machine alone."""
    host = urlsplit(settings.base_url).hostname or ""
    address = parse(host)
    local = host == "localhost" or (address is not None and address.is_loopback)
    if settings.profile == "production" and not settings.secure and not local:
        raise Misconfigured(
            "setting base_url", "secrets and tokens would travel in clear.", "Put TLS before Licet and use its https address."
        )
